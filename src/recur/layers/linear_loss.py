"""The cross-entropy of a linear layer's scores, without ever having all of the scores.

A language model's scores, (tokens, vocabulary), are most of what a training step keeps: three such
arrays, with the probabilities and the gradient. Here a piece of tokens at a time goes all the way:
its scores, its loss, and what it adds to the gradients, which are so found in the forward pass
already. Three products with the weight are computed, as by the layer and the loss apart, and a
piece is small enough to stay in the processor's cache between them. (E. Wijmans et al., "Cut your
losses in large-vocabulary language models", arXiv:2411.09009, never have the scores either, but
compute them twice; P.-L. Hsu et al., "Liger kernel", arXiv:2410.10989, section 3.2, go as here.)

Letters: N tokens, H numbers of each that the layer reads, V classes.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recur.engine.cpu.again import differentiated
from recur.engine.cpu.onlookers import batched, watched
from recur.layers.casting import autocast_type
from recur.messages import InputError, must, one_of, real

REDUCTIONS = ("mean", "sum", "none")
# Scores of a piece: of fewer a product takes longer by token, of more they leave the cache.
ON_CPU, ELSEWHERE = 2**21, 2**26
FEWEST = 64  # tokens of a piece, however many classes there are


def linear_cross_entropy(
    input: Tensor,  # noqa: A002 - torch's name
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> Tensor:
    """What `cross_entropy(linear(input, linear_weight, linear_bias), target)` gives.

    Named and called as torch's of 2.13, for any torch; with label smoothing and half precision in
    pieces too. Gradients can be differentiated again (then the scores are all computed).

    Args:
        input: (..., H), what the layer reads.
        linear_weight: (V, H).
        target: (...) class numbers, int64.
        linear_bias: (V,), or None.
        reduction: "mean" over the targets that count (0, not NaN, where none does), "sum"
            or "none", whose gradients need the scores twice.
        ignore_index: the target that does not count.
        label_smoothing: the share of each target that goes to all classes alike.

    Returns:
        (), or (...) with "none", in the type of the input; under autocast in float32.

    Raises:
        InputError: shapes that do not fit, or targets that are no class numbers.
    """
    _check(input, linear_weight, target, linear_bias, reduction, label_smoothing)
    given = input.reshape(-1, input.shape[-1]), linear_weight, linear_bias
    targets = target.reshape(-1)
    if not watched():
        _check_numbers(targets, len(linear_weight), ignore_index)
    cast = autocast_type(linear_weight)
    how = cast or input.dtype, label_smoothing
    counted = targets != ignore_index
    targets, scale = targets.where(counted, 0), counted.to(_wide(how[0]))
    kind = input.dtype if cast is None else scale.dtype
    if reduction == "none":
        return _each(given, targets, scale, how).to(kind).reshape(target.shape)
    if reduction == "mean":
        scale = scale / scale.sum().clamp(min=1)
    return _summed(given, targets, scale, how).to(kind)


class LinearCrossEntropyLoss(nn.Module):
    """A linear layer and the cross-entropy of its scores; see `linear_cross_entropy`.

    Named as torch's of 2.13, and with its arguments. To share an embedding's weight with it, give
    it that: `loss.linear.weight = embedding.weight`.

    Args:
        in_features: H, the numbers that the layer reads.
        num_classes: V.
        bias: whether the layer has one.
        reduction: as for `linear_cross_entropy`, as the next two.
        ignore_index: the target that does not count.
        label_smoothing: the share of each target that goes to all classes alike.
        device: where the weights are.
        dtype: their type.

    Attributes:
        linear: the layer, whose scores are the predictions.
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        bias: bool = False,
        reduction: str = "mean",
        ignore_index: int = -100,
        label_smoothing: float = 0.0,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, num_classes, bias=bias, device=device, dtype=dtype)
        self.reduction = one_of("reduction", reduction, REDUCTIONS)
        self.ignore_index, self.label_smoothing = ignore_index, _share(label_smoothing)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """The loss of (..., H) and class numbers (...), as `linear_cross_entropy` gives it."""
        return linear_cross_entropy(
            input,
            self.linear.weight,
            target,
            linear_bias=self.linear.bias,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
        )

    def extra_repr(self) -> str:
        """The arguments that the layer does not show."""
        parts = (f"{n}={getattr(self, n)!r}" for n in ("reduction", "ignore_index"))
        return ", ".join([*parts, f"label_smoothing={self.label_smoothing:g}"])


Given = tuple[Tensor, Tensor, Tensor | None]
"""Hidden values (N, H), the weight (V, H), and the bias (V,) or None."""


How = tuple[torch.dtype, float]
"""The type of the products, and the share of a target that goes to all classes alike."""


def _summed(given: Given, targets: Tensor, scale: Tensor, how: How) -> Tensor:
    """The sum of scale times loss."""
    if watched():
        return (_at_once(given, targets, how) * scale).sum()
    taught = torch.is_grad_enabled()
    total: Tensor = _Sum.apply(*given, targets, scale, how, taught)  # type: ignore[no-untyped-call]
    return total


def _each(given: Given, targets: Tensor, scale: Tensor, how: How) -> Tensor:
    """Scale times loss of each token."""
    if watched():
        return _at_once(given, targets, how) * scale
    values: Tensor = _Each.apply(*given, targets, scale, how)  # type: ignore[no-untyped-call]
    return values


def _at_once(given: Given, targets: Tensor, how: How) -> Tensor:
    """The loss of each token by torch's own operators, with all scores."""
    kind, smoothing = how
    scores = F.linear(*_of_type(given, kind)).to(_wide(kind))
    return F.cross_entropy(scores, targets, reduction="none", label_smoothing=smoothing)


def _again(
    ctx: Any, given: Any, targets: Tensor, scale: Tensor, incoming: Tensor
) -> list[Tensor | None]:
    """Gradients that can be differentiated again."""
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        values = _at_once(given, targets, ctx.how) * scale
        result = values if incoming.dim() else values.sum()
    return differentiated([result], given, ctx.needs_input_grad[:3], [incoming], create_graph=again)


class _Sum(torch.autograd.Function):
    """The gradients are found on the way, where gradients are `taught`."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        scale: Tensor,
        how: How,
        taught: bool,
    ) -> Tensor:
        given, ctx.how = (hidden, weight, bias), how
        needed = [taught and need for need in ctx.needs_input_grad[:3]]
        values, gradients = _walked(given, targets, scale, how, needed)
        ctx.save_for_backward(*given, targets, scale, *gradients)
        return (values * scale).sum()

    @staticmethod
    def backward(ctx: Any, incoming: Tensor) -> tuple[Any, ...]:
        *given, targets, scale, hidden, weight, bias = ctx.saved_tensors
        if torch.is_grad_enabled() or batched(incoming):
            return *_again(ctx, given, targets, scale, incoming), *[None] * 4
        # That of a loss that nothing is done to need not be multiplied by.
        plain = incoming.is_cpu and incoming.item() == 1
        gradients = (
            each if each is None or plain else each * incoming.to(each.dtype)
            for each in (hidden, weight, bias)
        )
        return *gradients, *[None] * 4


class _Each(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        scale: Tensor,
        how: How,
    ) -> Tensor:
        given, ctx.how = (hidden, weight, bias), how
        ctx.save_for_backward(*given, targets, scale)
        return _walked(given, targets, scale, how, [False] * 3)[0] * scale

    @staticmethod
    def backward(ctx: Any, incoming: Tensor) -> tuple[Any, ...]:
        *given, targets, scale = ctx.saved_tensors
        if torch.is_grad_enabled() or batched(incoming):
            return *_again(ctx, given, targets, scale, incoming), *[None] * 3
        _, gradients = _walked(given, targets, scale * incoming, ctx.how, ctx.needs_input_grad[:3])
        return *gradients, *[None] * 3


def _walked(
    given: Any, targets: Tensor, scale: Tensor, how: How, needed: Any
) -> tuple[Tensor, list[Tensor | None]]:
    """Piece by piece: the loss of each token, and the gradients of scale times loss, summed.

    Args:
        given: hidden values, the weight and the bias.
        targets: (N,), all of them class numbers.
        scale: (N,), of the type that sums are in.
        how: see `How`.
        needed: of which of the given a gradient is wanted.
    """
    (kind, smoothing), wide = how, scale.dtype
    hidden, weight, bias = _of_type(given, kind)
    (rows, _), (classes, _) = hidden.shape, weight.shape
    size = _size(rows, classes, hidden)
    kept = hidden.new_empty((size, classes), dtype=wide)
    narrow = kept if kind == wide else hidden.new_empty((size, classes))
    values = hidden.new_empty(rows, dtype=wide)
    of_hidden = torch.empty_like(hidden) if needed[0] else None
    of_weight = torch.zeros_like(weight, dtype=wide) if needed[1] else None
    of_bias = hidden.new_zeros(classes, dtype=wide) if needed[2] else None
    for start in range(0, rows, size):
        here = slice(start, start + size)
        x, scores, slope = hidden[here], kept[: rows - start], narrow[: rows - start]
        _product(x, weight, bias, slope)
        if narrow is not kept:
            scores.copy_(slope)
        _to_slope(scores, targets[here], scale[here], smoothing, values[here])
        if narrow is not kept:
            slope.copy_(scores)
        if of_hidden is not None:
            torch.mm(slope, weight, out=of_hidden[here])
        if of_weight is not None:
            _add_product(of_weight, slope.t(), x)
        if of_bias is not None:
            of_bias += scores.sum(dim=0)
    found = zip((of_hidden, of_weight, of_bias), given, strict=True)
    return values, [None if each is None else each.to(like.dtype) for each, like in found]


def _of_type(given: Any, kind: torch.dtype) -> list[Any]:
    return [None if each is None else each.to(kind) for each in given]


def _product(x: Tensor, weight: Tensor, bias: Tensor | None, out: Tensor) -> None:
    """What the layer gives, in memory that is there."""
    if bias is None:
        torch.mm(x, weight.t(), out=out)
    else:
        torch.addmm(bias, x, weight.t(), out=out)


def _to_slope(
    scores: Tensor, targets: Tensor, scale: Tensor, smoothing: float, values: Tensor
) -> None:
    """The gradient of scale times loss in the place of the scores (n, V); the loss in `values`."""
    at, scale = targets.unsqueeze(1), scale.unsqueeze(1)
    wanted = scores.gather(1, at).squeeze(1)
    if smoothing:
        wanted = (1 - smoothing) * wanted + smoothing * scores.mean(dim=1)
    top = scores.amax(dim=1, keepdim=True)
    total = scores.sub_(top).exp_().sum(dim=1, keepdim=True)
    torch.sub(total.log().add_(top).squeeze(1), wanted, out=values)
    scores.mul_(scale / total).scatter_add_(1, at, (smoothing - 1) * scale)
    if smoothing:
        scores.sub_(smoothing / scores.shape[1] * scale)


def _add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    if total.dtype == left.dtype:
        total.addmm_(left, right)
    else:
        total.add_(left @ right)


def _size(rows: int, classes: int, like: Tensor) -> int:
    """The tokens of a piece: as many in each, but for the last few."""
    most = ON_CPU if like.is_cpu else ELSEWHERE
    if like.dtype != _wide(like.dtype):
        most *= 2  # once a piece the weight's gradient is added to a sum of another type
    pieces = max(1, -(-rows // max(FEWEST, most // classes)))
    return max(1, -(-rows // pieces))


def _wide(kind: torch.dtype) -> torch.dtype:
    """What sums are in: float32 at least."""
    return torch.promote_types(kind, torch.float32)


def _share(label_smoothing: float) -> float:
    return real("label_smoothing", label_smoothing, lambda s: 0 <= s <= 1, "from 0 to 1")


def _check(
    hidden: Tensor,
    weight: Tensor,
    target: Tensor,
    bias: Tensor | None,
    reduction: str,
    label_smoothing: float,
) -> None:
    one_of("reduction", reduction, REDUCTIONS)
    _share(label_smoothing)
    if weight.dim() != 2:
        raise InputError(must("linear_weight", "(classes, features)", tuple(weight.shape)))
    if not hidden.dim() or hidden.shape[-1] != weight.shape[1]:
        expected = f"(..., {weight.shape[1]}), as the weight has it"
        raise InputError(must("input", expected, tuple(hidden.shape)))
    if bias is not None and bias.shape != weight.shape[:1]:
        raise InputError(must("linear_bias", f"({len(weight)},)", tuple(bias.shape)))
    if target.shape != hidden.shape[:-1] or target.dtype != torch.int64:
        expected = f"class numbers, int64, of the shape {tuple(hidden.shape[:-1])}"
        got = f"{target.dtype} of the shape {tuple(target.shape)}"
        todo = "For probabilities take torch's cross_entropy of the layer's scores."
        raise InputError(must("target", expected, got, todo))


def _check_numbers(targets: Tensor, classes: int, ignored: int) -> None:
    """Looks at class numbers; elsewhere than on the CPU looking would wait for the device."""
    if not targets.is_cpu:
        return
    wrong = targets[((targets < 0) | (targets >= classes)) & (targets != ignored)]
    if len(wrong):
        expected = f"from 0 to {classes - 1}, or {ignored}, which does not count"
        raise InputError(must("target", expected, int(wrong[0])))
