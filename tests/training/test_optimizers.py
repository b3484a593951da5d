"""Optimizers: by name fused where torch can, and mistakes named."""

from __future__ import annotations

import pytest
import torch
from tests.training.problems import line_model

from recur.messages import InputError
from recur.training.optimizers import find_optimizer

KINDS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "nadam": torch.optim.NAdam,
}


@pytest.mark.parametrize("name", KINDS)
def test_names(name):
    found = find_optimizer(name, line_model(), 0.25)
    assert type(found) is KINDS[name]
    assert found.param_groups[0]["lr"] == 0.25
    fused = name not in ("rmsprop", "nadam")
    assert bool(found.param_groups[0].get("fused")) == fused


@pytest.mark.parametrize("name", sorted(set(KINDS) - {"sgd"}))
def test_without_a_learning_rate_torchs_is_taken(name):
    theirs = KINDS[name](line_model().parameters()).defaults["lr"]
    assert find_optimizer(name, line_model(), None).param_groups[0]["lr"] == theirs


def test_only_what_wants_gradients_is_trained():
    model = line_model()
    model.bias.requires_grad_(False)
    assert find_optimizer("adam", model, None).param_groups[0]["params"] == [model.weight]


def test_objects_and_functions_are_taken_as_they_are():
    model = line_model()
    made = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    assert find_optimizer(made, model, None) is made
    found = find_optimizer(lambda p: torch.optim.SGD(p, lr=0.5, momentum=0.9), model, None)
    assert found.param_groups[0]["params"] == list(model.parameters())


def test_mistakes():
    model = line_model()
    with pytest.raises(InputError, match=r"got 'adm'. Did you mean 'adam'"):
        find_optimizer("adm", model, None)
    with pytest.raises(InputError, match="learning_rate must be above 0; got 0"):
        find_optimizer("adam", model, 0)
    with pytest.raises(InputError, match="this model's parameters; got another's"):
        find_optimizer(torch.optim.SGD(line_model().parameters(), lr=1.0), model, None)
    with pytest.raises(InputError, match="not beside it"):
        find_optimizer(torch.optim.SGD(model.parameters(), lr=1.0), model, 0.1)
    with pytest.raises(InputError, match="without a closure; got LBFGS"):
        find_optimizer(torch.optim.LBFGS(model.parameters()), model, None)
    with pytest.raises(InputError, match=r"a torch.optim object; got 3"):
        find_optimizer(3, model, None)
    model.requires_grad_(False)
    with pytest.raises(InputError, match="nothing can be trained"):
        find_optimizer("adam", model, None)
