"""Networks side by side, each of which leaves out some kinds of anomalies, and what they learn by.

Letters: N rows, M networks, K kinds.
"""

from __future__ import annotations

from collections import Counter

import torch
import torch.nn.functional as F
from torch import Tensor

from recur.data.records.connections import Connections

HALF = 0.5
"""What a kind counts in the loss beside the alarm."""
NONE_KNOWN = -1
"""In the place of a kind, or of the network that leaves a row out."""


def alarm_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean weighted cross-entropy of the alarm, and half of that of the anomalies' kinds.

    Args:
        outputs: (N, M, 1 + K) scores.
        targets: (N, 4) 1 for anomalies, the kind, the weight, and the network that leaves the row
            out; -1 for none.
    """
    outputs = side_by_side(outputs)
    _, kinds, weights, out = targets.to(outputs.dtype).unbind(dim=1)
    each = _alarms(outputs, targets)
    if outputs.shape[2] > 1:
        known = kinds >= 0
        numbers = torch.where(known, kinds, 0).long().unsqueeze(1).expand_as(each)
        of_kinds = F.cross_entropy(outputs[..., 1:].transpose(1, 2), numbers, reduction="none")
        each = each + HALF * of_kinds * known.unsqueeze(1)
    learns = torch.arange(each.shape[1], device=each.device) != out.unsqueeze(1)
    mean = (each * learns).sum(dim=1) / learns.sum(dim=1).clamp(min=1)
    return (mean * weights).mean()


def unseen_auc(outputs: Tensor, targets: Tensor) -> Tensor:
    """How often an anomaly has a higher score than a usual row, by who never learnt its kind.

    Arguments as `alarm_loss`. It is the area under the ROC curve of a batch, anomalies weighted;
    half where it has one kind of rows only. It asks how rows are ranked, not how sure a network is:
    of what it never saw it is too sure of either.
    """
    scores = by_strangers(side_by_side(outputs)[..., 0], targets[:, 3])
    strange, weights = targets[:, 0] > 0.5, targets[:, 2]
    if strange.all() or not strange.any():
        return scores.new_tensor(0.5)
    over = scores[strange].unsqueeze(1) - scores[~strange]
    higher = (over > 0).double().mean(dim=1) + (over == 0).double().mean(dim=1) / 2
    each = weights[strange].double()
    return (higher * each).sum() / each.sum()


def accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    """The share of rows whose score, the mean of all networks, is on the right side of a half."""
    right: Tensor = (side_by_side(outputs)[..., 0].mean(dim=1) > 0) == (targets[:, 0] > 0.5)
    return right.mean(dtype=torch.float64)


def side_by_side(outputs: Tensor) -> Tensor:
    """(N, M, 1 + K), of the one network of an older run too."""
    return outputs.unsqueeze(1) if outputs.dim() == 2 else outputs


def _alarms(outputs: Tensor, targets: Tensor) -> Tensor:
    """(N, M) the cross-entropy of each network's alarm."""
    scores = outputs[..., 0]
    strange = targets[:, :1].to(scores.dtype).expand_as(scores)
    return F.binary_cross_entropy_with_logits(scores, strange, reduction="none")


def by_strangers(each: Tensor, out: Tensor) -> Tensor:
    """(N,) of (N, M), that of the network which leaves the row out; where none does, the mean."""
    chosen = each.gather(1, out.long().clamp(min=0).unsqueeze(1)).squeeze(1)
    return torch.where(out >= 0, chosen, each.mean(dim=1))


def dealt(records: Connections, members: int) -> tuple[tuple[str, ...], ...]:
    """(M,) the labels that each network leaves out: of every kind the labels dealt in turn.

    Of one label nothing can be left out.
    """
    rows = Counter(label for label in records.labels if label != records.usual)
    of = records.families
    ranked = sorted(rows, key=lambda label: (of.get(label, ""), -rows[label], label))
    if len(ranked) < 2:
        return ((),)
    networks = min(members, len(ranked))
    return tuple(tuple(ranked[n::networks]) for n in range(networks))
