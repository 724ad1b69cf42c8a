"""Where the figures of a row come from, in one line that every row of every table carries:

    judge:1f0c9a7be2d4|data:90ab34cd56ef|mean.1,jackknife-t.1,rank-sets.1|level:0.95|seed:12345|resamples:10000|wavjudge:0.1.0

judge is a hash of the judge signatures that stand beside it; data the beginning of the hash of the one table behind
the row, or a hash of the hashes of several. Estimators carry their versions; what else decides a figure (labels, a map,
what was fixed for a test) follows them. A row that was cut out still says where it came from.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

from wavjudge.version import __version__


def result_signature(
    judges: Iterable[str], data_sha256: Sequence[str], estimators: Sequence[str], *, seed: int, resamples: int = 0,
    level: float = 0.95, beside: Sequence[str] = (),
) -> str:  # fmt: skip
    """The line. judges: their signatures; data_sha256: of each table; beside: what follows the estimators.

    >>> result_signature(["m|v1"], ["ab" * 32], ["pearson.1"], seed=1).split("|")[1:4]
    ['data:abababababab', 'pearson.1', 'level:0.95']
    >>> result_signature(["m|v1"], ["ab" * 32, "cd" * 32], ["pearson.1"], seed=1).split("|")[1]
    'data:84f691a94a4a'
    """
    data = data_sha256[0] if len(data_sha256) == 1 else _hash(data_sha256)
    return "|".join((
        f"judge:{_hash(judges)[:12]}", f"data:{data[:12]}", ",".join(estimators), *beside, f"level:{level:g}",
        f"seed:{seed}", f"resamples:{resamples}", f"wavjudge:{__version__}",
    ))  # fmt: skip


def plots_of(judge: str, axis: str, signature: str) -> str:
    """How the names of one judge's pictures on one axis begin; the signature's hash keeps two of a name apart.

    >>> plots_of("openai:m", "overall", "openai:m|v1")
    'openai-m-overall-aa4b9b'
    """
    short = hashlib.sha256(signature.encode()).hexdigest()[:6]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", f"{judge}-{axis}-{short}").strip("-.")


def _hash(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
