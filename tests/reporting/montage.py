"""`python -m tests.reporting.montage FOLDER FILE`: the five plots of an axis side by side, for docs/calibration.md."""

from __future__ import annotations

import sys
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.image import imread

AXIS = "signal_quality"


def montage(folder: Path, out: Path) -> None:
    plots = sorted(folder.glob(f"*-{AXIS}-*.png"))
    figure = Figure(figsize=(13, 7.2), layout="constrained")
    for number, axes in enumerate(figure.subplots(2, 3).flat):
        axes.set_axis_off()
        if number < len(plots):
            axes.imshow(imread(plots[number]))
    figure.savefig(out, dpi=77, metadata={"Software": None})


if __name__ == "__main__":
    montage(Path(sys.argv[1]), Path(sys.argv[2]))
