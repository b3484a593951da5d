"""Attention: a weighted mean over the steps of a sequence, the weights chosen by what is asked.

Letters: B sequences of S remembered steps of M numbers, Q questions for each of H numbers, A the
size in which the two are compared.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from recur.layers.lengths import Lengths, as_lengths
from recur.messages import InputError, must, one_of

KINDS = ("additive", "multiplicative", "dot")


class Memory(NamedTuple):
    """A sequence made ready to be asked, by `Attention.remember`.

    Attributes:
        values: (B, S, M) what was remembered; zero beyond a length.
        keys: (B, S, A) what the questions are compared with.
        exists: (B, S) bool, the steps that exist; None if all do.
    """

    values: Tensor
    keys: Tensor
    exists: Tensor | None


class Attention(nn.Module):
    """Attention of questions to the steps of a sequence.

    Args:
        query_size: H, the numbers of a question.
        memory_size: M, the numbers of a remembered step.
        kind: how a question q and a step m are compared: "additive", v tanh(W q + U m)
            (D. Bahdanau et al., arXiv:1409.0473); "multiplicative", q W m, or "dot", q m (the
            "general" and the "dot" of M.-T. Luong et al., arXiv:1508.04025).
        size: A of additive attention; H if None.
        coverage: a question can be told how much each step was looked at before, c: the key of the
            step is k + c w then (A. See et al., arXiv:1704.04368, section 2.3, for the additive
            kind; w starts from 0, where nothing is changed).

    Raises:
        InputError: an unknown kind, or "dot" with two sizes.
    """

    def __init__(
        self,
        query_size: int,
        memory_size: int,
        *,
        kind: str = "additive",
        size: int | None = None,
        coverage: bool = False,
    ) -> None:
        super().__init__()
        self.kind = one_of("attention", kind, KINDS)
        if kind == "dot" and query_size != memory_size:
            got = f"{query_size} and {memory_size}"
            raise InputError(must("query_size and memory_size of 'dot' attention", "equal", got))
        size = query_size if size is None or kind != "additive" else size
        self.key: nn.Linear | None = None
        if kind != "dot":
            self.key = nn.Linear(memory_size, size, bias=False)
        if kind == "additive":
            self.query = nn.Linear(query_size, size)
            self.score = nn.Linear(size, 1, bias=False)
        self.cover: nn.Parameter | None = None
        if coverage:
            self.cover = nn.Parameter(torch.zeros(memory_size if kind == "dot" else size))

    def remember(self, values: Tensor, lengths: Lengths | None = None) -> Memory:
        """Makes a sequence ready, once for all questions.

        Args:
            values: (B, S, M).
            lengths: the steps of each row; None if all are full. What lies beyond is not looked
                at.

        Raises:
            InputError: a wrong rank, or lengths that do not fit.
        """
        exists = existing(values, lengths)
        if exists is not None:
            values = torch.where(exists.unsqueeze(-1), values, 0)
        return Memory(values, values if self.key is None else self.key(values), exists)

    def forward(
        self, query: Tensor, memory: Memory, covered: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Asks.

        Args:
            query: (B, Q, H).
            memory: from `remember`.
            covered: with coverage (B, Q, S), how much each step was looked at before.

        Returns:
            the answers (B, Q, M), and the weights (B, Q, S), which sum to 1 over the steps that
            exist. Where a row has none, both are zero.
        """
        if self.kind == "additive":
            both = self.query(query).unsqueeze(2) + memory.keys.unsqueeze(1)
            if covered is not None and self.cover is not None:
                both = both + covered.unsqueeze(-1) * self.cover
            scores = self.score(both.tanh()).squeeze(-1)
        else:
            scores = query @ memory.keys.transpose(1, 2)
            if covered is not None and self.cover is not None:
                scores = scores + covered * (query @ self.cover).unsqueeze(-1)
        exists = None if memory.exists is None else memory.exists.unsqueeze(1)
        weights = softmax_over(scores, exists)
        return weights @ memory.values, weights


class AttentionPooling(nn.Module):
    """The mean of a sequence's steps, each weighed by what it holds.

    The score of a step h is v tanh(W h + b) (Z. Yang et al., "Hierarchical attention networks",
    NAACL 2016): additive attention whose question is learnt.

    Args:
        size: H, the numbers of a step; W is (H, H).
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.key = nn.Linear(size, size)
        self.score = nn.Linear(size, 1, bias=False)

    def forward(self, outputs: Tensor, lengths: Lengths | None = None) -> Tensor:
        """The weighted mean (B, H) of outputs (B, S, H); zeros for a length of 0.

        Raises:
            InputError: a wrong rank, or lengths that do not fit.
        """
        outputs, weights = self._weighed(outputs, lengths)
        return (weights.unsqueeze(1) @ outputs).squeeze(1)

    def weights(self, outputs: Tensor, lengths: Lengths | None = None) -> Tensor:
        """The weight of each step (B, S): they sum to 1 over the steps that exist."""
        return self._weighed(outputs, lengths)[1]

    def _weighed(self, outputs: Tensor, lengths: Lengths | None) -> tuple[Tensor, Tensor]:
        exists = existing(outputs, lengths)
        if exists is not None:
            outputs = torch.where(exists.unsqueeze(-1), outputs, 0)
        scores = self.score(self.key(outputs).tanh()).squeeze(-1)
        return outputs, softmax_over(scores, exists)


def existing(values: Tensor, lengths: Lengths | None) -> Tensor | None:
    """The steps (B, S) that exist, True or False; None if there are no lengths.

    Raises:
        InputError: values of another rank than 3, or lengths that do not fit.
    """
    if values.dim() != 3:
        raise InputError(must("a sequence", "of three axes (batch, time, size)", values.dim()))
    if lengths is None:
        return None
    batch, time = values.shape[:2]
    steps = as_lengths(lengths, time=time, batch=batch, device=values.device)
    return torch.arange(time, device=values.device) < steps.unsqueeze(1)


def softmax_over(scores: Tensor, exists: Tensor | None) -> Tensor:
    """The softmax over the last axis, of the steps that exist; zeros where there are none."""
    if exists is None:
        return scores.softmax(dim=-1)
    # The least number instead of -inf: a row without any step then has a gradient too, of zero.
    least = torch.finfo(scores.dtype).min
    return scores.masked_fill(~exists, least).softmax(dim=-1) * exists
