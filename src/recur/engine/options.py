"""What a walk may be asked for besides: dropout and zoneout of states, clipping, a record."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Options(NamedTuple):
    """The defaults ask for nothing. D directions, B batch, R size of the state h, G state gates.

    Attributes:
        keep: (D, B, R), what h is multiplied by before W_hh, the same at every step: variational
            dropout (Y. Gal, Z. Ghahramani, arXiv:1512.05287). Or (D, B, G, R), a mask for what each
            gate's rows of W_hh multiply, in the order of the gates (untied weights, as in Keras);
            what a row of the batch is multiplied by lies together. None for 1.
        zoneout: of each state, the share of units that stay as they were in a step (D. Krueger et
            al., arXiv:1606.01305); empty for none.
        seed: (D,) int64, which units zoneout keeps; None for their expectation, as in evaluation.
        clip_state: the LSTM's c lies within -this .. this; 0 for anywhere.
        clip_gradient: so do the gradients of the gates, before the weights and the step before see
            them (A. Graves, arXiv:1308.0850); 0 for no limit.
        record: takes what happened inside, by letter: the cell's gates and its states but h, each
            (T, B, D * H), zero where no step exists; without gradients. None for nobody asked.
    """

    keep: Tensor | None = None
    zoneout: tuple[float, ...] = ()
    seed: Tensor | None = None
    clip_state: float = 0.0
    clip_gradient: float = 0.0
    record: dict[str, Tensor] | None = None


NOTHING = Options()
