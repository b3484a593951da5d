"""Many-to-one beside a linear model: what n-grams say is added to what the sequence says.

x_1   x_2   ...   x_T ----+
 |     |           |      |  a row of scores for each n-gram
[h] - [h] - ... - [h]     |
 |                        v
pooling --> linear -----> + --> y
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from recur.data.batching import batch_order
from recur.data.sequences import Sequences
from recur.layers.lengths import Lengths
from recur.models.checks import check_sizes
from recur.models.fronts.evidence import Evidence, ending
from recur.models.many_to_one import ManyToOne

AT_ONCE = 64
ROUNDS = 100
"""Of the search for how much each part counts."""
TINY = 1e-6


class Linear(NamedTuple):
    """A linear model of n-grams.

    Attributes:
        rows: (G, outputs) what each n-gram adds to each score.
        bias: (outputs,) the scores of a text without any.
    """

    rows: NDArray[Any]
    bias: NDArray[Any]


class Wide(nn.Module):
    """Recurrent layers over tokens, beside a linear model of n-grams of the same tokens.

    The linear model knows which words and which few words in a row stand in a text, the recurrent
    layers what stands where (H.-T. Cheng et al., "Wide & deep learning for recommender systems",
    arXiv:1606.07792). Each learns by itself, as the log-odds of separate models add up best (G.
    Mesnil et al., "Ensemble of generative and discriminative techniques for sentiment analysis of
    movie reviews", arXiv:1412.5335): training trains the recurrent layers alone; `complete` puts
    the linear model beside them.

    Args:
        outputs: scores for each sequence.
        vocabulary: the steps are token ids below this number.
        embedding: size of a token's vector.
        embedding_std: the standard deviation that the vectors start with.
        nothing: tokens below this number are no words: no n-gram holds one.
        longest: tokens of an n-gram at most.
        once: an n-gram counts once in a text, however often it stands there.
        grams: how many n-grams are known; None: as runs of before there were n-grams have it, each
            word by itself, and complete as it is.
        dropout: as for `ManyToOne`; tokens are dropped whole.
        options: more arguments for `ManyToOne`.

    Attributes:
        apart: whether both parts learnt by themselves; of runs of before they learnt together.
        bias: (outputs,) what the linear model says of any text.
        share: what the scores of the recurrent layers are multiplied by.
        whole: whether the linear model is there.

    Raises:
        InputError: as `ManyToOne` and `recur.models.fronts.evidence.Evidence`.
    """

    aligned = False  # with the input, step by step
    bias: Tensor
    share: Tensor
    whole: Tensor

    def __init__(
        self,
        *,
        outputs: int,
        vocabulary: int,
        embedding: int = 32,
        embedding_std: float = 1.0,
        nothing: int = 1,
        longest: int = 1,
        grams: int | None = None,
        once: bool = False,
        dropout: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__()
        check_sizes(dropout, outputs=outputs)
        self.front = Evidence(
            vocabulary,
            embedding,
            outputs,
            std=embedding_std,
            nothing=nothing,
            longest=longest,
            grams=grams,
            once=once,
        )
        self.input_dropout = nn.Dropout1d(dropout)
        self.recurrent = ManyToOne(
            inputs=embedding, outputs=outputs, dropout=dropout, embedding_dropout=0.0, **options
        )
        self.apart = apart = grams is not None
        self.register_buffer("bias", torch.zeros(outputs), persistent=apart)
        self.register_buffer("share", torch.ones(()), persistent=apart)
        self.register_buffer("whole", torch.tensor(not apart), persistent=apart)

    def forward(self, x: Tensor, lengths: Lengths | None = None) -> Tensor:
        """Scores (batch, outputs) of token ids (batch, time); see `ManyToOne.forward`."""
        if self.training or not self.whole:
            return self.alone(x, lengths)
        features, lengths = self.front(x, lengths)
        vectors, said = features.split(self.front.sizes, dim=-1)
        scores: Tensor = self.recurrent(self.input_dropout(vectors), lengths)
        whole: Tensor = self.share * scores + said.sum(dim=1) + self.bias
        return whole

    def alone(self, x: Tensor, lengths: Lengths | None = None) -> Tensor:
        """The scores (batch, outputs) of the recurrent layers by themselves."""
        vectors = self.input_dropout(self.front.vectors(x))
        scores: Tensor = self.recurrent(vectors, lengths)
        return scores

    @torch.no_grad()
    def complete(
        self, known: NDArray[np.int64], models: Sequence[Linear], validation: Sequences
    ) -> list[float]:
        """Puts linear models beside the recurrent layers, as much of each as other texts bear out.

        So is how much more the end of a text counts: a review ends with its verdict.

        Args:
            known: (G,) the n-grams in ascending order.
            models: linear models of them.
            validation: sequences with the numbers of their classes, which none has learnt from; the
                sum of all scores has the least loss there.

        Returns:
            What each linear model was multiplied by; give it to `hold` with others of the kind.
        """
        targets = validation.y
        assert isinstance(targets, Tensor)
        self.front.late.zero_()
        alone = self.over(validation, self.alone)
        told = []
        for each in models:
            self.hold(known, [each], [1.0])
            told.append(self.over(validation, self.told))
        _, *others = _weights(torch.stack([alone, *told]), targets)
        self.hold(known, models, others)
        parts = [alone, self.over(validation, self.told), self.over(validation, self.ended)]
        own, whole, end = _weights(torch.stack(parts), targets)
        self.share.fill_(own)
        self.front.late.fill_(end / max(whole, TINY))
        others = [whole * other for other in others]
        self.hold(known, models, others)
        return others

    @torch.no_grad()
    def hold(
        self, known: NDArray[np.int64], models: Sequence[Linear], weights: Sequence[float]
    ) -> None:
        """Takes the sum of linear models of the known n-grams (G,), each times its weight."""
        pairs = list(zip(models, weights, strict=True))
        rows = sum((weight * model.rows for model, weight in pairs), start=np.float64(0))
        bias = sum((weight * model.bias for model, weight in pairs), start=np.float64(0))
        self.front.known.copy_(torch.from_numpy(known))
        self.front.evidence.weight.copy_(torch.from_numpy(rows))
        self.bias.copy_(torch.from_numpy(bias))
        self.whole.fill_(True)

    def told(self, x: Tensor, lengths: Lengths | None = None) -> Tensor:
        """The scores (batch, outputs) of the linear model by itself."""
        return self.front.said(x, lengths).sum(dim=1) + self.bias

    def ended(self, x: Tensor, lengths: Lengths | None = None) -> Tensor:
        """The scores (batch, outputs) of what it says of the ends of texts."""
        return (self.front.each(x, lengths) * ending(x, lengths).unsqueeze(-1)).sum(dim=1)

    @torch.no_grad()
    def over(self, examples: Sequences, part: Callable[..., Tensor]) -> Tensor:
        """(N, outputs) the scores of examples by one part, `alone` or `told`."""
        self.eval()
        some = examples.lengths is not None
        order = batch_order(len(examples), AT_ONCE, lengths=examples.lengths, bucket=some)
        batches = map(examples.batch, order)
        device = self.bias.device
        scores = torch.cat([part(each.x.to(device), each.lengths).cpu() for each in batches])
        rows = torch.from_numpy(np.concatenate(order))
        return torch.empty_like(scores).index_copy_(0, rows, scores)


def _weights(scores: Tensor, classes: Tensor) -> list[float]:
    """For scores (P, N, outputs) of parts the weights, none below 0, of the sum of least loss."""
    scores = scores.double()
    logarithms = -scores.std(dim=(1, 2), correction=0).clamp(min=1e-9).log()
    logarithms.requires_grad_()
    search = torch.optim.LBFGS([logarithms], max_iter=ROUNDS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        search.zero_grad()
        found = _loss(torch.einsum("p,pno->no", logarithms.exp(), scores), classes)
        found.backward()  # type: ignore[no-untyped-call]
        return found

    with torch.enable_grad():
        search.step(loss)  # type: ignore[no-untyped-call]
    return logarithms.detach().exp().tolist()


def _loss(scores: Tensor, classes: Tensor) -> Tensor:
    if scores.shape[1] > 1:
        return F.cross_entropy(scores, classes)
    return F.binary_cross_entropy_with_logits(scores.squeeze(1), classes.to(scores.dtype))
