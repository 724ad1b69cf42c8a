"""The scenes: commands as somebody types them, on inputs that are made here, in an empty working folder.

What a scene puts below `in/` is input and is not kept; everything else is. Requests go out one at a time where their
order decides what comes back.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from tests.bench.answers import write_answers
from tests.bench.asking import write_items
from tests.cli.typed import rows, spec, typed, write
from tests.freeze import golden
from tests.loopback import spoken
from tests.loopback.server import Loopback
from tests.rewards.monitored import HELD_OUT, REWARD, run_folder, training_file
from tests.signals.sounds import buzz, hiss
from wavjudge.audio import Waveform

IN = Path("in")
_ONE = "&max_in_flight=1"
_COMMANDS = (
    "", "run", "score", "calibrate", "leaderboard", "pairs", "demo", "prompts", "judges", "candidates", "voices",
    "ears", "show", "export", "import", "compare", "compare judges", "compare candidates", "compare runs", "plan",
    "plan labels", "plan judges", "plan candidates", "plan budget", "rewards", "rewards rollouts", "rewards check",
    "rewards serve", "rewards monitor", "train", "cache",
)  # fmt: skip
_JUDGED = {"openai:good": 0.5, "openai:poor": 1.5}
_SHIPPED = ("tiny-01", "tiny-02", "tiny-14")
"""Items of the shipped test set that the demo is cut down to: with silence, and a recording that is missing."""


@dataclass(slots=True)
class Scene:
    """What was typed so far, and what it said."""

    said: list[str] = field(default_factory=list)

    def type(self, *words: object, code: int = 0, keep: bool = True) -> None:
        """Type a command that has to end with this code; keep: what it says, not only what it writes."""
        done = typed(*words)
        said = f"{done.out}{_under('stderr', done.err)}"
        self.said.append(f"$ wavjudge {' '.join(map(str, words))}\n{said if keep else ''}\n")
        assert done.code == code, f"wavjudge {' '.join(map(str, words))} ended with {done.code}:\n{said}"

    def json(self, name: str, *words: object, code: int = 0) -> None:
        """The same with --json, kept as data in NAME.json."""
        done = typed(*words, "--json")
        command = f"wavjudge {' '.join(map(str, words))} --json"
        self.said.append(f"$ {command} > {name}.json\n{_under('stderr', done.err)}\n")
        assert done.code == code, f"{command} ended with {done.code}:\n{done.out}{done.err}"
        Path(f"{name}.json").write_text(done.out, encoding="utf-8")


def _under(name: str, text: str) -> str:
    return f"[{name}]\n{text}" if text else ""


def play(name: str, folder: Path) -> tuple[dict[str, str], str]:
    """Run a scene in this folder; the data and the prose that are kept of it."""
    work = folder / "work"
    work.mkdir()
    scene = Scene()
    with _surroundings(folder), contextlib.chdir(work):
        SCENES[name](scene)
        shutil.rmtree(IN, ignore_errors=True)
    return golden.kept(work, "".join(scene.said))


@contextlib.contextmanager
def _surroundings(folder: Path) -> Iterator[None]:
    """The same language, clock, width, cache and absence of keys wherever this runs."""
    kept = {name: value for name, value in os.environ.items()
            if not name.endswith(("_API_KEY", "_API_TOKEN", "_BASE_URL")) and not name.startswith("WAVJUDGE_")
            and name not in ("FORCE_COLOR", "NO_COLOR", "LANG", "LANGUAGE")}  # fmt: skip
    fixed = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "COLUMNS": "80", "TERM": "dumb", "OMP_NUM_THREADS": "1",
             "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost",
             "WAVJUDGE_CACHE": str(folder / "cache"), "XDG_CONFIG_HOME": str(folder / "config")}  # fmt: skip
    # click names the program after the package of the main module, if that has one.
    unnamed = patch.object(sys.modules["__main__"], "__package__", None)
    with patch.dict(os.environ, kept | fixed, clear=True), unnamed:
        yield


def _doors(scene: Scene) -> None:
    """What is named from outside: commands and options, SPEC kinds, prompts, the package, the trainers' adapters."""
    import wavjudge
    from tests.freeze.doors import adapters, records

    for name in ("judges", "candidates", "prompts"):
        scene.json(name, name)
        scene.type(name)
    for kind in ("judges openai", "judges gemini", "judges signals", "judges checks", "judges replay",
                 "candidates openai", "candidates gemini", "candidates command", "candidates python",
                 "candidates recorded", "candidates cascade", "voices", "ears"):  # fmt: skip
        scene.type(*kind.split())
    for command in _COMMANDS:
        scene.type(*command.split(), "--help")
    found = {"wavjudge": sorted(wavjudge.__all__), "adapters": adapters(), "records": records()}
    Path("doors.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _demo(scene: Scene) -> None:
    """`wavjudge demo` on a part of the shipped test set."""
    shipped = golden.HERE.parents[1] / "benchmarks"
    tiny = IN / "benchmarks" / "tiny"
    tiny.mkdir(parents=True)
    for name in ("benchmark.toml", "items.jsonl", "responses.jsonl", "labels.csv"):
        lines = (shipped / "tiny" / name).read_text(encoding="utf-8").splitlines(keepends=True)
        some = [line for line in lines if "tiny-" not in line or any(item in line for item in _SHIPPED)]
        (tiny / name).write_text("".join(some if name != "benchmark.toml" else lines), encoding="utf-8")
    (tiny / "audio").symlink_to(shipped / "tiny" / "audio")
    with patch("wavjudge.resources.folder", lambda name: IN / name):
        scene.type("demo", "--out", "demo", "--svg", "demo.svg")
    Path("demo/selftest/calibration.json").unlink()  # long; its rows are in calibration.csv, its form in calibrate


def _signals(scene: Scene) -> None:
    """The instruments on a clean, a clipped and a hissing sound, and on none."""
    IN.mkdir()
    loud = np.clip(3 * buzz(2.0), -1, 1)
    for name, samples in {"clean": buzz(2.0), "clipped": loud, "hiss": 0.05 * hiss(16_000)}.items():
        (IN / f"{name}.wav").write_bytes(Waveform.from_array(samples, sample_rate_hz=16_000).to_wav())
    (IN / "silent.wav").write_bytes(spoken.as_wav(bytes(24_000)))
    answers = [{"item_id": "q1", "candidate": name, "question_text": "Hm?", "text": "Ah, ah, ah.", "language": language,
                "audio": f"{name}.wav"} for name, language in
               {"clean": "en", "clipped": "en", "hiss": "de", "silent": None, "gone": "en"}.items()]  # fmt: skip
    scene.type("score", rows(*answers, folder=IN), "--judge", "signals", "--out", "run")


def _checks(scene: Scene) -> None:
    """Every kind of check, met and not met, in a language with rules and in one without."""
    choice = [{"kind": "choice", "options": {"answer": "B", "letters": "ABCD"}}]
    reference = [{"kind": "reference", "options": {"answers": ["Leonardo da Vinci", "Leonardo"]}}]
    comma = [{"kind": "instruction", "options": {"id": "punctuation:no_comma"}},
             {"kind": "instruction", "options": {"id": "length_constraints:number_words",
                                                 "kwargs": {"num_words": 3, "relation": "at least"}}}]  # fmt: skip
    said = [("I'd say B.", "en", choice), ("A, no, wait: C.", "en", choice), ("I can't help with that.", "en", choice),
            ("B", "de", choice), ("It was Leonardo da Vinci.", "en", reference), ("Raphael did.", "en", reference),
            ("No commas here at all.", "en", comma), ("Well, yes.", "en", comma), ("Hello.", None, None)]  # fmt: skip
    some = [{"item_id": f"q{n}", "candidate": "m", "question_text": "Which?", "text": text, "language": language}
            | ({"checks": checks} if checks else {}) for n, (text, language, checks) in enumerate(said)]  # fmt: skip
    words = ("score", rows(*some, folder=IN), "--judge", "checks", "--out", "run")
    scene.type(*words, "--axes", "choice,choice_given,reference_match,refusal,instructions")
    scene.json("again", *words, "--axes", "choice,choice_given,reference_match,refusal,instructions")


def _score(scene: Scene, protocol: str, items: int, faults: tuple[str | None, ...]) -> None:
    """A judge of one protocol: replies that are ratings or none, what was sent, replayed, shown and exported."""
    file = write_answers(IN, items, candidates=("a", "b"))
    with Loopback(faults, keep=1000) as server:
        judge = spec(server, protocol, _ONE)
        words = ("score", file, "--judge", judge, "--axes", "semantic,acoustic", "--out", "run", "--retry", "none")
        scene.type(*words, "--dry-run")
        scene.type(*words, "--no-cache", "--price", "audio_in=32,text_in=2.5,text_out=10")
        scene.json("resumed", *words)
        scene.type("score", "run", "--judge", judge, "--prompt-set", "joint", "--out", "run")
        sent = {"path": server.received[0].path, "body": _without_sound(server.received[0].document)}
    Path("sent.json").write_text(json.dumps(sent, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    scene.type("show", "run")
    scene.type("show", "run", "q1")
    scene.type("show", "run", "q1/b/0/semantic", code=2)
    scene.json("shown", "show", "run")
    scene.type("export", "run", "--out", "table.csv")
    scene.type("score", file, "--judge", "replay:run", "--axes", "semantic", "--out", IN / "replayed")
    scene.type("export", IN / "replayed", "--out", "replayed.parquet")


def _without_sound(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: _without_sound(inner) for name, inner in document.items()}
    if isinstance(document, list):
        return [_without_sound(inner) for inner in document]
    return (
        f"<{len(document)} characters of sound>" if isinstance(document, str) and document[:4] == "UklG" else document
    )


def _openai(scene: Scene) -> None:
    _score(
        scene, "openai", 3, ("refusal", "content_filter", "cannot_listen", "length", "finish_unknown", "choices_empty")
    )


def _gemini(scene: Scene) -> None:
    _score(scene, "gemini", 2, ("finish_unknown", "no_audio_entry", "cannot_listen", "finish_missing"))


def _run(scene: Scene) -> None:
    """Two candidates asked, by a server and by stored answers, and rated by a judge and the checks."""
    items = write_items(IN / "set", 2, toml='metrics = ["checks"]\n')
    stored = write_answers(IN / "stored", 1, candidates=("stored",))
    with Loopback() as server:
        words = ("run", items, "--candidate", spec(server, options="&voice=alloy" + _ONE), "--candidate",
                 f"recorded:{stored}", "--judge", spec(server, "gemini", _ONE), "--prompt-set", "overall",
                 "--attempts", 2, "--out", "run")  # fmt: skip
        scene.type(*words, "--dry-run")
        scene.type(*words)
        scene.json("resumed", *words)


def _pairs(scene: Scene) -> None:
    """Preference pairs and exports of a run with repeats, in each form."""
    file = write_answers(IN, 4, candidates=("a", "b", "c"))
    run = IN / "run"
    with Loopback() as server:
        scene.type("score", file, "--judge", spec(server, options=_ONE), "--repeats", 2, "--axes",
                   "semantic,acoustic", "--out", run, "-q")  # fmt: skip
    scene.type("export", run, "--format", "paper", "--out", "scored.jsonl")
    for mode in ("semantic", "paralinguistic", "sum"):
        scene.type("pairs", run, "--mode", mode, "--out", f"pairs/{mode}.jsonl")
    words = ("--mode", "weighted", "--weights", "semantic=0.7,acoustic=0.3", "--top-k", 2, "--min-gap", 0.5)
    scene.type("pairs", run, *words, "--chosen", "sft_target", "--target", "a", "--out", "pairs/weighted.jsonl")
    scene.type("pairs", "scored.jsonl", "--noise", 0.3, "--margin", 1, "--out", "pairs/scored.jsonl",
               "--no-check-audio")  # fmt: skip
    scene.type("leaderboard", run, "--rank-by", "semantic", "--out", "leaderboard.csv")
    scene.type("rewards", "rollouts", run, "--pool", "--preset", "semantic_acoustic")


def _tables(prompts: int = 12) -> tuple[Path, Path]:
    """Ratings of two judges, of which one failed now and then, and of three people; whole scores from 1 to 5."""
    dice, judged, labelled = random.Random(7), [], []
    for item in range(prompts):
        for place, candidate in enumerate("abcd"):
            true = dice.gauss(3.2 - place / 3, 1)
            key = {"item_id": f"q{item}", "candidate": candidate, "axis": "overall", "scale_low": 1, "scale_high": 5}
            for rater, error in _JUDGED.items():
                for repeat in range(2):
                    failed = rater == "openai:poor" and (item + place) % 9 == 4
                    score = "" if failed else _whole(true + dice.gauss(0.3, error))
                    judged.append(key | {"rater": rater, "rater_kind": "model", "repeat": repeat, "score": score,
                                         "status": "refused" if failed else "ok",
                                         "signature": f"{rater}|overall.1|parse:1"})  # fmt: skip
            labelled += [key | {"rater": f"p{p}", "rater_kind": "person", "score": _whole(true + dice.gauss(0, 0.5)),
                                "status": "ok"} for p in range(3)]  # fmt: skip
    IN.mkdir(exist_ok=True)
    return write(IN / "ratings.csv", judged), write(IN / "labels.csv", labelled)


def _whole(score: float) -> int:
    return min(5, max(1, round(score)))


def _only(ratings: Path, rater: str) -> Path:
    lines = ratings.read_text(encoding="utf-8").splitlines(keepends=True)
    path = IN / f"{rater.replace(':', '-')}.csv"
    path.write_text("".join(line for n, line in enumerate(lines) if not n or f",{rater}," in line), encoding="utf-8")
    return path


def _as_axis(table: Path, axis: str) -> Path:
    path = table.with_stem(f"{table.stem}-{axis}")
    path.write_text(table.read_text(encoding="utf-8").replace(",overall,", f",{axis},"), encoding="utf-8")
    return path


def _calibrate(scene: Scene) -> None:
    """Calibration in both layouts and by each interval, and what may be trained on."""
    ratings, labels = _tables()
    good = _only(ratings, "openai:good")
    scene.type("calibrate", ratings, "--labels", labels, "--out", IN / "all", "--no-plots", "--full")
    shutil.copy(IN / "all" / "calibration.csv", "all.csv")
    scene.type("calibrate", good, "--labels", labels, "--out", "one", "--no-plots")
    semantic = [_as_axis(path, "semantic") for path in (good, labels)]
    scene.type("calibrate", semantic[0], "--labels", semantic[1], "--out", IN / "paper", "--no-plots",
               "--layout", "paper", "--interval", "cluster-bootstrap", "--alt-score", "accuracy")  # fmt: skip
    scene.type(
        "calibrate", good, "--labels", labels, "--out", IN / "raters", "--no-plots", "--random", "prompts+raters"
    )
    shutil.copy(IN / "raters" / "calibration.csv", "raters.csv")
    for path in sorted((IN / "paper").glob("*.[cmt][sde]*")):
        shutil.copy(path, f"paper-{path.name}")
    scene.type("rewards", "check", IN / "all")
    scene.json("check", "rewards", "check", "one", "--min-icc", 0.99, code=1)
    scene.json("rollouts", "rewards", "rollouts", good, "--pool")
    scene.type("rewards", "rollouts", good, "--pool")


def _leaderboard(scene: Scene) -> None:
    """Leaderboards of tables: plain, corrected by people, recalibrated, in each form."""
    ratings, labels = _tables(prompts=30)
    good = _only(ratings, "openai:good")
    scene.type("calibrate", good, "--labels", labels, "--out", IN / "cal", "--no-plots")
    for suffix in ("csv", "md", "tex"):
        scene.type("leaderboard", good, "--out", f"plain.{suffix}", keep=suffix == "csv")
    scene.type("leaderboard", _only(ratings, "openai:poor"), "--out", "failures.csv")
    scene.type("leaderboard", good, "--labels", labels, "--label-design", "all", "--out", "corrected.csv")
    for kind in ("linear", "isotonic"):
        scene.type("leaderboard", good, "--calibration", IN / "cal", "--map", kind, "--out", f"{kind}.csv")


def _compare(scene: Scene) -> None:
    """The three comparisons, as CSV, JSON and Markdown."""
    ratings, labels = _tables()
    good, poor = _only(ratings, "openai:good"), _only(ratings, "openai:poor")
    for suffix in ("csv", "json", "md"):
        once = suffix == "csv"
        scene.type("compare", "judges", good, poor, "--labels", labels, "--out", f"judges.{suffix}", keep=once)
        scene.type("compare", "candidates", good, "--out", f"candidates.{suffix}", keep=once)
        scene.type("compare", "runs", good, poor, "--out", f"runs.{suffix}", keep=once)
    scene.type("compare", "judges", good, poor, "--labels", labels, "--statistic", "mae", "--interval",
               "cluster-bootstrap", "--out", "judges-mae.csv")  # fmt: skip
    scene.type("compare", "candidates", good, "--first", "a", "--second", "d", "--out", "two.csv")


def _plan(scene: Scene) -> None:
    """Each plan, from figures and from a pilot."""
    ratings, labels = _tables()
    good = _only(ratings, "openai:good")
    plans: dict[str, tuple[object, ...]] = {
        "labels": ("labels", "--r", 0.6, "--within", 0.1, "--answers", 4, "--icc", 0.3),
        "labels-bias": ("labels", "--of", "bias", "--within", 0.25, "--sd", 1),
        "labels-pilot": ("labels", "--within", 0.1, "--pilot", good, "--labels", labels),
        "judges": ("judges", "--first", 0.7, "--second", 0.6, "--between", 0.5),
        "judges-pilot": ("judges", "--pilot", good, "--pilot", _only(ratings, "openai:poor"), "--labels", labels,
                         "--judge", "openai:good", "--judge", "openai:poor"),
        "candidates": ("candidates", "--difference", 0.2, "--sd", 1, "--noise", 1, "--samples", 2),
        "candidates-pilot": ("candidates", "--difference", 0.2, "--pilot", good, "--candidate", "a",
                             "--candidate", "b"),
        "budget": ("budget", 100, "--r", 0.8, "--label-cost", 1, "--judge-cost", 0.05),
        "budget-pilot": ("budget", 100, "--label-cost", 1, "--judge-cost", 0.05, "--pilot", good, "--labels", labels),
    }  # fmt: skip
    for name, words in plans.items():
        scene.type("plan", *words)
        scene.json(name, "plan", *words)


def _monitor(scene: Scene) -> None:
    """A reward that rises alone, answers without speech, a call that failed, and a step that is added later."""
    flat = [1.0 + number % 3 for number in range(14)]
    up = [score + 1.5 - number % 2 * 0.25 for number, score in enumerate(flat)]
    runs = [run_folder(IN / "a", {REWARD: flat, HELD_OUT: flat}),
            run_folder(IN / "b", {REWARD: up, HELD_OUT: up}, silent=(3,)),
            run_folder(IN / "c", {REWARD: up, HELD_OUT: [None, *flat[1:]]}, text="It is. " * 3, loud=0.2)]  # fmt: skip
    steps = [f"{100 * number}={run}" for number, run in enumerate(runs)]
    words = ("--reward-judge", "openai:gpt-audio-1.5", "--held-out", "gemini:gemini-3.5-flash", "--training-prompts",
             training_file(IN / "trained", "Who are you?"), "--out", "monitor")  # fmt: skip
    scene.type("rewards", "monitor", *steps[:2], *words)
    scene.json("monitored", "rewards", "monitor", *steps, *words, code=1)
    scene.type("rewards", "monitor", *steps, *words, code=1)


def _importers(scene: Scene) -> None:
    """Each format, with its bad rows, as folder and as what is said of it."""
    from tests.freeze.sources import sources

    for name, format_, path in sources(IN):
        scene.type("import", format_, path, "--outside", "--out", name)
    scene.json("told", "import", "vstyle", IN / "vstyle", "--out", IN / "told", "--keep-audio", "reference")


SCENES: dict[str, Callable[[Scene], None]] = {
    "demo": _demo, "signals": _signals, "importers": _importers, "calibrate": _calibrate, "compare": _compare,
    "leaderboard": _leaderboard, "plan": _plan, "doors": _doors, "openai": _openai, "gemini": _gemini, "run": _run,
    "pairs": _pairs, "checks": _checks, "monitor": _monitor,
}  # fmt: skip
