"""What models that read sequences share: what stands before their recurrent layers."""

from __future__ import annotations

from torch import Tensor, nn

from recur.layers import Embedding
from recur.layers.lengths import Lengths
from recur.messages import InputError, listed, must, real
from recur.models.checks import check_sizes, numbers
from recur.models.fronts import Front, Tokens
from recur.models.tokens import check_std, embedded, table


class Reading(nn.Module):
    """A model that reads sequences: by a front, or by one of the two plain ways without one.

    The vectors of the plain way are kept in the model itself, under the name `embedding`, as every
    file of weights knows them.

    Args:
        front: what makes features of what is read.
        inputs: the steps are so many numbers, read as they are.
        vocabulary: the steps are token ids below this number, each with a vector.
        embedding: the numbers of such a vector.
        embedding_std: the standard deviation that they start with.
        dropout: the part of the features dropped while training.
        whole: tokens are dropped whole.
        named: what messages call the vocabulary.

    Attributes:
        inputs: the features of a step that the recurrent layers read.

    Raises:
        InputError: none or several of `front`, `inputs` and `vocabulary`, sizes below 1, or numbers
            outside their range.
    """

    def __init__(
        self,
        *,
        front: Front | None,
        inputs: int | None,
        vocabulary: int | None,
        embedding: int,
        dropout: float,
        embedding_std: float = 1.0,
        whole: bool = False,
        named: str = "vocabulary",
    ) -> None:
        super().__init__()
        check_one_way(**{"inputs": inputs, named: vocabulary, "front": front})
        check_sizes(dropout, **{"inputs": inputs, named: vocabulary, "embedding": embedding})
        check_std("embedding_std", embedding_std)
        self.front = front
        self.embedding: Embedding | None = None
        if vocabulary is not None:
            self.embedding = table(vocabulary, embedding, std=embedding_std)
        self.inputs = inputs or embedding if front is None else front.size
        tokens = vocabulary is not None if front is None else front.tokens
        # Channels are what `Dropout1d` drops: here, the steps of (batch, time, size).
        self.input_dropout = (nn.Dropout1d if whole and tokens else nn.Dropout)(dropout)

    @property
    def table(self) -> Embedding | None:
        """The vectors of tokens, where a step is a token id and nothing more."""
        return self.front.embedding if isinstance(self.front, Tokens) else self.embedding

    def read(
        self, x: Tensor, lengths: Lengths | None = None
    ) -> tuple[Tensor, Lengths | Tensor | None]:
        """What the recurrent layers read: features (batch, T', size) and the steps of each row.

        Raises:
            InputError: what does not fit.
        """
        if self.front is not None:
            x, lengths = self.front(x, lengths)
        elif self.embedding is not None:
            x = embedded(x, self.embedding)
        else:
            x = numbers(x, self.inputs)
        return self.input_dropout(x), lengths


def share(name: str, part: float | None, otherwise: float) -> float:
    """A share dropped, or another one where it is left out.

    Raises:
        InputError: one outside 0 to 1.
    """
    if part is None:
        return otherwise
    return real(name, part, lambda part: 0 <= part <= 1, "from 0 to 1")


def check_one_way(**ways: object) -> None:
    """Raises an InputError unless one of the ways to tell what is read is given, by name."""
    given = [name for name, value in ways.items() if value is not None]
    if len(given) != 1:
        expected = f"told by one of {listed([f'{name}=' for name in ways], 'and')}"
        raise InputError(must("a model's input", expected, listed(given, "and") or "none"))
    front = ways["front"]
    if front is not None and not isinstance(front, Front):
        raise InputError(must("front", "one of recur.models.fronts", type(front).__name__))
