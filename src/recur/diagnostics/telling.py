"""Which words spoke most for each class, over many texts.

What a word added to a score is the gradient times its vector: one walk for all texts at once, where
integrated gradients take sixty-four for one (D. Baehrens et al., "How to explain individual
classification decisions", JMLR 11, 2010; A. Shrikumar et al., arXiv:1605.01713).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from recur.data.examples import Examples
from recur.diagnostics.walk import inner
from recur.messages import InputError, must
from recur.models.fronts import Front
from recur.training.call import caller, device_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AT_ONCE = 64
"""Texts that are walked at once."""
SHOWN = 8
"""Words of each class."""
ENOUGH = 10
"""From so many texts of a class on, a word has to speak for it in two of them."""


class Asked(NamedTuple):
    """What is asked about a text.

    Attributes:
        row: its number.
        output: the output of the model that is explained.
        sign: -1 where the output speaks against the class.
        name: the class.
    """

    row: int
    output: int
    sign: int
    name: str


@dataclass(frozen=True)
class Telling:
    """The words that spoke most for each class, and what they added to its score a text.

    Its `str()` is a line for each class.

    Attributes:
        words: for each class words and what they added, the greatest first.
    """

    words: dict[str, list[tuple[str, float]]]

    def __str__(self) -> str:
        wide = max(map(len, self.words), default=0)
        lines = (
            f"{name:<{wide}}  {' '.join(word for word, _ in found)}"
            for name, found in self.words.items()
        )
        return "\n".join(lines)

    def figure(self) -> Figure:
        """Draws them: bars for each class."""
        from recur import plots

        return plots.telling_words(self.words)

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON."""
        return {name: [list(pair) for pair in found] for name, found in self.words.items()}


def telling(
    model: nn.Module,
    examples: Examples,
    asked: Sequence[Asked],
    words: Mapping[int, str],
    *,
    number: int = SHOWN,
) -> Telling:
    """Finds the words that spoke most for each class.

    Args:
        model: reads tokens by an embedding, or by a front that keeps time, and gives (B, outputs);
            evaluated without dropout.
        examples: token ids, (T_i,) each.
        asked: which text is asked about which class.
        words: by token id; other ids are left out.
        number: of words for each class.

    Raises:
        InputError: if the model has no embedding.
    """
    totals: dict[str, dict[int, list[float]]] = {each.name: {} for each in asked}
    texts = {each.name: 0 for each in asked}
    for each, ids, values in _values(model, examples, asked):
        texts[each.name] += 1
        of_text: dict[int, float] = {}
        for token, value in zip(ids, values, strict=True):
            if token in words:
                of_text[token] = of_text.get(token, 0.0) + value * each.sign
        for token, value in of_text.items():
            totals[each.name].setdefault(token, []).append(value)
    return Telling(
        {
            name: _greatest(found, texts[name], words, number)
            for name, found in sorted(totals.items())
        }
    )


def _greatest(
    found: Mapping[int, list[float]], texts: int, words: Mapping[int, str], number: int
) -> list[tuple[str, float]]:
    least = 1 if texts < ENOUGH else 2
    sums = {token: sum(v) for token, v in found.items() if len(v) >= least}
    best = sorted(sums, key=lambda token: (-sums[token], token))[:number]
    return [(words[token], sums[token] / texts) for token in best if sums[token] > 0]


def _values(
    model: nn.Module, examples: Examples, asked: Sequence[Asked]
) -> Iterator[tuple[Asked, list[int], list[float]]]:
    """For each text its token ids, and what each added to the score that is asked for."""
    lengths = examples.lengths
    order = np.arange(len(asked))
    if lengths is not None:  # little padding
        order = np.argsort([int(lengths[each.row]) for each in asked], kind="stable")
    network = inner(model)
    # A front that keeps time knows more of a step than its vector.
    fronts: list[nn.Module] = [m for m in network.modules() if isinstance(m, Front) and m.aligned]
    tables = fronts or [m for m in network.modules() if isinstance(m, nn.Embedding)]
    if not tables:
        raise InputError(must("a model that reads tokens", "one with an embedding", "none"))
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        for low in range(0, len(order), AT_ONCE):
            some = [asked[n] for n in order[low : low + AT_ONCE]]
            yield from _of_batch(network, tables[0], examples, some)
    finally:
        for module, mode in modes:
            module.training = mode


def _of_batch(
    model: nn.Module, table: nn.Module, examples: Examples, some: Sequence[Asked]
) -> Iterator[tuple[Asked, list[int], list[float]]]:
    batch = examples.batch([each.row for each in some])
    device = device_of(model)
    batch = batch._replace(x=batch.x.to(device))
    read: list[Tensor] = []

    def hook(module: nn.Module, args: Any, found: Any) -> Any:
        vectors, *lengths = found if isinstance(found, tuple) else (found,)
        read.append(vectors.detach().requires_grad_())
        return (read[-1], *lengths) if lengths else read[-1]

    handle = table.register_forward_hook(hook)
    try:
        with torch.enable_grad():
            scores = caller(model)(batch)
            outputs = torch.tensor([each.output for each in some], device=device)
            (gradient,) = torch.autograd.grad(scores.gather(1, outputs[:, None]).sum(), read[0])
    finally:
        handle.remove()
    values = (gradient * read[0]).sum(dim=-1).tolist()
    steps = [batch.x.shape[1]] * len(some) if batch.lengths is None else batch.lengths.tolist()
    for each, ids, row, many in zip(some, batch.x.tolist(), values, steps, strict=True):
        yield each, ids[:many], row[:many]
