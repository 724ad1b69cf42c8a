"""`python -m tests.freeze [SCENE ...]` (make freeze): write the golden files of the scenes anew, name what changed."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.freeze import golden
from tests.freeze.scenes import SCENES, play


def main(names: list[str]) -> None:
    if unknown := sorted({*names} - {*SCENES}):
        sys.exit(f"no such scene: {', '.join(unknown)}; scenes: {', '.join(SCENES)}")
    for name in names or SCENES:
        with tempfile.TemporaryDirectory() as place:
            fresh = play(name, Path(place))
        for path in golden.write(name, fresh):
            print(f"{path.relative_to(golden.HERE.parents[1])} changed")
    if not names:
        for path in golden.strays(SCENES):
            path.unlink()
            print(f"{path.relative_to(golden.HERE.parents[1])} removed")


if __name__ == "__main__":
    main(sys.argv[1:])
