"""Many-to-one: pooling, padding, gradients, and bad arguments."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from recur import ManyToOne, last_output
from recur.messages import InputError
from recur.models.deep import CELLS
from recur.models.fronts import Strided
from recur.models.many_to_one import POOLINGS

LENGTHS = [5, 2, 0, 4]


@pytest.fixture(params=POOLINGS)
def pooling(request):
    return request.param


@pytest.fixture(params=CELLS)
def cell(request):
    return request.param


def model_of(cell, pooling, **options):
    options = {"inputs": 3, "outputs": 2, "units": 4} | options
    return ManyToOne(cell=cell, pooling=pooling, **options).double()


def by_attention(model, y):
    """The weighted mean (H,) of the steps of one row (T, H)."""
    if model.attention is None:
        return None
    key, score = model.attention.key, model.attention.score.weight[0]
    weights = torch.stack([(score * torch.tanh(key(step))).sum() for step in y]).softmax(0)
    return sum(weight * step for weight, step in zip(weights, y, strict=True))


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["one way", "both ways"])
def test_each_row_is_pooled_over_its_own_steps(cell, pooling, bidirectional, layers):
    model = model_of(cell, pooling, bidirectional=bidirectional, layers=layers)
    plain = {**CELLS, "rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell](
        3, 4, layers, batch_first=True, bidirectional=bidirectional, dtype=torch.float64
    )
    plain.load_state_dict(model.recurrent.state_dict())
    x = torch.randn(4, 5, 3, dtype=torch.float64)
    for row, length in enumerate(LENGTHS):
        x[row, length:] = torch.nan
    scores = model(x, LENGTHS)
    assert scores.shape == (4, 2)
    for row, length in enumerate(LENGTHS):
        if length:
            y = plain(x[row : row + 1, :length])[0][0]
            pooled = {
                "last": torch.cat([y[-1, :4], y[0, 4:]]),
                "mean": y.mean(0),
                "max": y.amax(0),
                "attention": by_attention(model, y),
            }[pooling]
        else:
            pooled = torch.zeros(model.head.in_features, dtype=torch.float64)
        torch.testing.assert_close(scores[row], model.head(pooled))


@pytest.mark.parametrize("segment", [1, 2, 3, 9])
def test_segments_are_walked_each_from_zero_and_pooled_together(cell, pooling, segment):
    if pooling == "last":
        with pytest.raises(
            InputError, match=f"segment must be None with pooling='last'.* {segment}"
        ):
            model_of(cell, pooling, segment=segment)
        return
    model = model_of(cell, pooling, bidirectional=True, segment=segment)
    x = torch.randn(4, 5, 3, dtype=torch.float64)
    for row, length in enumerate(LENGTHS):
        x[row, length:] = torch.nan
    x.requires_grad_()
    scores = model(x, LENGTHS)
    for row, length in enumerate(LENGTHS):
        parts = [x[row : row + 1, low : low + segment] for low in range(0, length, segment)]
        parts = [part[:, : length - n * segment] for n, part in enumerate(parts)]
        y = torch.cat([model.recurrent(part) for part in parts], dim=1) if parts else None
        pooled = torch.zeros(8, dtype=torch.float64)
        if y is not None:
            means = {"mean": y[0].mean(0), "max": y[0].amax(0)}
            pooled = means.get(pooling, by_attention(model, y[0]))
        torch.testing.assert_close(scores[row], model.head(pooled))
    torch.testing.assert_close(model(x[:1]), scores[:1])  # no lengths: all rows are full
    (gradient,) = torch.autograd.grad(scores.square().sum(), x)
    assert gradient.isfinite().all()
    assert not gradient[1, 2:].any()


def test_the_head_reads_the_input_too_where_it_is_told(cell, pooling):
    model = model_of(cell, pooling, direct=True)
    x = torch.randn(4, 5, 3, dtype=torch.float64)
    scores = model(x, LENGTHS)
    weight, past = model.head.weight.split([4, 3], dim=1)
    plain = model_of(cell, pooling)
    plain.load_state_dict({**model.state_dict(), "head.weight": weight})
    for row, length in enumerate(LENGTHS):
        summed = x[row, :length].sum(0) / max(1, length) ** 0.5
        want = plain(x, LENGTHS)[row] + past @ summed
        torch.testing.assert_close(scores[row], want)


def test_padding_changes_nothing(cell, pooling):
    model = model_of(cell, pooling, vocabulary=9, inputs=None, bidirectional=True)
    tokens = torch.randint(1, 9, (4, 5))
    short = model(tokens, LENGTHS)
    longer = torch.cat([tokens, torch.full((4, 3), 7)], dim=1)
    torch.testing.assert_close(model(longer, LENGTHS), short)
    torch.testing.assert_close(model(tokens[:1]), short[:1])  # no lengths: all rows are full


def test_every_parameter_learns_and_padding_teaches_nothing(cell, pooling):
    model = model_of(
        cell, pooling, vocabulary=9, inputs=None, embedding=3, bidirectional=True, layers=2
    )
    tokens = torch.randint(1, 8, (4, 5))
    for row, length in enumerate(LENGTHS):
        tokens[row, length:] = 8  # a token that only padding has
    model(tokens, LENGTHS).square().sum().backward()
    for name, weight in model.named_parameters():
        assert weight.grad.isfinite().all(), name
        assert weight.grad.any(), name
    assert not model.embedding.weight.grad[8].any()


@pytest.mark.parametrize("bidirectional", [False, True], ids=["one way", "both ways"])
def test_residual_layers_add_their_input(cell, pooling, bidirectional):
    model = model_of(cell, pooling, layers=3, residual=True, bidirectional=bidirectional)
    x = torch.randn(4, 5, 3, dtype=torch.float64)
    got = model(x, LENGTHS)
    y = x
    for n, layer in enumerate(model.recurrent.layers):
        outputs = layer(y, lengths=LENGTHS)[0]
        y = y + outputs if n else outputs
    shallow = model_of(cell, pooling, bidirectional=bidirectional)
    shallow.load_state_dict(model.state_dict(), strict=False)  # the head and the attention
    shallow.recurrent = Given(y, bidirectional=bidirectional, last=pooling == "last")
    torch.testing.assert_close(got, shallow(x, LENGTHS))
    got.sum().backward()
    assert all(weight.grad.any() for weight in model.parameters())


class Given(nn.Module):
    """Outputs that were found elsewhere."""

    def __init__(self, outputs, *, bidirectional, last):
        super().__init__()
        self.outputs, self.bidirectional, self.last = outputs, bidirectional, last

    def forward(self, x, lengths):
        if not self.last:
            return self.outputs
        return last_output(
            self.outputs, lengths, batch_first=True, bidirectional=self.bidirectional
        )


def test_dropout_only_while_training(pooling):
    model = model_of("gru", pooling, dropout=0.5, layers=2)
    x = torch.randn(4, 5, 3, dtype=torch.float64)
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))
    torch.testing.assert_close(model(x)[1:2], model(x[1:2]))


def test_dropout_before_the_recurrent_layer_and_before_the_head(cell, pooling):
    model = model_of(cell, pooling, dropout=0.5, inputs=40, units=40)
    seen = []
    for module in (model.recurrent, model.head):
        module.register_forward_pre_hook(lambda module, given: seen.append(given[0].detach()))
    model(torch.ones(2, 5, 40, dtype=torch.float64))
    into_recurrent, into_head = seen
    assert set(into_recurrent.unique().tolist()) == {0.0, 2.0}
    assert 0.1 < (into_head == 0).double().mean() < 0.9


def test_tokens_are_dropped_whole(cell, pooling):
    model = model_of(cell, pooling, dropout=0.5, vocabulary=9, inputs=None, embedding=8)
    seen = []
    model.recurrent.register_forward_pre_hook(lambda module, given: seen.append(given[0].detach()))
    tokens = torch.randint(0, 9, (20, 30))
    model(tokens)
    kept = seen[0].any(dim=2)
    assert 0.4 < kept.double().mean() < 0.6
    assert kept.any(dim=0).all()  # not the same steps of every row
    assert not kept.all(dim=0).any()
    torch.testing.assert_close(seen[0][kept], 2 * model.embedding(tokens)[kept])


def test_the_embedding_starts_as_it_is_told():
    def start(**given):
        torch.manual_seed(0)
        return ManyToOne(vocabulary=500, outputs=1, **given)

    usual, small = start(), start(embedding_std=0.1)
    assert 0.99 < usual.embedding.weight.std() < 1.01
    torch.testing.assert_close(small.embedding.weight, 0.1 * usual.embedding.weight)
    assert torch.equal(small.head.weight, usual.head.weight)


def test_the_arguments_reach_the_layers(cell):
    matrix = CELLS[cell](1, 1).cell.state_gates > 0
    model = ManyToOne(
        vocabulary=7,
        embedding=3,
        outputs=1,
        cell=cell,
        units=4,
        layers=2,
        bidirectional=True,
        dropout=0.25,
        recurrent_init="identity" if matrix else None,
    )
    layer = model.recurrent
    assert isinstance(layer, CELLS[cell])
    assert (layer.input_size, layer.hidden_size, layer.num_layers) == (3, 4, 2)
    assert layer.bidirectional
    assert layer.dropout == 0.25
    if matrix:
        assert torch.equal(layer.weight_hh_l1_reverse[:4], torch.eye(4))
    assert model.embedding.weight.shape == (7, 3)
    assert model.head.weight.shape == (1, 8)
    assert model(torch.zeros(2, 5, dtype=torch.int32)).shape == (2, 1)
    assert ManyToOne(inputs=3, outputs=1).embedding is None


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"cell": "lsmt"},
            "cell must be rnn, lstm, gru, indrnn, mingru, minlstm or slstm; "
            "got 'lsmt'. Did you mean 'lstm'?",
        ),
        ({"pooling": "avg"}, "pooling must be last, mean, max or attention; got 'avg'."),
        (
            {"inputs": None},
            "a model's input must be told by one of inputs=, vocabulary= and front=; got none.",
        ),
        (
            {"vocabulary": 9},
            "a model's input must be told by one of inputs=, vocabulary= and front=; got "
            "inputs and vocabulary.",
        ),
        ({"embedding_std": 0.0}, "embedding_std must be a number above 0; got 0.0."),
        (
            {"recurrent_init": "identiy"},
            "recurrent_init must be orthogonal or identity; got 'identiy'. Did you mean "
            "'identity'?",
        ),
    ],
)
def test_bad_arguments_are_one_sentence(options, sentence):
    with pytest.raises(InputError) as caught:
        ManyToOne(**({"inputs": 3, "outputs": 1} | options))
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("tokens", "sentence"),
    [
        (
            torch.tensor([[1, 7]]),
            "token ids must be between 0 and 6, the vocabulary's; got 1 to 7.",
        ),
        (
            torch.tensor([[-1, 2]]),
            "token ids must be between 0 and 6, the vocabulary's; got -1 to 2.",
        ),
        (
            torch.tensor([[1.0]]),
            "token ids must be integers; got torch.float32. Convert with .long().",
        ),
    ],
)
def test_token_ids_that_do_not_fit(tokens, sentence):
    with pytest.raises(InputError) as caught:
        ManyToOne(vocabulary=7, outputs=1)(tokens)
    assert str(caught.value) == sentence


def test_lengths_that_do_not_fit():
    with pytest.raises(InputError, match=r"^lengths must be between 0 and 5, .*; got 6 in row 1"):
        ManyToOne(inputs=3, outputs=1)(torch.zeros(2, 5, 3), [5, 6])


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
def test_the_two_directions_may_be_merged(pooling):
    model = ManyToOne(
        inputs=3, outputs=2, cell="lstm", units=4, bidirectional=True, merge="sum", pooling=pooling
    )
    assert model.head.weight.shape == (2, 4)
    assert model(torch.randn(2, 5, 3), [5, 2]).shape == (2, 2)


def test_each_step_may_have_an_answer_beside_the_one_of_all():
    outputs = {"label": 2}
    model = model_of("gru", "mean", outputs=outputs, steps={"tag": 3}, bidirectional=True).eval()
    x = torch.randn(4, 5, 3, dtype=torch.float64)
    found = model(x, LENGTHS)
    assert {name: each.shape for name, each in found.items()} == {"label": (4, 2), "tag": (4, 5, 3)}
    alone = model_of("gru", "mean", outputs=outputs, bidirectional=True).eval()
    alone.load_state_dict(model.state_dict(), strict=False)
    assert torch.equal(alone(x, LENGTHS)["label"], found["label"])
    for row, length in enumerate(LENGTHS):
        assert not found["tag"][row, length:].any()
        if length:
            assert torch.allclose(
                model(x[row : row + 1, :length])["tag"][0], found["tag"][row, :length]
            )


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"outputs": 2}, "outputs and steps must be dicts, of different names; got outputs 2"),
        ({"outputs": {"tag": 2}}, "got 'tag' twice"),
        ({"pooling": "last"}, "steps must be None where not all outputs are kept in place"),
        ({"segment": 2}, "got segment=2"),
        ({"front": Strided(3, 4), "inputs": None}, "must be of all time; got Strided"),
        ({"steps": {"tag": 0}}, "outputs\\['tag'\\] must be"),
    ],
)
def test_steps_that_cannot_be_answered_are_refused(given, wrong):
    plain = {"inputs": 3, "outputs": {"label": 2}, "steps": {"tag": 2}, "pooling": "mean"}
    with pytest.raises(InputError, match=wrong):
        ManyToOne(**{**plain, **given})
