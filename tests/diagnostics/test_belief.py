"""What is believed while a sequence comes in."""

from __future__ import annotations

import torch

from recur import ManyToOne
from recur.diagnostics import beliefs


def test_it_is_the_answer_to_what_came_so_far():
    torch.manual_seed(0)
    model = ManyToOne(inputs=3, outputs=2, units=4, bidirectional=True, pooling="mean")
    x = torch.randn(6, 3)
    found = beliefs(model, x, [1, 4, 6])
    model.eval()
    for row, steps in enumerate((1, 4, 6)):
        assert torch.allclose(found[row], model(x[None, :steps])[0], atol=1e-6)
