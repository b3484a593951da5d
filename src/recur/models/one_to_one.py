"""One-to-one: one thing goes in, one answer comes out (an image, its class). No time, no memory.

x --> [linear, relu] --> ... --> linear --> y

It is the yardstick: what a plain network, which sees everything at once and in one fixed size,
makes of the same data.
"""

from __future__ import annotations

import itertools

from torch import Tensor, nn

from recur.messages import whole
from recur.models.checks import check_sizes, flat


class OneToOne(nn.Module):
    """A plain network: linear layers with rectifiers between them (a multilayer perceptron).

    D. E. Rumelhart, G. E. Hinton and R. J. Williams, "Learning representations by back-propagating
    errors", Nature 323, 1986; rectifiers: X. Glorot, A. Bordes and Y. Bengio, AISTATS 2011.

    Args:
        inputs: numbers of each example, over all its axes: 784 for images of 28 by 28.
        outputs: numbers that come out: raw scores (no sigmoid, no softmax).
        units: size of each hidden layer.
        layers: hidden layers; with 0 the model is linear.
        dropout: the part dropped after each hidden layer while training.
        residual: each hidden layer but the first adds its input to its outputs (K. He et al.,
            arXiv:1512.03385).

    Raises:
        InputError: a negative number of layers, or sizes below 1.
    """

    def __init__(
        self,
        *,
        inputs: int,
        outputs: int,
        units: int = 128,
        layers: int = 2,
        dropout: float = 0.0,
        residual: bool = False,
    ) -> None:
        super().__init__()
        whole("layers", layers, least=0)
        check_sizes(dropout, inputs=inputs, outputs=outputs, units=units)
        self.inputs, self.residual = inputs, residual
        sizes = [inputs, *[units] * layers]
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(sizes[-1], outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Scores for each example.

        Args:
            x: (batch, ...), `inputs` numbers an example.

        Returns:
            (batch, outputs).

        Raises:
            InputError: examples of another size.
        """
        y = flat(x, self.inputs)
        for n, layer in enumerate(self.hidden):
            z = self.dropout(layer(y).relu())
            y = y + z if self.residual and n else z
        scores: Tensor = self.head(y)
        return scores
