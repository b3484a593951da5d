"""Which inputs mattered for an answer: integrated gradients and occlusion.

What is given a share of the score is always a step of the sequence. Where steps are numbers, it is
the sum over all numbers of the step, however many axes they have. Where they are whole numbers, it
is that of the vectors looked up for them, or of what a front that keeps time makes of the step.

Letters: T steps of the sequence, E numbers of a step (of its vector, where the input is tokens).
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recur.diagnostics.attributed import Attribution
from recur.diagnostics.walk import inner
from recur.messages import FailedError, InputError, must
from recur.models.fronts import Front
from recur.training.call import device_of

AT_ONCE = 20_000
"""Steps, of all rows together, that the model is given at once."""


def integrated_gradients(
    model: nn.Module,
    x: Any,
    *,
    labels: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    output: int | None = None,
    at: int = -1,
    baseline: Any = 0.0,
    told: Sequence[bool] | None = None,
    channels: Sequence[str] | None = None,
    head: str = "",
    steps: int = 64,
) -> Attribution:
    """What each step added, by the gradient integrated on the way from a baseline.

    The values sum to the difference of the two scores (completeness). M. Sundararajan, A. Taly and
    Q. Yan, "Axiomatic attribution for deep networks", arXiv:1703.01365, 2017; the integral by
    Gauss and Legendre's rule.

    Args:
        model: any module; evaluated without dropout, and left as it was. Tokens are looked up in
            the first `nn.Embedding` that reads; a model with a front that keeps time, in its front.
        x: one sequence: (T,) token ids, or (T, ...) numbers; with a front what that reads.
        labels: T words for the steps.
        names: words for the outputs.
        output: which output is explained; None: the greatest.
        at: of which step, where there is an output for every step; the last.
        baseline: what says nothing: a number or a tensor that fits (T, ...). Of tokens: in the
            place of their vectors.
        told: (T,) of which steps something is said. What says nothing has the others too, such as
            the mark of a start, which is no part of what was asked. None: all are told.
        channels: E words for the numbers of a step, whose shares over all steps are told then; of
            numbers of the same name together.
        head: of a model with several outputs by name, which one.
        steps: points of the integral.

    Raises:
        InputError: a sequence, labels, an output or steps that do not fit.
        FailedError: scores that are not finite.
    """
    if steps < 1:
        raise InputError(must("steps", "at least 1", steps))
    with _Reader(model, x, labels, names, at, told, head) as reader:
        start = reader.nothing(baseline)
        chosen, score = reader.choose(output)
        points, weights = np.polynomial.legendre.leggauss(steps)
        way = reader.vectors - start
        total = torch.zeros_like(way)
        for rows in reader.pieces(steps):
            reached = _beside(torch.as_tensor((points[rows] + 1) / 2), way)
            vectors = (start + reached * way).requires_grad_()
            with torch.enable_grad():
                (gradient,) = torch.autograd.grad(reader.scores(vectors)[:, chosen].sum(), vectors)
            share = _beside(torch.as_tensor(weights[rows] / 2), way)
            total += (share * gradient).sum(dim=0)
        each = way * total
        nothing = float(reader.scores(start.unsqueeze(0))[0, chosen])
        by_name = reader.of_channels(each, channels)
    found = tuple(each.flatten(1).sum(dim=1).double().tolist())
    why = reader.attribution("integrated gradients", found, score, nothing, chosen)
    why = dataclasses.replace(why, channels=by_name)
    if reader.tokens or each.dim() != 2:
        return why
    return dataclasses.replace(why, numbers=each.cpu().numpy()[reader.told])


def occlusion(
    model: nn.Module,
    x: Any,
    *,
    labels: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    output: int | None = None,
    at: int = -1,
    baseline: Any = 0.0,
    told: Sequence[bool] | None = None,
) -> Attribution:
    """What each step added: by how much the score falls when the baseline takes its place.

    M. D. Zeiler and R. Fergus, arXiv:1311.2901, section 4.2; of words, J. Li, W. Monroe and
    D. Jurafsky, arXiv:1612.08220.

    Args and Raises: as for `integrated_gradients`.
    """
    with _Reader(model, x, labels, names, at, told) as reader:
        start = reader.nothing(baseline)
        chosen, score = reader.choose(output)
        time = len(reader.vectors)
        found: list[float] = []
        for rows in reader.pieces(time):
            here = torch.eye(time, dtype=torch.bool, device=start.device)[rows]
            here = here.view(*here.shape, *[1] * (start.dim() - 1))
            without = reader.scores(torch.where(here, start, reader.vectors))[:, chosen]
            found += (score - without.double()).tolist()
        nothing = float(reader.scores(start.unsqueeze(0))[0, chosen])
    return reader.attribution("occlusion", tuple(found), score, nothing, chosen)


def _beside(numbers: Tensor, vectors: Tensor) -> Tensor:
    """(N,) as (N, 1, ...), a number for each copy of vectors (T, ...), in their type."""
    return numbers.to(vectors).view(-1, *[1] * vectors.dim())


class _Reader:
    """A model that is given vectors in the place of one sequence's steps.

    Attributes:
        vectors: (T, ...) the sequence's own.
        labels: (T,) the steps in words.
    """

    def __init__(
        self,
        model: nn.Module,
        x: Any,
        labels: Sequence[str] | None,
        names: Sequence[str] | None,
        at: int,
        told: Sequence[bool] | None,
        head: str = "",
    ) -> None:
        self.model, self.at, self.head = inner(model), at, head
        self.x = torch.as_tensor(x).to(device_of(self.model))
        tokens = not self.x.is_floating_point()
        fronts = [m for m in self.model.modules() if isinstance(m, Front)]
        # A front that shortens time leaves no vectors of the steps; numbers need none.
        kept: list[nn.Module] = [front for front in fronts if front.aligned]
        self.tables = kept or [m for m in self.model.modules() if isinstance(m, nn.Embedding)]
        rank = self.x.dim()
        fits = rank >= 1 if fronts else rank == (1 if tokens else 2)
        if not fits or not len(self.x):
            expected = "of at least one step: (T,) token ids or (T, E) numbers"
            raise InputError(must("the sequence", expected, f"shape {tuple(self.x.shape)}"))
        named = [f"step {t + 1}" for t in range(len(self.x))] if labels is None else labels
        if len(named) != len(self.x):
            raise InputError(must("labels", f"one for each of {len(self.x)} steps", len(named)))
        self.told = [True] * len(named) if told is None else list(told)
        if len(self.told) != len(named):
            raise InputError(must("told", f"one for each of {len(named)} steps", len(self.told)))
        self.labels, self.names, self.tokens = tuple(named), names, tokens
        self.replaced: Tensor | None = None
        self.read: list[Tensor] = []  # what the tables gave before anything was replaced

    def __enter__(self) -> _Reader:
        self.modes = [(module, module.training) for module in self.model.modules()]
        self.model.eval()
        self.grad = torch.is_grad_enabled()
        torch.set_grad_enabled(False)
        self.handles = []
        if self.tokens:
            self.handles = [m.register_forward_hook(self._replace) for m in self.tables]
        try:
            self.vectors = self._own()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        for handle in self.handles:
            handle.remove()
        torch.set_grad_enabled(self.grad)
        for module, mode in self.modes:
            module.training = mode

    def _own(self) -> Tensor:
        if not self.tokens:
            dtype = next((p.dtype for p in self.model.parameters() if p.is_floating_point()), None)
            return self.x.to(dtype)
        self.model(self.x.unsqueeze(0))
        if not self.read:
            raise InputError(must("a model that reads tokens", "one with an embedding", "none"))
        return self.read[0][0]

    def _replace(self, module: nn.Module, args: Any, found: Any) -> Any:
        """The first table or front asked in a forward gives the vectors that were put in."""
        vectors, *lengths = found if isinstance(found, tuple) else (found,)
        if self.replaced is None:
            self.read.append(vectors)
            return None
        given, self.replaced = self.replaced, None
        return (given, *lengths) if lengths else given

    def nothing(self, baseline: Any) -> Tensor:
        """(T, ...) the vectors of what says nothing: the baseline, where steps are told of."""
        start = torch.zeros_like(self.vectors) + torch.as_tensor(baseline).to(self.vectors)
        here = torch.tensor(self.told, device=start.device)
        return torch.where(here.view(-1, *[1] * (start.dim() - 1)), start, self.vectors)

    def scores(self, vectors: Tensor) -> Tensor:
        """(N, T, ...) vectors to (N, outputs) scores; one step's where each has some."""
        if self.tokens:
            self.replaced = vectors
            outputs = self.model(self.x.expand(len(vectors), *self.x.shape))
        else:
            outputs = self.model(vectors)
        if self.head:
            outputs = outputs[self.head]
        if not isinstance(outputs, Tensor) or outputs.dim() not in (2, 3):
            expected = "a tensor (N, outputs) or (N, T, outputs)"
            raise InputError(must("what the model returns", expected, type(outputs).__name__))
        if outputs.dim() == 2:
            return outputs
        steps = outputs.shape[1]
        if not -steps <= self.at < steps:
            raise InputError(must("at", f"a step from {-steps} to {steps - 1}", self.at))
        return outputs[:, self.at]

    def choose(self, output: int | None) -> tuple[int, float]:
        """The output that is explained, and its score."""
        scores = self.scores(self.vectors.unsqueeze(0))[0]
        if output is None:
            output = int(scores.argmax())
        if not 0 <= output < len(scores):
            raise InputError(must("output", f"from 0 to {len(scores) - 1}", output))
        if self.names is not None and len(self.names) != len(scores):
            raise InputError(must("names", f"one for each of {len(scores)} outputs", self.names))
        return output, float(scores[output])

    def of_channels(
        self, added: Tensor, names: Sequence[str] | None
    ) -> tuple[tuple[str, float], ...]:
        """What each number of the steps added (T, E), over all steps."""
        if names is None:
            return ()
        if added.dim() != 2 or added.shape[1] != len(names):
            expected = f"one for each number of a step {tuple(added.shape[1:])}"
            raise InputError(must("channels", expected, len(names)))
        found = dict.fromkeys(names, 0.0)
        for name, value in zip(names, added.double().sum(dim=0).tolist(), strict=True):
            found[name] += value
        return tuple(found.items())

    def attribution(
        self, method: str, values: tuple[float, ...], score: float, nothing: float, output: int
    ) -> Attribution:
        """Puts together what was found.

        Raises:
            FailedError: if it is not finite.
        """
        if not all(map(math.isfinite, (*values, score, nothing))):
            raise FailedError(
                f"Which steps mattered cannot be said: the score is {score}, and of nothing "
                f"{nothing}. Look for values that are not finite in the data and in the weights."
            )
        name = f"output {output}" if self.names is None else self.names[output]
        labels = tuple(itertools.compress(self.labels, self.told))
        values = tuple(itertools.compress(values, self.told))
        return Attribution(method, values, labels, score, nothing, output, name)

    def pieces(self, rows: int) -> list[slice]:
        """Slices over so many rows, each small enough to be given to the model at once."""
        many = max(1, AT_ONCE // len(self.x))
        return [slice(low, low + many) for low in range(0, rows, many)]
