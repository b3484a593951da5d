"""The engine inside torch's function transforms and forward-mode differentiation."""

from __future__ import annotations

import pytest
import torch
from tests.engine.cases import Case, numbers_of
from tests.engine.paths import PATHS, forced

from recur import engine
from recur.cells import CELLS

# Torch's own forward mode still uses what torch deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")


@pytest.fixture(params=PATHS, autouse=True)
def path(request):
    with forced(request.param):
        yield request.param


WITH_A_MATRIX = [name for name, cell in CELLS.items() if cell.state_gates]


def walk(cell, numbers):
    def function(x, w_hh):
        y, final = engine.scan(
            CELLS[cell],
            x,
            numbers.start,
            numbers.weights._replace(w_hh=w_hh),
            lengths=numbers.lengths,
        )
        return y.tanh().sum() + sum(s.square().sum() for s in final)

    return function


@pytest.mark.parametrize("cell", WITH_A_MATRIX)
def test_a_map_over_several_networks_is_one_after_the_other(cell):
    numbers = numbers_of(Case(cell, lengths=(5, 2, 0)))
    function = walk(cell, numbers)
    several = torch.stack([numbers.weights.w_hh, numbers.weights.w_hh * 0.5])
    mapped = torch.func.vmap(function, in_dims=(None, 0))(numbers.x, several)
    torch.testing.assert_close(mapped, torch.stack([function(numbers.x, w) for w in several]))


@pytest.mark.parametrize("cell", WITH_A_MATRIX)
def test_functional_gradients_are_those_of_backward(cell):
    numbers = numbers_of(Case(cell))
    function = walk(cell, numbers)
    x, w_hh = numbers.x.requires_grad_(), numbers.weights.w_hh.requires_grad_()
    function(x, w_hh).backward()
    torch.testing.assert_close(
        torch.func.grad(function, argnums=(0, 1))(x.detach(), w_hh.detach()), (x.grad, w_hh.grad)
    )


@pytest.mark.parametrize("cell", WITH_A_MATRIX)
def test_forward_mode_is_the_gradient_along_a_direction(cell):
    numbers = numbers_of(Case(cell))
    function = walk(cell, numbers)
    x, w_hh = numbers.x, numbers.weights.w_hh
    along = torch.randn_like(x), torch.randn_like(w_hh)
    _, slope = torch.func.jvp(function, (x, w_hh), along)
    gradients = torch.func.grad(function, argnums=(0, 1))(x, w_hh)
    torch.testing.assert_close(
        slope, sum((g * d).sum() for g, d in zip(gradients, along, strict=True))
    )
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, along[0])
        tangent = torch.autograd.forward_ad.unpack_dual(function(dual, w_hh)).tangent
    torch.testing.assert_close(tangent, (gradients[0] * along[0]).sum())
