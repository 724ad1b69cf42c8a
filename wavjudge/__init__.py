"""wavjudge: find out how good a spoken-dialogue model is, and whether the score may be believed.

The public face is what `__all__` names; everything else may move. docs/schema.md says what a version may change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavjudge.version import __version__

if TYPE_CHECKING:
    from wavjudge.api.runs import Scored as Scored
    from wavjudge.api.runs import load as load
    from wavjudge.api.runs import score as score

__all__ = ["Scored", "__version__", "load", "score"]


def __getattr__(name: str) -> object:
    # Importing wavjudge costs nothing; pydantic and numpy come with the first use.
    if name in ("Scored", "load", "score"):
        from wavjudge.api import runs

        return getattr(runs, name)
    raise AttributeError(f"module 'wavjudge' has no attribute {name!r}")
