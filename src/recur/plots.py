"""Arrays to figures, and nothing else. Matplotlib is imported when the first one is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recur import files
from recur.files import PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Told apart by people who do not see red and green alike (Okabe and Ito, 2008).
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"

_LABELS = {"loss": "Loss", "accuracy": "Accuracy", "mae": "MAE", "mse": "MSE", "rmse": "RMSE"}
_NO_CURVE = ("gradient_norm", "gradient_norm_max", "learning_rate", "seconds", "epoch")


def figure(title: str, across: str, up: str, size: tuple[float, float] = (7, 4.2)) -> Any:
    """An empty figure and its axes, in the house style.

    The figure is not tied to a window: it works without a screen, and closes itself.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(drawn)
    axes = drawn.subplots()
    axes.set_title(title)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    return drawn, axes


def curves(history: Mapping[str, Sequence[float]]) -> list[tuple[str, Figure]]:
    """Training and validation curves over epochs: a figure for the loss and for each metric.

    Args:
        history: columns by name, with `val_` in front for validation; a number an epoch.

    Returns:
        (name, figure) pairs; none for an empty history.
    """
    names = [n for n in history if not n.startswith("val_") and n not in _NO_CURVE and history[n]]
    return [(name, _curve(name, history)) for name in names]


def _curve(name: str, history: Mapping[str, Sequence[float]]) -> Figure:
    label = _LABELS.get(name, name)
    validation = history.get(f"val_{name}")
    title = f"Training and validation {label}" if validation else f"Training {label}"
    drawn, axes = figure(title if label.isupper() else title.capitalize(), "Epoch", label)
    epochs = np.arange(1, len(history[name]) + 1)
    axes.plot(epochs, history[name], color=BLUE, marker="o", label="training")
    if validation:
        axes.plot(epochs, validation, color=ORANGE, marker="s", label="validation")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False)
    result: Figure = drawn
    return result


def forecast(
    known: Sequence[float],
    predicted: Sequence[float],
    *,
    times: Sequence[Any] | None = None,
    baselines: Mapping[str, Sequence[float]] | None = None,
    title: str = "Forecast",
    unit: str = "",
) -> Figure:
    """The end of a series and what follows.

    Args:
        known: K values that are known.
        predicted: H values after them.
        times: K + H times, numbers or dates; None to count steps (0 is the first forecast).
        baselines: other forecasts by name, H values each.
        title: above the figure.
        unit: beside the values.
    """
    across = "" if times is not None else "Step"
    drawn, axes = figure(title, across, unit, size=(8, 4.2))
    at = np.arange(-len(known), len(predicted)) if times is None else np.asarray(times)
    before, after = at[: len(known)], at[len(known) :]
    # Lines begin at the last known value, so that the eye sees them go on from there.
    joint = at[len(known) - 1 :] if len(known) else after
    axes.plot(before, known, color=GREY, label="known")
    for style, (name, values) in zip(("--", ":", "-."), (baselines or {}).items(), strict=False):
        axes.plot(joint, _joined(known, values), color=GREEN, linestyle=style, label=name)
    axes.plot(joint, _joined(known, predicted), color=ORANGE, marker="o", label="forecast")
    axes.legend(frameon=False)
    if times is not None:
        drawn.autofmt_xdate()
    result: Figure = drawn
    return result


def _joined(known: Sequence[float], values: Sequence[float]) -> list[float]:
    return [*list(known[-1:]), *values]


def save(drawn: Figure, path: PathLike) -> Path:
    """Writes a figure to `path` (the ending says the format), whole or not at all; returns it.

    Raises:
        FailedError: if the file cannot be written.
    """
    with files.replacing(path) as temporary:
        drawn.savefig(temporary, dpi=120)
    return Path(path)
