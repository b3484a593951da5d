"""Many-to-many where nobody knows which step says what: connectionist temporal classification.

 -     c     -     a     a     t       the classes of the steps; - is the blank
 |     |     |     |     |     |
[h] - [h] - [h] - [h] - [h] - [h]      what they say: "cat"
 |     |     |     |     |     |
x_1   x_2   x_3   x_4   x_5   x_6
"""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recur.data.targets import target_lengths
from recur.decoding import Decoded, ctc_beam_search, ctc_greedy_search
from recur.layers.attention import existing
from recur.layers.checks import tensor
from recur.layers.lengths import Lengths
from recur.messages import InputError, must, whole
from recur.models.fronts import Strided
from recur.models.many_to_many import ManyToMany

BLANK = 0


class CTC(ManyToMany):
    """`ManyToMany` whose outputs are labels and the blank, trained by the sum over all alignments.

    A. Graves et al., "Connectionist temporal classification", ICML 2006. Train it with its own
    loss: `recur.fit(model, x, y, loss=model.loss)`.

    Args:
        labels: how many there are; they are numbered from 1, for 0 is the blank.
        shortcut: the scores of a step are also a linear layer's of what the recurrent layers read
            there, so that a front learns what letters look like before those know anything. What
            G. Retsinas et al., arXiv:2404.11339, have for it is a loss of its own.
        options: as for `ManyToMany`, but for `outputs` and `tied`.

    Raises:
        InputError: as `ManyToMany`.
    """

    aligned = False  # with the input, step by step

    def __init__(self, *, labels: int, shortcut: bool = False, **options: Any) -> None:
        super().__init__(outputs=whole("labels", labels) + 1, **options)
        self.shortcut = nn.Linear(self.inputs, labels + 1) if shortcut else None

    def forward(  # type: ignore[override]  # log-probabilities need all scores
        self,
        x: Tensor,
        lengths: Lengths | None = None,
        *,
        state: Any = None,
        reset: Any = None,
        return_state: bool = False,
    ) -> Any:
        """Log-probabilities of the classes at each step.

        Args:
            x: as for `ManyToMany.forward`.
            lengths: the steps of each row; None if all rows are full.
            state: as for `ManyToMany.forward`, as the next two.
            reset: where a new sequence begins.
            return_state: return (log-probabilities, state).

        Returns:
            (batch, time, labels + 1), with a front that shortens time (batch, time', labels + 1).
            Beyond a length the blank is certain (0 for it, -inf for the others), so that what the
            row says does not change.
        """
        log_probs, final, _ = self._log_probs(x, lengths, state, reset)
        return (log_probs, final) if return_state else log_probs

    def _log_probs(
        self, x: Tensor, lengths: Lengths | None, state: Any = None, reset: Any = None
    ) -> tuple[Tensor, Any, Lengths | None]:
        self._check_in_pieces(state, reset)
        read, lengths = self.read(x, lengths)
        y, final = self._over(read, lengths, state, reset)
        exists = existing(read, lengths)
        scores = self.head(y)
        if self.shortcut is not None:
            there = read if exists is None else torch.where(exists.unsqueeze(-1), read, 0)
            scores = scores + self.shortcut(there)
        log_probs: Tensor = scores.log_softmax(dim=-1)
        if exists is not None:
            log_probs = torch.where(exists.unsqueeze(-1), log_probs, _certain(log_probs))
        return log_probs, final, lengths

    def loss(self, log_probs: Tensor, targets: Tensor) -> Tensor:
        """`ctc_loss`, of what `forward` gives."""
        return ctc_loss(log_probs, targets)

    def transcribe(
        self, x: Tensor, lengths: Lengths | None = None, *, width: int | None = None
    ) -> Decoded:
        """What sequences say. Call `eval()` first: in training mode dropout works here too.

        Args:
            x: as for `forward`.
            lengths: as for `forward`.
            width: the width of a prefix beam search; None: what the likeliest alignment says.

        Returns:
            as `recur.decoding.ctc_greedy_search` or `ctc_beam_search`.
        """
        with torch.no_grad():
            log_probs, _, steps = self._log_probs(x, lengths)
        if width is None:
            return ctc_greedy_search(log_probs, steps, blank=BLANK)
        return ctc_beam_search(log_probs, steps, width=width, blank=BLANK)


class CTCStream:
    """Log-probabilities of a row that comes piece by piece: the same as those of the whole.

    For inference; call `eval()` of the model first.

    Args:
        model: of one direction; its front, if it has one, gives features step by step, or is a
            `recur.models.fronts.Strided`.

    Raises:
        InputError: a model of two directions, or another front.
    """

    def __init__(self, model: CTC) -> None:
        if model.recurrent.bidirectional:
            raise InputError(must("a model that hears as it comes", "of one direction", "of two"))
        front = model.front
        if front is not None and not (front.alone or isinstance(front, Strided)):
            got = type(front).__name__
            raise InputError(must("a front that reads in pieces", "Strided, or none", got))
        self.model, self._state = model, None
        self._classes = cast(nn.Linear, model.head).out_features
        self._front = front.stream() if isinstance(front, Strided) else None

    def __call__(self, x: Tensor, *, last: bool = False) -> Tensor:
        """The log-probabilities (T', labels + 1) that can be told now.

        Args:
            x: (T, inputs) the steps that follow; may be none.
            last: nothing comes any more.
        """
        model = self.model
        with torch.no_grad():
            read = self._front(x, last=last)[None] if self._front else model.read(x[None])[0]
            if not read.shape[1]:
                return read.new_zeros(0, self._classes)
            y, self._state = model.recurrent(read, self._state)
            scores: Tensor = model.head(y[0])
            return scores.log_softmax(dim=-1)


def ctc_loss(log_probs: Tensor, targets: Tensor) -> Tensor:
    """The negative log-probability of the targets, a label, in the mean over the rows.

    Args:
        log_probs: (batch, time, labels + 1), what `CTC.forward` gives.
        targets: (batch, N) labels from 1; each row filled up with -100.

    Returns:
        one number.

    Raises:
        InputError: targets of a wrong shape, that are no labels, or that no alignment can say
            because there are too few steps.
    """
    tensor("targets for CTC", targets)
    if log_probs.dim() != 3 or targets.dim() != 2 or len(targets) != len(log_probs):
        got = f"{tuple(targets.shape)} for outputs {tuple(log_probs.shape)}"
        raise InputError(must("targets for CTC", "(batch, labels) for (batch, time, classes)", got))
    if not len(targets):
        raise InputError("There is nothing to learn from: the batch has no rows.")
    sizes = target_lengths(targets, least=1, classes=log_probs.shape[-1])
    steps = (log_probs != _certain(log_probs)).any(dim=-1).sum(dim=1)
    each = F.ctc_loss(
        log_probs.transpose(0, 1),
        targets.long(),
        steps,
        sizes,
        blank=BLANK,
        reduction="none",
    )
    impossible = (each.detach() == torch.inf).nonzero()
    if len(impossible):
        row = int(impossible[0])
        got = f"{int(sizes[row])} labels for {int(steps[row])} steps in row {row}"
        todo = "Each label needs a step, and a blank between two that are the same."
        raise InputError(must("targets for CTC", "shorter than the input", got, todo))
    return (each / sizes.clamp(min=1)).mean()


def _certain(log_probs: Tensor) -> Tensor:
    """The log-probabilities (classes,) of a blank that is certain."""
    certain = log_probs.new_full((log_probs.shape[-1],), -torch.inf)
    certain[BLANK] = 0
    return certain
