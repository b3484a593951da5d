"""Attention: against its formulas, step by step; padding; gradients; bad arguments."""

from __future__ import annotations

import pytest
import torch

from recur.layers import Attention, AttentionPooling
from recur.layers.attention import KINDS
from recur.messages import InputError

LENGTHS = [5, 2, 0, 4]


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def attention_of(kind, query=3, memory=4, **options):
    memory = query if kind == "dot" else memory
    return Attention(query, memory, kind=kind, **options).double(), query, memory


def score(attention, q, m):
    if attention.kind == "dot":
        return q @ m
    if attention.kind == "multiplicative":
        return q @ attention.key.weight @ m
    both = attention.query.weight @ q + attention.query.bias + attention.key.weight @ m
    return attention.score.weight[0] @ torch.tanh(both)


def test_the_formulas(kind):
    attention, query, memory = attention_of(kind)
    q = torch.randn(4, 3, query, dtype=torch.float64)
    m = torch.randn(4, 5, memory, dtype=torch.float64)
    for row, length in enumerate(LENGTHS):
        m[row, length:] = torch.nan
    answers, weights = attention(q, attention.remember(m, LENGTHS))
    assert answers.shape == (4, 3, memory)
    assert weights.shape == (4, 3, 5)
    for row, length in enumerate(LENGTHS):
        for n in range(3):
            scores = [score(attention, q[row, n], m[row, s]) for s in range(length)]
            want = torch.stack(scores).softmax(0) if scores else torch.zeros(0).double()
            torch.testing.assert_close(weights[row, n, :length], want)
            assert (weights[row, n, length:] == 0).all()
            torch.testing.assert_close(answers[row, n], want @ m[row, :length])


def test_without_lengths_all_steps_exist(kind):
    attention, query, memory = attention_of(kind)
    q = torch.randn(2, 3, query, dtype=torch.float64)
    m = torch.randn(2, 5, memory, dtype=torch.float64)
    all_of_them = attention(q, attention.remember(m))
    for got, want in zip(all_of_them, attention(q, attention.remember(m, [5, 5])), strict=True):
        torch.testing.assert_close(got, want)


def test_gradients(kind):
    attention, query, memory = attention_of(kind)
    q = torch.randn(4, 2, query, dtype=torch.float64, requires_grad=True)
    m = torch.randn(4, 5, memory, dtype=torch.float64, requires_grad=True)

    def ask(q, m):
        return attention(q, attention.remember(m, LENGTHS))

    assert torch.autograd.gradcheck(ask, (q, m))
    answers, _ = ask(q, m)
    answers.square().sum().backward()
    for name, weight in attention.named_parameters():
        assert weight.grad.isfinite().all(), name
        assert weight.grad.any(), name
    assert (m.grad[1, 2:] == 0).all()
    assert (q.grad[2] == 0).all()


def test_the_size_of_additive_attention():
    attention = Attention(3, 4, size=7)
    assert attention.query.weight.shape == (7, 3)
    assert attention.key.weight.shape == (7, 4)


def test_pooling_weighs_the_steps_that_exist():
    pooling = AttentionPooling(3).double()
    y = torch.randn(4, 5, 3, dtype=torch.float64, requires_grad=True)
    weights = pooling.weights(y, LENGTHS)
    assert weights.sum(-1).tolist() == pytest.approx([1, 1, 0, 1])
    for row, length in enumerate(LENGTHS):
        assert (weights[row, length:] == 0).all()
        torch.testing.assert_close(pooling(y, LENGTHS)[row], weights[row] @ y[row])
    assert torch.autograd.gradcheck(lambda y: pooling(y, LENGTHS), (y,))


BAD = {
    "kind": (
        lambda: Attention(3, 4, kind="addditive"),
        "attention must be additive, multiplicative or dot; got 'addditive'. Did you mean "
        "'additive'?",
    ),
    "dot of two sizes": (
        lambda: Attention(3, 4, kind="dot"),
        "query_size and memory_size of 'dot' attention must be equal; got 3 and 4.",
    ),
    "two axes": (
        lambda: Attention(3, 4).remember(torch.zeros(5, 4)),
        "a sequence must be of three axes (batch, time, size); got 2.",
    ),
    "too few lengths": (
        lambda: AttentionPooling(4)(torch.zeros(2, 5, 4), [3]),
        "lengths must be one number for each of the 2 rows; got the shape (1,).",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence(case):
    call, sentence = BAD[case]
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == sentence
