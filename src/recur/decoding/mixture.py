"""Points drawn by mixtures of Gaussians: how a pen goes on.

Letters: M Gaussians; ... rows and steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from recur.data.targets import IGNORED
from recur.decoding.emission import Emission
from recur.decoding.narrowing import drawn, in_single
from recur.messages import InputError, must, real, whole


class Parts(NamedTuple):
    """The parameters of mixtures, by A. Graves' names; (..., M), but for the pen.

    Attributes:
        weight: log pi, of each Gaussian.
        mean_x: mu_1.
        mean_y: mu_2.
        deviation_x: log sigma_1.
        deviation_y: log sigma_2.
        lean: rho before the hyperbolic tangent.
        pen: (...) the log-odds that a stroke ends here.
    """

    weight: Tensor
    mean_x: Tensor
    mean_y: Tensor
    deviation_x: Tensor
    deviation_y: Tensor
    lean: Tensor
    pen: Tensor


@dataclass(frozen=True)
class Mixture(Emission):
    """A point in the plane by a mixture of bivariate Gaussians, and whether a stroke ends with it.

    A. Graves, "Generating sequences with recurrent neural networks", arXiv:1308.0850, equations 15
    to 25. A value is (..., 3): the two coordinates, and 1 where a stroke ends, else 0. The scores
    of a step are, M of each but the last: the weights, both means, both deviations, the
    correlations, and the end of a stroke (whose sign is turned around here: the higher, the
    likelier it ends).

    Attributes:
        components: M.
        bias: b of section 5.4: above 0 samples are nearer to the means, and of likelier Gaussians;
            0: as the model says.
        least: the least deviation. Where points are the same again and again, the likelihood would
            grow without end.

    Raises:
        InputError: numbers outside their range.
    """

    components: int = 20
    bias: float = 0.0
    least: float = 1e-4

    def __post_init__(self) -> None:
        whole("components", self.components)
        real("bias", self.bias, lambda b: 0 <= b < math.inf, "a number of at least 0")
        real("least", self.least, lambda s: 0 < s < math.inf, "a number above 0")

    @property
    def size(self) -> int:
        """6 M + 1."""
        return 6 * self.components + 1

    def parts(self, scores: Tensor, *, bias: float = 0.0) -> Parts:
        """The mixtures that scores (..., 6 M + 1) stand for, with a bias if any."""
        wide = in_single(self.check(scores))
        weight, *others = wide[..., :-1].chunk(6, dim=-1)
        mean_x, mean_y, deviation_x, deviation_y, lean = others
        return Parts(
            (weight * (1 + bias)).log_softmax(dim=-1),
            mean_x,
            mean_y,
            (deviation_x - bias).clamp(min=math.log(self.least)),
            (deviation_y - bias).clamp(min=math.log(self.least)),
            lean,
            wide[..., -1],
        )

    def sample(self, scores: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """As `Emission.sample`."""
        parts = self.parts(scores, bias=self.bias)
        chosen = _of(parts, drawn(parts.weight, generator))
        shape = (*chosen.mean_x.shape, 2)
        one, other = torch.randn(
            shape, generator=generator, device=scores.device, dtype=chosen.mean_x.dtype
        ).unbind(dim=-1)
        x = chosen.mean_x + chosen.deviation_x.exp() * one
        # sqrt(1 - rho^2) is 1 / cosh.
        y = chosen.lean.tanh() * one + other / chosen.lean.cosh()
        y = chosen.mean_y + chosen.deviation_y.exp() * y
        noise = torch.rand(chosen.pen.shape, generator=generator, device=scores.device)
        return torch.stack([x, y, (noise < chosen.pen.sigmoid()).to(x)], dim=-1)

    def likeliest(self, scores: Tensor) -> Tensor:
        """As `Emission.likeliest`: the mean of the Gaussian that is highest at its own."""
        parts = self.parts(scores)
        chosen = _of(parts, _density(parts, parts.mean_x, parts.mean_y).argmax(dim=-1))
        return torch.stack(
            [chosen.mean_x, chosen.mean_y, (chosen.pen > 0).to(chosen.mean_x)], dim=-1
        )

    def mean(self, scores: Tensor) -> Tensor:
        """The mean (..., 2) of the points: those of the Gaussians by their weights.

        Raises:
            InputError: scores of another size.
        """
        parts = self.parts(scores)
        weights = parts.weight.exp()
        sums = [(weights * mean).sum(dim=-1) for mean in (parts.mean_x, parts.mean_y)]
        return torch.stack(sums, dim=-1)

    def log_likelihood(self, scores: Tensor, value: Tensor) -> Tensor:
        """As `Emission.log_likelihood`: the density of the point, times its end's probability."""
        if value.shape != (*self.check(scores).shape[:-1], 3):
            expected = f"of the shape {(*scores.shape[:-1], 3)}"
            raise InputError(must("points", expected, tuple(value.shape)))
        parts = self.parts(scores)
        x, y, ends = value.to(parts.pen).unbind(dim=-1)
        of_point = _density(parts, x.unsqueeze(-1), y.unsqueeze(-1)).logsumexp(dim=-1)
        of_end = F.binary_cross_entropy_with_logits(parts.pen, ends, reduction="none")
        return of_point - of_end

    def loss(self, scores: Tensor, targets: Tensor) -> Tensor:
        """The negative log-likelihood of a point, in nats: `recur.fit(..., loss=mixture.loss)`.

        Args:
            scores: (..., 6 M + 1).
            targets: (..., 3). A point with NaN in it, or with -100 for the end of the stroke, does
                not count.

        Returns:
            one number, the mean over the points that count; 0 where none does.

        Raises:
            InputError: scores of another size, or targets of another shape.
        """
        counts = targets.isfinite().all(dim=-1) & (targets[..., -1] != IGNORED)
        if targets.shape != (*self.check(scores).shape[:-1], 3):
            expected = f"of the shape {(*scores.shape[:-1], 3)}"
            raise InputError(must("points", expected, tuple(targets.shape)))
        # Left out before anything is computed: NaN times 0 would be NaN in the gradient.
        total = self.log_likelihood(scores[counts], targets[counts]).sum()
        return -total / counts.sum().clamp(min=1)


def _of(parts: Parts, which: Tensor) -> Parts:
    """The parameters (...) of one Gaussian of each mixture."""
    index = which.unsqueeze(-1)
    return Parts._make([*(p.gather(-1, index).squeeze(-1) for p in parts[:-1]), parts.pen])


def _density(parts: Parts, x: Tensor, y: Tensor) -> Tensor:
    """(..., M) log of weight times density of each Gaussian at points that fit (..., M).

    With a, b the point less the mean over the deviation: a^2 + b^2 - 2 rho a b is
    (a - rho b)^2 + (1 - rho^2) b^2, and 1 - rho^2 is 1 / cosh^2, which no rounding makes 0.
    """
    a = (x - parts.mean_x) * (-parts.deviation_x).exp()
    b = (y - parts.mean_y) * (-parts.deviation_y).exp()
    apart = (a - parts.lean.tanh() * b) * parts.lean.cosh()
    high = parts.lean.abs()
    log_cosh = high + F.softplus(-2 * high) - math.log(2)
    log_volume = math.log(2 * math.pi) + parts.deviation_x + parts.deviation_y - log_cosh
    return parts.weight - (apart.square() + b.square()) / 2 - log_volume
