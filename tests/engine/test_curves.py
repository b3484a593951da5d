"""The compiled sigmoid and tanh: their error over all that a float can be."""

from __future__ import annotations

import pytest
import torch

from recur.engine.cpu import library

pytestmark = pytest.mark.skipif(not library.runnable(), reason="the compiled engine is not built")
EXACT = {"sigmoid": torch.sigmoid, "tanh": torch.tanh}


def every_kind_of_float() -> torch.Tensor:
    """A sixteenth of a million floats' upper halves, each with 12 lower ones.

    So every sign and exponent: zeros, subnormals, infinities and NaN among them; and finely where
    the curves bend.
    """
    upper = torch.arange(2**16).repeat_interleave(12)
    lower = torch.randint(2**16, upper.shape)
    lower[::12], lower[11::12] = 0, 2**16 - 1
    floats = (upper << 16 | lower).to(torch.int32).view(torch.float32)
    return torch.cat([floats, torch.linspace(-100, 100, 200_001), torch.linspace(-9, 9, 200_001)])


def spacing(value: torch.Tensor) -> torch.Tensor:
    """From a float to the next, at these numbers (float64)."""
    exponent = torch.frexp(value).exponent.clamp(min=-125)  # value in [2^(e-1), 2^e)
    return torch.ldexp(torch.ones_like(value), exponent - 24)


@pytest.mark.parametrize("variant", library.runnable())
@pytest.mark.parametrize("which", EXACT)
def test_in_float32_within_four_units_in_the_last_place(which, variant):
    """Greatest seen: sigmoid 2.3, tanh 3.2."""
    x = every_kind_of_float()
    got = library.load(variant).activation(which, x).double()
    truth = EXACT[which](x.double())
    assert torch.equal(got.isnan(), x.isnan())
    error = (got - truth).abs()
    # Where the sigmoid is below 2^-124 it stays at about that: x below -86.
    tiny = (truth.abs() < 2.0**-124) & (which == "sigmoid")
    assert (error / spacing(truth))[~tiny & ~x.isnan()].max() <= 4
    assert not tiny.any() or error[tiny].max() <= 2.0**-124
    # The bounds hold where rounding might cross them.
    assert got[~x.isnan()].abs().max() <= 1


@pytest.mark.parametrize("variant", library.runnable())
@pytest.mark.parametrize("which", EXACT)
def test_what_is_exact(which, variant):
    inf = torch.inf
    curve = library.load(variant).activation
    if which == "tanh":
        small = torch.tensor([0.0, 2.0**-149, -(2.0**-149), 1e-40, -(2.0**-126)])
        assert torch.equal(curve(which, small), small)
        assert curve(which, torch.tensor([inf, -inf, 20.0, -20.0])).tolist() == [1, -1, 1, -1]
    else:
        assert curve(which, torch.tensor([0.0, inf, 40.0])).tolist() == [0.5, 1, 1]
        assert 0 <= curve(which, torch.tensor([-inf])).item() <= 2.0**-124


@pytest.mark.parametrize("variant", library.runnable())
@pytest.mark.parametrize("which", EXACT)
def test_in_float64_as_the_library_s_own(which, variant):
    x = every_kind_of_float().double()
    got = library.load(variant).activation(which, x)
    torch.testing.assert_close(got, EXACT[which](x), rtol=1e-15, atol=0, equal_nan=True)
