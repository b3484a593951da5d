"""Writing by hand: a text goes in, the path of a pen comes out, many points a letter.

point_1  point_2       point_T
   |        |             |
  [h] ---- [h] -- ... -- [h]      upper layers
   |        |             |
  [w] ---- [w] -- ... -- [w]      a window that slides along the text
   |        |             |
  [h] ---- [h] -- ... -- [h]      the first layer moves it
   |        |             |
 start   point_1      point_(T-1)

Letters: B texts of U characters, C kinds of them, T points, H units, K Gaussians of the window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recur.decoding import Mixture
from recur.decoding.writing import write
from recur.layers.attention import existing
from recur.layers.checks import tensor
from recur.layers.lengths import Lengths, as_lengths
from recur.layers.window import GaussianWindow
from recur.messages import InputError, count, must, whole
from recur.models.checks import NO_TARGETS, as_tensors, check_options, check_sizes
from recur.models.deep import by_row, deep, from_rows

POINT = 3
"""Numbers of a point: how far it is from the last one across and up, and whether a stroke ends."""
BEYOND = 2
"""Empty places after a text, at which the window is seen to have left it."""


class ScribeState(NamedTuple):
    """What changes from point to point.

    Attributes:
        layers: the states of each recurrent layer, the row first.
        at: (B, K) where the window stands.
        seen: (B, C) what it showed last.
        weights: (B, U + 2) how much of that was of which character, and of the places beyond.
    """

    layers: tuple[tuple[Tensor, ...], ...]
    at: Tensor
    seen: Tensor
    weights: Tensor


class Penned(NamedTuple):
    """Points that were written.

    Attributes:
        points: (B, T, 3); beyond a length they mean nothing.
        lengths: (B,) int64.
        scores: (B,) the sum of the points' log-densities, in nats.
        weights: (B, T, U) how much each point is of each character.
        ended: (B,) bool, whether the end of the text was reached.
    """

    points: Tensor
    lengths: Tensor
    scores: Tensor
    weights: Tensor
    ended: Tensor


class Scribe(nn.Module):
    """The synthesis network of A. Graves, arXiv:1308.0850, section 5.

    The first recurrent layer reads the last point and what the window showed, and moves the window
    along the text. The layers above read the point, what it shows now, and the layer below; of all
    layers' outputs one linear layer makes a mixture density of the next point
    (`recur.decoding.Mixture`).

    Args:
        vocabulary: C; texts are token ids below this number.
        components: Gaussians of the density.
        gaussians: K, of the window.
        pace: characters that the window moves at each point before anything is learnt.
        cell: the recurrent cell, a name of `recur.models.deep.CELLS`: "lstm", "gru" ...
        units: H.
        layers: recurrent layers.
        dropout: the part dropped of what a layer gives, for all that reads it, while training.
        options: more arguments for the recurrent layers; see `recur.layers.Recurrent`.

    Raises:
        InputError: arguments that do not fit together.
    """

    aligned = False  # with the input, step by step
    least = 0.01  # deviation of a point, which is best given with one of about 1

    def __init__(
        self,
        *,
        vocabulary: int,
        components: int = 20,
        gaussians: int = 10,
        pace: float = 0.1,
        cell: str = "lstm",
        units: int = 128,
        layers: int = 2,
        dropout: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__()
        check_options(options, "bidirectional", "merge")
        check_sizes(dropout, vocabulary=vocabulary, units=units, layers=layers)
        self.vocabulary = vocabulary
        self.emission = Mixture(components, least=self.least)
        self.window = GaussianWindow(units, gaussians, pace=pace)
        read = POINT + vocabulary
        self.first = deep(cell, read, units, **options)
        self.upper = nn.ModuleList(
            deep(cell, read + units, units, **options) for _ in range(layers - 1)
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(layers * units, self.emission.size)

    def forward(
        self, x: Tensor, lengths: Lengths | None = None, targets: Tensor | None = None
    ) -> Tensor:
        """Scores of each point, given the text and the points before it.

        Args:
            x: (batch, characters) token ids.
            lengths: the characters of each row; None if all are full.
            targets: (batch, time, 3) the points: how far each is from the last one, and 1 where a
                stroke ends with it, else 0; each row filled up with NaN.

        Returns:
            (batch, time, 6 * components + 1) as `recur.decoding.Mixture` takes them, zeros beyond a
            row's length: `recur.fit(..., loss=model.emission.loss)`.

        Raises:
            InputError: no targets, or a text, lengths or targets that do not fit.
        """
        return self._taught(x, lengths, targets)[0]

    def align(self, x: Tensor, targets: Tensor, lengths: Lengths | None = None) -> Tensor:
        """How much each point was of each character, by where the window stood.

        Arguments and errors as for `forward`.

        Returns:
            (batch, time, characters), of which each point's sum to 1, or less where the window had
            left the text; not defined beyond a row's points.
        """
        return _shares(self._taught(x, lengths, targets)[1], self._text(x, lengths)[1])

    def generate(
        self,
        x: Tensor | Sequence[Any],
        lengths: Lengths | None = None,
        *,
        max_steps: int,
        bias: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Penned:
        """Writes each text: until the window has left it and a stroke ends.

        Call `eval()` first: in training mode dropout works here too.

        Args:
            x: as for `forward`, or a list of texts of unequal length.
            lengths: as for `forward`; None with a list.
            max_steps: points to write at most.
            bias: above 0 points are nearer to the likeliest; see `recur.decoding.Mixture`.
            generator: the source of chance; torch's own if None.

        Raises:
            InputError: texts, lengths or arguments that do not fit.
        """
        emission = replace(self.emission, bias=bias)
        x, lengths = as_tensors("x", x, lengths, self)
        text, characters = self._text(x, lengths)
        looked: list[Tensor] = []

        def step(state: ScribeState, point: Tensor) -> tuple[Tensor, ScribeState]:
            scores, state = self._advance(point, state, text)
            looked.append(state.weights)
            return scores, state

        def left() -> Tensor:
            """How many places beyond its text the window of each row is; 0 or less: not yet."""
            return looked[-1].argmax(dim=1) - characters + 1

        def ends(point: Tensor) -> Tensor:
            beyond = left()
            return (beyond >= BEYOND) | ((beyond > 0) & (point[:, -1] > 0))

        with torch.no_grad():
            first, state = step(self._begin(text), text.new_zeros(len(text), POINT))
            written = write(
                step,
                state,
                first,
                emission,
                max_steps=whole("max_steps", max_steps),
                generator=generator,
                ends=ends,
            )
        weights = torch.stack(looked[: written.values.shape[1]], dim=1)
        last = weights.gather(
            1, (written.lengths - 1).view(-1, 1, 1).expand(-1, 1, weights.shape[2])
        )
        ended = last.squeeze(1).argmax(dim=1) >= characters
        return Penned(
            written.values, written.lengths, written.scores, _shares(weights, characters), ended
        )

    def _text(self, x: Tensor, lengths: Lengths | None) -> tuple[Tensor, Tensor]:
        """What the window looks at, (B, U + 2, C): zeros beyond the text; and its lengths (B,)."""
        if tensor("x", x).dim() != 2 or x.is_floating_point() or not x.shape[1]:
            got = f"{x.dtype} of the shape {tuple(x.shape)}"
            raise InputError(must("x", "token ids (batch, characters)", got))
        if x.numel() and not 0 <= int(x.min()) <= int(x.max()) < self.vocabulary:
            got = f"{int(x.min())} to {int(x.max())}"
            raise InputError(must("x", f"token ids from 0 to {self.vocabulary - 1}", got))
        shown = F.one_hot(x, self.vocabulary).to(self.head.weight.dtype)
        steps = as_lengths(
            [x.shape[1]] * len(x) if lengths is None else lengths,
            time=x.shape[1],
            batch=len(x),
            device=x.device,
        )
        within = torch.arange(x.shape[1], device=x.device) < steps.unsqueeze(1)
        return F.pad(shown * within.unsqueeze(-1), (0, 0, 0, BEYOND)), steps

    def _begin(self, text: Tensor) -> ScribeState:
        rows = len(text)
        layers = []
        for layer in (self.first, *self.upper):
            sizes = layer.state_sizes
            layers.append(tuple(text.new_zeros(rows, 1, size) for size in sizes))
        seen = text.new_zeros(rows, self.vocabulary)
        return ScribeState(
            tuple(layers), self.window.begin(rows), seen, text.new_zeros(text.shape[:2])
        )

    def _look(self, point: Tensor, state: ScribeState, text: Tensor) -> tuple[Tensor, ScribeState]:
        """The first layer's output (B, H) after a point (B, 3), and the window after it."""
        read = torch.cat([point, state.seen], dim=-1).unsqueeze(1)
        y, final = self.first(read, from_rows(state.layers[0]))
        y = y.squeeze(1)
        seen, weights, at = self.window(y, state.at, text)
        return y, ScribeState((by_row(final), *state.layers[1:]), at, seen, weights)

    def _advance(
        self, point: Tensor, state: ScribeState, text: Tensor
    ) -> tuple[Tensor, ScribeState]:
        """Reads one point of each row; the scores of the next."""
        y, state = self._look(point, state, text)
        outputs, finals = [self.dropout(y)], [state.layers[0]]
        for layer, start in zip(self.upper, state.layers[1:], strict=True):
            read = torch.cat([point, state.seen, outputs[-1]], dim=-1).unsqueeze(1)
            y, final = layer(read, from_rows(start))
            outputs.append(self.dropout(y.squeeze(1)))
            finals.append(by_row(final))
        return self.head(torch.cat(outputs, dim=-1)), state._replace(layers=tuple(finals))

    def _taught(
        self, x: Tensor, lengths: Lengths | None, targets: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The scores (B, T, S) and the window's weights (B, T, U + 2)."""
        points, steps = self._points(targets, x)
        text, _ = self._text(x, lengths)
        before = F.pad(points[:, :-1], (0, 0, 1, 0))
        state, lowest, seen, weights = self._begin(text), [], [], []
        for point in before.unbind(dim=1):
            y, state = self._look(point, state, text)
            lowest.append(y)
            seen.append(state.seen)
            weights.append(state.weights)
        outputs = [self.dropout(torch.stack(lowest, dim=1))]
        beside = torch.cat([before, torch.stack(seen, dim=1)], dim=-1)
        for layer in self.upper:
            y, _ = layer(torch.cat([beside, outputs[-1]], dim=-1), lengths=steps)
            outputs.append(self.dropout(y))
        scores = self.head(torch.cat(outputs, dim=-1))
        exists = existing(scores, steps)
        assert exists is not None
        return scores.masked_fill(~exists.unsqueeze(-1), 0), torch.stack(weights, dim=1)

    def _points(self, targets: Tensor | None, x: Tensor) -> tuple[Tensor, Tensor]:
        """The points with zeros beyond the ends of rows, and how many there are of each."""
        if targets is None:
            raise InputError(NO_TARGETS)
        if targets.dim() != 3 or targets.shape[2] != POINT or not targets.shape[1]:
            got = f"the shape {tuple(targets.shape)}"
            raise InputError(must("targets", f"points (batch, time, {POINT})", got))
        if len(targets) != len(x):
            raise InputError(
                must("targets", f"a row for each of {len(x)}", count(len(targets), "row"))
            )
        known = targets.isfinite().all(dim=-1)
        steps = known.sum(dim=1)
        within = torch.arange(targets.shape[1], device=targets.device) < steps.unsqueeze(1)
        if not torch.equal(known, within):
            raise InputError(must("targets of NaN", "only at the ends of rows", "others"))
        return torch.where(known.unsqueeze(-1), targets, 0), steps


def _shares(weights: Tensor, characters: Tensor) -> Tensor:
    """Weights (B, T, U + 2) as parts of 1, without the places beyond the text."""
    places = torch.arange(weights.shape[-1], device=weights.device)
    there = places < characters.unsqueeze(1) + BEYOND
    weights = weights * there.unsqueeze(1)
    total = weights.sum(dim=-1, keepdim=True).clamp(min=torch.finfo(weights.dtype).tiny)
    return (weights / total)[..., :-BEYOND]
