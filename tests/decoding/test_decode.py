"""The searches by name."""

from __future__ import annotations

import pytest
import torch
from tests.decoding.chains import Chain

from recur.decoding import beam_search, decode, greedy_search, sample
from recur.messages import InputError


@pytest.mark.parametrize(
    ("name", "search", "how"),
    [
        ("greedy", greedy_search, {}),
        ("beam", beam_search, {"width": 3, "length_penalty": 0.5}),
        ("sample", sample, {"temperature": 0.7}),
    ],
)
def test_by_name(name, search, how):
    chain = Chain()
    torch.manual_seed(0)
    got = decode(name, chain.step, *chain.start(), max_steps=3, end=1, **how)
    torch.manual_seed(0)
    want = search(chain.step, *chain.start(), max_steps=3, end=1, **how)
    assert all(torch.equal(a, b) for a, b in zip(got, want, strict=True))


@pytest.mark.parametrize(
    ("name", "how", "sentence"),
    [
        (
            "beems",
            {},
            "search must be greedy, beam or sample; got 'beems'. Did you mean 'beam'?",
        ),
        ("beam", {}, "The search 'beam' needs the argument 'width'."),
        (
            "beam",
            {"width": 2, "length_penalyt": 1},
            "The search 'beam' has no argument 'length_penalyt'. Did you mean 'length_penalty'?",
        ),
        (
            "greedy",
            {"temperature": 1},
            "The search 'greedy' has no argument 'temperature'. It has max_steps, end and tell.",
        ),
    ],
)
def test_bad_arguments_are_one_sentence(name, how, sentence):
    chain = Chain()
    with pytest.raises(InputError) as caught:
        decode(name, chain.step, *chain.start(), max_steps=2, **how)
    assert str(caught.value) == sentence
