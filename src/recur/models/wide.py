"""Many-to-one beside a table: what each token says by itself is added to what the sequence says.

x_1   x_2   ...   x_T ----+
 |     |           |      |  a row of scores for each token
[h] - [h] - ... - [h]     |
 |                        v
pooling --> linear -----> + --> y
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from recur.data.batching import batch_order
from recur.data.sequences import Sequences
from recur.layers.lengths import Lengths
from recur.models.checks import check_sizes
from recur.models.fronts.evidence import Evidence
from recur.models.many_to_one import ManyToOne
from recur.models.reading import share

AT_ONCE = 64
SCALES: list[float] = np.geomspace(1e-3, 10, 81).tolist()
"""What a table of counts may be multiplied by."""


class Wide(nn.Module):
    """Recurrent layers over tokens, beside a linear model of the same tokens, trained together.

    H.-T. Cheng et al., "Wide & deep learning for recommender systems", arXiv:1606.07792. The linear
    model knows each word, the recurrent layers what stands where.

    Args:
        outputs: scores for each sequence.
        vocabulary: the steps are token ids below this number.
        embedding: size of a token's vector.
        embedding_std: the standard deviation that the vectors start with.
        nothing: tokens below this number are no words; they add nothing to the linear model.
        dropout: as for `ManyToOne`; tokens are dropped whole.
        wide_dropout: the part of the sequences that the recurrent layers judge alone while
            training, or they would learn but what the table leaves over.
        options: more arguments for `ManyToOne`.

    Raises:
        InputError: as `ManyToOne`.
    """

    aligned = False  # with the input, step by step

    def __init__(
        self,
        *,
        outputs: int,
        vocabulary: int,
        embedding: int = 32,
        embedding_std: float = 1.0,
        nothing: int = 1,
        dropout: float = 0.0,
        wide_dropout: float = 0.5,
        **options: Any,
    ) -> None:
        super().__init__()
        check_sizes(dropout, outputs=outputs)
        self.wide_dropout = share("wide_dropout", wide_dropout, 0.0)
        self.front = Evidence(vocabulary, embedding, outputs, std=embedding_std, nothing=nothing)
        self.input_dropout = nn.Dropout1d(dropout)
        self.recurrent = ManyToOne(
            inputs=embedding, outputs=outputs, dropout=dropout, embedding_dropout=0.0, **options
        )

    def forward(self, x: Tensor, lengths: Lengths | None = None) -> Tensor:
        """Scores (batch, outputs) of token ids (batch, time); see `ManyToOne.forward`."""
        features, lengths = self.front(x, lengths)
        vectors, said = features.split(self.front.sizes, dim=-1)
        scores: Tensor = self.recurrent(self.input_dropout(vectors), lengths)
        told: Tensor = said.sum(dim=1)
        if self.training:
            told = told * (torch.rand(len(x), 1, device=told.device) >= self.wide_dropout)
        return scores + told

    @torch.no_grad()
    def start(self, evidence: NDArray[np.float32], validation: Sequences) -> None:
        """Starts the table from counts, and its scale where the loss of the table alone is least.

        Args:
            evidence: (V, C) what each of the first V tokens says for each class, as
                `recur.data.evidence` counts it; of two classes the network has one score, that of
                the second.
            validation: sequences with the numbers of their classes, which were not counted.
        """
        said = torch.from_numpy(evidence)
        if said.shape[1] == 2:
            said = said[:, 1:] - said[:, :1]
        weight = self.front.evidence.weight
        weight[: len(said)] = said
        self.front.scale.fill_(1)
        targets = validation.y
        assert isinstance(targets, Tensor)
        scores = weight.new_empty(len(validation), weight.shape[1])
        for rows in batch_order(len(validation), AT_ONCE):
            batch = validation.batch(rows)
            features, _ = self.front(batch.x, batch.lengths)
            scores[rows] = features.split(self.front.sizes, dim=-1)[1].sum(dim=1)
        losses = [_loss(scale * scores, targets) for scale in SCALES]
        self.front.scale.fill_(SCALES[int(torch.stack(losses).argmin())])


def _loss(scores: Tensor, classes: Tensor) -> Tensor:
    if scores.shape[1] > 1:
        return F.cross_entropy(scores, classes)
    return F.binary_cross_entropy_with_logits(scores.squeeze(1), classes.to(scores.dtype))
