"""Networks side by side."""

from __future__ import annotations

import pytest
import torch

from recur import InputError
from recur.models import ManyToOne
from recur.models.ensemble import Ensemble


def test_each_member_reads_the_same_and_answers_by_itself():
    torch.manual_seed(0)
    members = [ManyToOne(inputs=2, outputs=3, units=units) for units in (4, 5)]
    both = Ensemble(members)
    x, lengths = torch.randn(6, 7, 2), [7, 1, 2, 3, 4, 7]
    found = both(x, lengths)
    assert found.shape == (6, 2, 3)
    for n, member in enumerate(members):
        torch.testing.assert_close(found[:, n], member(x, lengths))
    found[:, 0].sum().backward()
    assert all(p.grad is not None for p in members[0].parameters())
    assert not any(p.grad.any() for p in members[1].parameters())
    with pytest.raises(InputError, match="one network at least"):
        Ensemble([])
