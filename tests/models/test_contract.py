"""What every model promises: padding, neighbours, gradients, state dicts, dropout."""

from __future__ import annotations

import functools

import pytest
import torch
from tests.models.learning import filled

from recur import files
from recur.models import CTC, EncoderDecoder, ManyToMany, ManyToOne, OneToMany, OneToOne

LENGTHS = [5, 2, 3, 1]
TARGETS = filled([[1, 2, 3], [0, 4, 2, 6], [5], []])
DEEP = {"layers": 2, "units": 4, "cell": "lstm"}
SEQ = functools.partial(EncoderDecoder, vocabulary=7, source_vocabulary=7, **DEEP)

# name: (how it is made, whether it reads a sequence, whether it is given targets)
MODELS = {
    "one to one": (lambda: OneToOne(inputs=6, outputs=2, units=16), False, False),
    "one to many": (lambda: OneToMany(inputs=6, vocabulary=7, **DEEP), False, True),
    "one to many, at every input": (
        lambda: OneToMany(inputs=6, vocabulary=7, condition="input", residual=True, **DEEP),
        False,
        True,
    ),
    "one to many, both, tied": (
        lambda: OneToMany(inputs=6, vocabulary=7, condition="both", tied=True, **DEEP),
        False,
        True,
    ),
    "many to one": (lambda: ManyToOne(vocabulary=7, outputs=2, **DEEP), True, False),
    "many to one, attention, residual": (
        lambda: ManyToOne(
            vocabulary=7, outputs=2, pooling="attention", residual=True, bidirectional=True, **DEEP
        ),
        True,
        False,
    ),
    "many to many": (lambda: ManyToMany(vocabulary=7, outputs=2, **DEEP), True, False),
    "many to many, both ways, residual": (
        lambda: ManyToMany(vocabulary=7, outputs=2, residual=True, bidirectional=True, **DEEP),
        True,
        False,
    ),
    "many to many, tied": (
        lambda: ManyToMany(vocabulary=7, outputs=7, tied=True, **DEEP),
        True,
        False,
    ),
    "ctc": (lambda: CTC(labels=2, vocabulary=7, **DEEP), True, False),
    "encoder-decoder": (lambda: SEQ(attention=None), True, True),
    "encoder-decoder, one way": (lambda: SEQ(attention=None, bidirectional=False), True, True),
    "encoder-decoder, additive": (lambda: SEQ(attention="additive"), True, True),
    "encoder-decoder, multiplicative, residual": (
        lambda: SEQ(attention="multiplicative", residual=True),
        True,
        True,
    ),
    "encoder-decoder, dot, one way, tied": (
        lambda: SEQ(attention="dot", bidirectional=False, tied=True),
        True,
        True,
    ),
    "encoder-decoder, fed": (lambda: SEQ(input_feeding=True), True, True),
    "encoder-decoder, copying": (lambda: SEQ(copy=True, extended=2, unknown=1), True, True),
    "encoder-decoder, tied to a smaller embedding": (
        lambda: SEQ(input_feeding=True, tied=True, embedding=3),
        True,
        True,
    ),
    "encoder-decoder, all": (
        lambda: SEQ(input_feeding=True, copy=True, residual=True, attention="multiplicative"),
        True,
        True,
    ),
}


@pytest.fixture(params=MODELS)
def case(request):
    torch.manual_seed(1)
    make, reads, writes = MODELS[request.param]
    return make().double(), reads, writes


def inputs_of(reads):
    if reads:
        return torch.randint(1, 7, (4, 5))
    return torch.randn(4, 6, dtype=torch.float64)


def called(case, x, rows=slice(None), lengths=LENGTHS, targets=TARGETS):
    model, reads, writes = case
    options = {"targets": targets[rows]} if writes else {}
    if reads:
        options["lengths"] = lengths[rows]
    return model(x[rows], **options)


def finite(scores):
    """CTC's certain blanks are -inf for the others."""
    return scores.masked_fill(scores == -torch.inf, 0)


def test_a_row_does_not_depend_on_its_neighbours(case):
    x = inputs_of(case[1])
    together = called(case, x)
    for row in range(4):
        alone = called(case, x, slice(row, row + 1))
        torch.testing.assert_close(alone, together[row : row + 1])


def test_padding_changes_nothing(case):
    _, reads, writes = case
    x = inputs_of(reads)
    clean = finite(called(case, x))
    if reads:
        other = x.clone()
        for row, length in enumerate(LENGTHS):
            other[row, length:] = 6
        wider = torch.cat([other, torch.full((4, 2), 3)], dim=1)
        for changed in (other, wider):
            got = finite(called(case, changed))
            if not writes and got.dim() == 3:
                got = got[:, :5]
            torch.testing.assert_close(got, clean)
    if writes:
        wider = torch.cat([TARGETS, torch.full((4, 2), -100)], dim=1)
        got = called(case, x, targets=wider)
        torch.testing.assert_close(got[:, :4], clean)
        assert (got[:, 4:] == 0).all()
        for row, length in enumerate([3, 4, 1, 0]):
            assert (clean[row, length:] == 0).all()


@pytest.mark.parametrize("case", [n for n, (*_, writes) in MODELS.items() if writes], indirect=True)
def test_what_is_to_come_is_not_seen(case):
    x = inputs_of(case[1])
    clean = called(case, x)
    changed = TARGETS.clone()
    changed[1, 2] = 5
    got = called(case, x, targets=changed)
    assert torch.equal(got[1, :3], clean[1, :3])
    assert not torch.equal(got[1, 3], clean[1, 3])


def test_gradients_reach_every_parameter(case):
    model, reads, _ = case
    finite(called(case, inputs_of(reads))).square().sum().backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name
        assert weight.grad.any(), name


def test_weights_are_kept_in_a_file(case, request, tmp_path):
    model, reads, _ = case
    files.write_tensors(tmp_path / "model.safetensors", model.state_dict())
    make = MODELS[request.node.callspec.params["case"]][0]
    other = make().double()
    other.load_state_dict(files.read_tensors(tmp_path / "model.safetensors")[0])
    x = inputs_of(reads)
    assert torch.equal(called((other, *case[1:]), x), called(case, x))


def test_no_rows(case):
    x = inputs_of(case[1])[:0]
    scores = called(case, x, rows=slice(0, 0))
    assert scores.shape[0] == 0
