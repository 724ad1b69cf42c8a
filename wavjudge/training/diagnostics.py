"""What a loss does to a model that speaks in tokens, text and speech apart.

`gradients`: how long the gradients of a text and a speech loss are, and whether they point the same way (two backward
passes). `Change`: by how much the log-probability of each token of given answers has moved from a base model's, under
teacher forcing. Both are diagnostics of the paper (WavAlign, arXiv 2604.14932).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from wavjudge.errors import InputError
from wavjudge.reporting.plots import save
from wavjudge.training.masks import Masks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Change", "Gradients", "changes", "draw_change", "evaluating", "gradients"]

Kind = Literal["text", "speech"]
Floats = npt.NDArray[np.float64]

_COLOURS = {"text": "#1f4e79", "speech": "#b04a2f"}
_BINS = 60


@dataclass(frozen=True, slots=True)
class Gradients:
    """text_norm, speech_norm: L2. dot: the scalar product of the two."""

    text_norm: float
    speech_norm: float
    dot: float

    @property
    def ratio(self) -> float | None:
        """Text over speech; None where the speech loss has no gradient."""
        return self.text_norm / self.speech_norm if self.speech_norm else None

    @property
    def cosine(self) -> float | None:
        """-1 to 1; None where either has no gradient: no direction, not an orthogonal one."""
        return self.dot / (self.text_norm * self.speech_norm) if self.text_norm and self.speech_norm else None


def gradients(parameters: Iterable[Tensor], loss: Callable[[Kind], Tensor]) -> Gradients:
    """Two backward passes. loss: called once with "text", once with "speech", a fresh scalar each time, over the same
    answers. Sums are in float64; `.grad` is neither read nor written. A gradient that is no number is an `InputError`.

    >>> both = torch.tensor([3.0, 4.0], requires_grad=True)
    >>> found = gradients([both], lambda kind: both[0] if kind == "text" else 2 * both[0] + 0 * both[1])
    >>> found.ratio, found.cosine
    (0.5, 1.0)
    """
    trained = [each for each in parameters if each.requires_grad]
    if not trained:
        raise InputError("got no parameter that is trained, expected at least one", todo="give model.parameters()")
    text, speech = (torch.autograd.grad(loss(kind), trained, allow_unused=True) for kind in ("text", "speech"))
    found = Gradients(_dot(text, text) ** 0.5, _dot(speech, speech) ** 0.5, _dot(text, speech))
    if not (math.isfinite(found.text_norm) and math.isfinite(found.speech_norm)):
        raise InputError(f"got gradients with the norms {found.text_norm} (text) and {found.speech_norm} (speech)")
    return found


def _dot(one: Iterable[Tensor | None], other: Iterable[Tensor | None]) -> float:
    # None: a parameter that this loss does not reach.
    pairs = zip(one, other, strict=True)
    return math.fsum(float((a.double() * b.double()).sum()) for a, b in pairs if a is not None and b is not None)


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """text, speech: policy minus base, in nats, one figure a counted token, shape (n,). Below 0: less likely now."""

    text: Floats
    speech: Floats

    @classmethod
    def of(cls, logps: Tensor, base_logps: Tensor, masks: Masks) -> Change:
        """From log-probabilities (B, T) of the same answers, given to both models.

        >>> both = Masks(text=torch.tensor([[True, False]]), speech=torch.tensor([[False, True]]))
        >>> found = Change.of(torch.tensor([[-1.0, -4.0]]), torch.tensor([[-2.0, -1.0]]), both)
        >>> found.text.tolist(), found.speech.tolist()
        ([1.0], [-3.0])
        """
        if not logps.shape == base_logps.shape == masks.text.shape:
            raise InputError(f"got log-probabilities of {tuple(logps.shape)} and {tuple(base_logps.shape)} and masks "
                             f"of {tuple(masks.text.shape)}, expected the same shape")  # fmt: skip
        apart = logps.detach().double() - base_logps.detach().double()
        text, speech = (apart[mask].cpu().numpy() for mask in (masks.text, masks.speech))
        if not (np.isfinite(text).all() and np.isfinite(speech).all()):
            raise InputError("got a counted token without a log-probability in one of the models, expected numbers")
        return cls(text, speech)

    def summary(self) -> list[dict[str, float | str | int | None]]:
        """A row for text, one for speech: n, mean, sd (by n), quantiles 5, 50, 95 %; None without tokens."""
        return [_row(kind, getattr(self, kind)) for kind in ("text", "speech")]


def _row(kind: Kind, values: Floats) -> dict[str, float | str | int | None]:
    names = ("mean", "sd", "q05", "q50", "q95")
    if not len(values):
        return {"tokens": kind, "n": 0, **dict.fromkeys(names)}
    figures = (values.mean(), values.std(), *np.quantile(values, (0.05, 0.5, 0.95)))
    return {"tokens": kind, "n": len(values), **dict(zip(names, map(float, figures), strict=True))}


def changes(batches: Iterable[tuple[Tensor, Tensor, Masks]]) -> Change:
    """One `Change` of many batches of (policy's log-probabilities, base's, masks); none is an `InputError`."""
    found = [Change.of(*batch) for batch in batches]
    if not found:
        raise InputError("got no batch, expected at least one")
    return Change(np.concatenate([each.text for each in found]), np.concatenate([each.speech for each in found]))


@contextmanager
def evaluating(model: Any) -> Iterator[Any]:
    """The model without dropout and without gradients, and afterwards as it was: for log-probabilities to compare.

    >>> model = torch.nn.Dropout(0.5)
    >>> with evaluating(model): model.training
    False
    >>> model.training
    True
    """
    was = {part: part.training for part in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield model
    finally:
        for part, training in was.items():
            part.training = training


def draw_change(change: Change, path: Path, title: str = "") -> Path:
    """Two histograms (share of tokens by change in nats), text above speech, on one axis; PNG or SVG by suffix."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    matplotlib.rcParams["svg.hashsalt"] = "wavjudge"  # the same picture is the same file
    figure = Figure(figsize=(5, 4.2), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    reach = max((float(np.abs(part).max()) for part in (change.text, change.speech) if len(part)), default=0) or 1.0
    for kind, axes in zip(_COLOURS, figure.subplots(2, 1, sharex=True), strict=True):
        _histogram(axes, getattr(change, kind), kind, reach)
    figure.supxlabel("change of log-probability from the base model, nats", fontsize=9)
    figure.suptitle(title, fontsize=10)
    save(figure, path)
    return path


def _histogram(axes: Axes, values: Floats, kind: str, reach: float) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.axvline(0, color="black", linewidth=0.6)
    axes.set_ylabel("share of tokens", fontsize=9)
    if not len(values):
        axes.set_title(f"{kind}: no tokens", fontsize=9)
        return
    shares = np.full(len(values), 1 / len(values))
    axes.hist(values, np.linspace(-reach, reach, _BINS).tolist(), weights=shares, color=_COLOURS[kind])
    axes.axvline(float(values.mean()), color="black", linestyle=":", linewidth=1)
    axes.set_title(f"{kind}: n = {len(values):,}, mean {values.mean():+.4f} (dotted)", fontsize=9)
