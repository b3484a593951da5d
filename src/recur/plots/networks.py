"""Networks unrolled through time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recur.messages import InputError, must, one_of
from recur.plots.figure import BLUE, GREEN, GREY, ORANGE, in_own_style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Unrolled:
    """A network unrolled through time: what goes in and what comes out at each step.

    Attributes:
        inputs: a label for each step, in matplotlib's mathematical text; empty where nothing
            goes in.
        outputs: the same of what comes out.
        states: a label for each step's state.
        memory: whether each state is handed on to the next.
        fed_back: the steps whose output is the next step's input.
        attended: the steps that are looked at by those that come after them all.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    states: tuple[str, ...]
    memory: bool = True
    fed_back: tuple[int, ...] = ()
    attended: tuple[int, ...] = ()


UNROLLED = {
    "one-to-one": Unrolled(("x",), ("y",), ("h",), memory=False),
    "one-to-many": Unrolled(
        ("x", "y_1", "y_2", "y_3"),
        ("y_1", "y_2", "y_3", "y_4"),
        ("h_1", "h_2", "h_3", "h_4"),
        fed_back=(0, 1, 2),
    ),
    "many-to-one": Unrolled(
        ("x_1", "x_2", "x_3", "x_4"), ("", "", "", "y"), ("h_1", "h_2", "h_3", "h_4")
    ),
    "many-to-many": Unrolled(
        ("x_1", "x_2", "x_3", "x_4"),
        ("y_1", "y_2", "y_3", "y_4"),
        ("h_1", "h_2", "h_3", "h_4"),
    ),
    "ctc": Unrolled(
        ("x_1", "x_2", "x_3", "x_4", "x_5", "x_6"),
        (r"\varepsilon", "c", "a", "a", r"\varepsilon", "t"),
        ("h_1", "h_2", "h_3", "h_4", "h_5", "h_6"),
    ),
    "encoder-decoder": Unrolled(
        ("x_1", "x_2", "x_3", "", "y_1", "y_2"),
        ("", "", "", "y_1", "y_2", "y_3"),
        ("h_1", "h_2", "h_3", "s_1", "s_2", "s_3"),
        fed_back=(3, 4),
    ),
    "attention": Unrolled(
        ("x_1", "x_2", "x_3", "", "y_1", "y_2"),
        ("", "", "", "y_1", "y_2", "y_3"),
        ("h_1", "h_2", "h_3", "s_1", "s_2", "s_3"),
        fed_back=(3, 4),
        attended=(0, 1, 2),
    ),
}


@in_own_style
def unrolled(network: str | Unrolled) -> Figure:
    """Draws a network unrolled through time: every step, its input and its output if it has them.

    Args:
        network: a type of network by name (the keys of `UNROLLED`), or a description of one.

    Returns:
        Inputs below, states in the middle, outputs above; time runs to the right. Dashed: an
        output that is read at the next step. Dotted: attention.

    Raises:
        InputError: an unknown name, or a description whose parts differ in length.
    """
    if isinstance(network, str):
        network = UNROLLED[one_of("a type of network", network, UNROLLED)]
    steps = len(network.states)
    for name, labels in (("inputs", network.inputs), ("outputs", network.outputs)):
        if len(labels) != steps:
            raise InputError(must(name, f"as many as the states, {steps}", len(labels)))
    figure = new_figure(0.9 * steps + 0.5, 2.4)
    axes = figure.subplots()
    for row, labels, color in (
        (0, network.inputs, GREEN),
        (1, network.states, BLUE),
        (2, network.outputs, ORANGE),
    ):
        for step, label in enumerate(labels):
            if label:
                _box(axes, step, row, f"${label}$", color)
    for step in range(steps):
        if network.inputs[step]:
            _arrow(axes, (step, 0), (step, 1))
        if network.outputs[step]:
            _arrow(axes, (step, 1), (step, 2))
        if network.memory and step:
            _arrow(axes, (step - 1, 1), (step, 1))
    for step in network.fed_back:
        _arrow(axes, (step, 2), (step + 1, 0), linestyle="--", color=GREY)
    for step in network.attended:
        for asking in range(max(network.attended) + 1, steps):
            bend = {"connectionstyle": "arc3,rad=-0.22", "linestyle": ":", "color": ORANGE}
            _arrow(axes, (step, 1), (asking, 1), **bend)
    axes.set_xlim(-0.5, steps - 0.5)
    axes.set_ylim(-0.4, 2.4)
    axes.set_axis_off()
    return figure


def _box(axes: Axes, x: float, y: float, label: str, color: str) -> None:
    style = {"boxstyle": "round,pad=0.35", "facecolor": color, "edgecolor": "none"}
    axes.text(x, y, label, ha="center", va="center", color="white", bbox=style, zorder=3)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], **style: Any) -> None:
    drawn = {"arrowstyle": "-|>", "shrinkA": 11, "shrinkB": 13, "color": "black", **style}
    axes.annotate("", end, start, arrowprops=drawn, zorder=2)
