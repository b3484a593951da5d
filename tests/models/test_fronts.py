"""Fronts: what every one promises, each against plain loops, and in the models."""

from __future__ import annotations

import math

import pytest
import torch
from tests.models.learning import filled, written

import recur
from recur.diagnostics import integrated_gradients, occlusion
from recur.diagnostics.activity import activity
from recur.messages import InputError
from recur.models import CTC, EncoderDecoder, ManyToMany, ManyToOne, OneToMany
from recur.models.fronts import (
    Bags,
    Cells,
    Columns,
    Evidence,
    Features,
    Frames,
    Strided,
    Tokens,
    TokensAndPairs,
    WordsAndCharacters,
    convolutions,
)

LENGTHS = [7, 3, 0, 6]
DOUBLE = torch.float64


def words(rows=4, time=7, letters=4):
    """Words from 1 to 5 with their characters, from 1 to 3; some have none."""
    spellings = torch.tensor([[1, 2, 3, 1], [2, 0, 0, 0], [3, 3, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0]])
    which = torch.randint(0, 5, (rows, time))
    return torch.cat([which.unsqueeze(-1) + 1, spellings[which][..., :letters]], dim=-1)


def said():
    """What tokens say is 0 at the start, which shows no gradient."""
    front = Evidence(7, 5, 2, nothing=2)
    torch.nn.init.normal_(front.evidence.weight)
    return front


def numbers(*shape):
    return lambda: torch.randn(4, 7, *shape, dtype=DOUBLE)


def bytes_of(*shape):
    return lambda: torch.randint(0, 256, (4, 7, *shape), dtype=torch.uint8)


def cells():
    return Cells(torch.nn.Sequential(*convolutions(1, (2, 3), (2, 1))), (1, 5, 6), 4)


# name: (how it is made, what it reads, what stands beyond a length, how much shorter time gets)
FRONTS = {
    "tokens": (lambda: Tokens(7, 5), lambda: torch.randint(1, 7, (4, 7)), 3, 1),
    "pairs": (
        lambda: TokensAndPairs(7, [(a, b) for a in (1, 2, 3) for b in range(7)], 5),
        lambda: torch.randint(1, 7, (4, 7)),
        3,
        1,
    ),
    "evidence": (said, lambda: torch.randint(1, 7, (4, 7)), 3, 1),
    "bags": (lambda: Bags(7, 5), lambda: torch.randint(0, 7, (4, 7, 3)), 3, 1),
    "words": (lambda: WordsAndCharacters(6, 4, size=3, units=2), words, 2, 1),
    "features": (lambda: Features(3), numbers(3), math.nan, 1),
    "strided": (lambda: Strided(3, 5), numbers(3), math.nan, 2),
    "strided, even": (
        lambda: Strided(3, 5, width=4, stride=(3, 2), layers=2),
        numbers(3),
        math.nan,
        6,
    ),
    "strided, by one": (lambda: Strided(3, 5, width=3, stride=1), numbers(3), math.nan, 1),
    "frames": (lambda: Frames((5, 6), 4, filters=(2, 3)), numbers(5, 6), math.nan, 1),
    "frames, bytes": (
        lambda: Frames((3, 5, 6), 4, filters=(2,)),
        bytes_of(3, 5, 6),
        9,
        1,
    ),
    "cells": (cells, numbers(1, 5, 6), math.nan, 1 / 9),
    "cells, one of bytes": (
        lambda: Cells(torch.nn.Flatten(), (3, 2, 2), 4),
        bytes_of(3, 2, 2),
        9,
        1,
    ),
    "columns": (lambda: Columns(6, 4, filters=(2, 3), stride=2), numbers(6), math.nan, 4),
    "columns, colours": (
        lambda: Columns(5, 4, channels=3, filters=(2, 3), stride=(2, 1)),
        bytes_of(3, 5),
        9,
        2,
    ),
}


@pytest.fixture(params=FRONTS)
def case(request):
    torch.manual_seed(2)
    make, read, beyond, shorter = FRONTS[request.param]
    return make().double(), read(), beyond, shorter


def test_time_and_size_are_as_it_says(case):
    front, x, _, shorter = case
    full, none = front(x)
    assert full.shape == (4, math.ceil(7 / shorter), front.size)
    assert none is None
    features, lengths = front(x, LENGTHS)
    assert features.shape == full.shape
    assert list(map(int, lengths)) == [math.ceil(n / shorter) for n in LENGTHS]
    assert front.aligned == (shorter == 1 and not isinstance(front, Cells))


def test_a_row_knows_of_no_neighbour_and_of_no_padding(case):
    front, x, beyond, _ = case
    for row, length in enumerate(LENGTHS):
        x[row, length:] = beyond
    wider = torch.cat([x, torch.full_like(x[:, :5], beyond)], dim=1)
    for given in (x, wider):
        features, lengths = front(given, LENGTHS)
        for row, length in enumerate(LENGTHS):
            alone = front(x[row : row + 1, :length])[0][0]
            assert len(alone) == lengths[row]
            torch.testing.assert_close(features[row, : len(alone)], alone)


def test_gradients_reach_every_parameter_and_are_finite(case):
    front, x, beyond, _ = case
    for row, length in enumerate(LENGTHS):
        x[row, length:] = beyond
    if not list(front.parameters()):
        return
    features, lengths = front(x, LENGTHS)
    exists = torch.arange(features.shape[1]) < torch.as_tensor(lengths).unsqueeze(1)
    features[exists].square().sum().backward()
    for name, weight in front.named_parameters():
        if not weight.requires_grad:  # the table of n-grams, which is fitted in another way
            assert isinstance(front, Evidence)
            continue
        assert weight.grad.isfinite().all(), name
        assert weight.grad.any(), name


def test_nothing_to_read(case):
    front, x, _, shorter = case
    assert front(x[:0])[0].shape == (0, math.ceil(7 / shorter), front.size)
    empty, lengths = front(x[:, :0], [0] * 4)
    assert empty.shape == (4, 0, front.size)
    assert list(map(int, lengths)) == [0] * 4


def test_a_step_that_is_read_alone_is_the_same(case):
    """What `alone` says."""
    front, x, _, _ = case
    if front.alone:
        apart = torch.cat([front(x[:, t : t + 1])[0] for t in range(7)], dim=1)
        torch.testing.assert_close(apart, front(x)[0])


def test_a_cell_is_what_was_found_there_and_where_it_lies():
    front = Cells(torch.nn.Identity(), (3, 2, 4), 5).double()
    assert front.grid == (2, 4)
    x = torch.randn(2, 1, 3, 2, 4, dtype=DOUBLE)
    found, _ = front(x)
    for row, column in ((0, 0), (0, 3), (1, 1)):
        step = 4 * row + column
        want = front.linear(x[1, 0, :, row, column]) + front.places[step]
        torch.testing.assert_close(found[1, step], want.relu())


def test_a_frozen_network_is_as_it_was_whatever_is_trained():
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 2), torch.nn.BatchNorm2d(2))
    front = Cells(network, (3, 4, 4), 5, frozen=True)
    front.train()
    assert (front.training, network[1].training) == (True, False)
    x = torch.randn(2, 1, 3, 4, 4)
    front(x)[0].sum().backward()
    assert network[0].weight.grad is None
    assert front.linear.weight.grad.any()
    assert not network[1].running_mean.any()
    # Any other one learns, and making the front has left it as it was.
    network.train()
    network[1].eval()
    free = Cells(network, (3, 4, 4), 5)
    assert (network.training, network[1].training) == (True, False)
    free(x)[0].sum().backward()
    assert network[0].weight.grad.any()


def test_strided_convolutions_by_hand():
    front = Strided(2, 3, width=4, stride=3).double()
    x = torch.randn(1, 8, 2, dtype=DOUBLE)
    weight, bias = front.layers[0].weight, front.layers[0].bias
    found, lengths = front(x, [7])
    assert lengths.tolist() == [3]
    for t in range(3):
        # The window begins one step before t * 3; only 7 steps exist.
        seen = [(k, t * 3 - 1 + k) for k in range(4) if 0 <= t * 3 - 1 + k < 7]
        want = bias + sum(weight[:, :, k] @ x[0, s] for k, s in seen)
        torch.testing.assert_close(found[0, t], want.relu())


def test_a_token_has_the_vector_of_the_pair_that_it_ends_too():
    front = TokensAndPairs(7, [(5, 2), (1, 6), (1, 2)], 3, std=0.1).double()
    assert front.embedding.weight.std() < 0.3
    rows = {(1, 2): 1, (1, 6): 2, (5, 2): 3}  # in ascending order
    x = torch.tensor([[1, 2, 5, 2, 1], [6, 1, 6, 5, 3]])
    found, _ = front(x)
    for row in range(2):
        for t in range(5):
            want = front.embedding.weight[x[row, t]].clone()
            pair = (int(x[row, t - 1]), int(x[row, t])) if t else None
            if pair in rows:
                want += front.paired.weight[rows[pair]]
            torch.testing.assert_close(found[row, t], want)
    found.sum().backward()
    assert not front.paired.weight.grad[0].any()  # no pair learns nothing
    assert torch.equal(TokensAndPairs(7, [], 3)(x)[0].isfinite(), torch.ones(2, 5, 3).bool())


def test_tokens_and_pairs_are_dropped_apart():
    front = TokensAndPairs(2, [(1, 1)], 4, dropout=0.5)
    with torch.no_grad():
        front.embedding.weight.fill_(1)
        front.paired.weight.fill_(10)
    found = front(torch.ones(50, 20, dtype=torch.long))[0][:, 1:]
    assert set(found.unique().tolist()) == {0, 2, 20, 22}  # whole vectors, each by itself
    assert (found == found[..., :1]).all()
    assert front.eval()(torch.ones(1, 2, dtype=torch.long))[0][0, 1].tolist() == [11] * 4


def test_a_word_is_its_vector_beside_the_ends_of_its_spelling():
    front = WordsAndCharacters(6, 4, size=3, units=2).double()
    x = words()
    found, _ = front(x)
    for row, t in ((0, 0), (1, 4), (3, 6)):
        word, *letters = x[row, t].tolist()
        letters = [letter for letter in letters if letter]
        spelt = torch.zeros(4, dtype=DOUBLE)
        if letters:
            outputs = front.recurrent.double()
            spelt = outputs(front.characters(torch.tensor([letters])))[0]
        torch.testing.assert_close(found[row, t], torch.cat([front.words.weight[word], spelt]))


def test_a_token_says_its_row_by_the_logarithm_of_its_count():
    front = said().double()
    front.scale.fill_(3)
    found, _ = front(torch.tensor([[5, 4, 1, 5, 5, 4, 6]]), [6])
    five, four = 1 + math.log(3), 1 + math.log(2)
    length = math.hypot(five, four)
    table = front.evidence.weight
    want = 3 * (five * table[5] + four * table[4]) / length
    torch.testing.assert_close(found[0, :6, 5:].sum(dim=0), want)
    torch.testing.assert_close(found[0, 0, 5:], 3 * five / 3 * table[5] / length)
    assert not found[0, 2, 5:].any()  # no word
    assert not front(torch.tensor([[1, 0]]))[0][..., 5:].any()


def test_a_bag_is_the_sum_of_its_vectors_and_none_adds_nothing():
    front = Bags(7, 5, unknown=[[6, 5]], dropout=0.5).double()
    x = torch.tensor([[[2, 3]], [[4, 0]], [[0, 0]]])
    rows = front.vectors.weight
    found = front.eval()(x)[0]
    want = torch.stack([rows[2] + rows[3], rows[4], torch.zeros(5, dtype=DOUBLE)])
    torch.testing.assert_close(found[:, 0], want)
    there = (x != 0).unsqueeze(-1)
    torch.testing.assert_close(front(front.vectors(x) * there)[0], found)
    many = front.train()(x[:1].expand(1000, 1, 2))[0][:, 0]
    hidden = (many == rows[6] + rows[5]).all(-1).double().mean()
    assert 0.2 < hidden < 0.3
    assert (front(x[2:])[0] == 0).all()
    for wrong in (torch.tensor([[[7, 0]]]), torch.tensor([[1, 2]]), x > 1):
        with pytest.raises(InputError):
            front.eval()(wrong)


def test_a_spelling_is_walked_once():
    front = WordsAndCharacters(6, 4, size=3, units=2)
    seen = []
    front.recurrent.register_forward_pre_hook(lambda module, given: seen.append(given[0].shape))
    front(words(rows=30, time=20))
    assert seen[0][0] <= 5


def test_words_are_read_as_unknown_now_and_then():
    front = WordsAndCharacters(6, 4, size=3, units=2, word_dropout=0.5, unknown=5)
    x = words(50, 20)
    x[..., 0] = 1
    dropped = (front(x)[0][..., :3] == front.words.weight[5]).all(-1)
    assert 0.4 < dropped.double().mean() < 0.6
    assert (front.eval()(x)[0][..., :3] == front.words.weight[1]).all()


def test_only_frames_that_exist_are_seen():
    front = Frames((5, 6), 4, filters=(2,))
    seen = []
    front.network.register_forward_pre_hook(lambda module, given: seen.append(given[0].shape))
    features, _ = front(torch.rand(4, 7, 5, 6), LENGTHS)
    assert tuple(seen[0]) == (sum(LENGTHS), 1, 5, 6)
    assert (features[1, 3:] == 0).all()


def test_bytes_are_numbers_from_0_to_1():
    front = Frames((5, 6), 4, filters=(2,))
    x = torch.randint(0, 256, (2, 3, 5, 6), dtype=torch.uint8)
    assert torch.equal(front(x)[0], front(x.float() / 255)[0])
    assert torch.equal(front(x.long())[0], front(x)[0])


# --- in the models ---


def test_the_plain_ways_are_fronts():
    """The same weights, the same scores."""
    for short, front, x in (
        ({"vocabulary": 7, "embedding": 4}, Tokens(7, 4), torch.randint(0, 7, (4, 7))),
        ({"inputs": 3}, Features(3), torch.randn(4, 7, 3)),
    ):
        for kind in (ManyToOne, ManyToMany):
            plain = kind(**short, outputs=2, units=4)
            other = kind(front=front, outputs=2, units=4)
            state = plain.state_dict()
            if "embedding.weight" in state:
                state["front.embedding.weight"] = state.pop("embedding.weight")
            other.load_state_dict(state)
            assert torch.equal(other(x, LENGTHS), plain(x, LENGTHS))


TARGETS = filled([[1, 2, 3], [0, 4], [5], [1]])


def test_every_model_takes_every_front(case):
    front, x, beyond, shorter = case
    for row, length in enumerate(LENGTHS):
        x[row, length:] = beyond
    wider = torch.cat([x, torch.full_like(x[:, :5], beyond)], dim=1)
    options = {"front": front, "units": 4, "cell": "gru"}
    models = [
        (ManyToOne(outputs=2, pooling="attention", **options), {}, (4, 2)),
        (CTC(labels=2, **options), {}, (4, math.ceil(7 / shorter), 3)),
        (EncoderDecoder(vocabulary=7, **options), {"targets": TARGETS}, (4, 3, 7)),
    ]
    if front.aligned:
        models.append((ManyToMany(outputs=2, **options), {}, (4, 7, 2)))
    for model, more, shape in models:
        model.double().eval()
        scores = model(x, LENGTHS, **more)
        assert scores.shape == shape
        again = model(wider, LENGTHS, **more)
        torch.testing.assert_close(again[:, : shape[1]], scores)
    assert models[2][0].generate(x, LENGTHS, max_steps=3).tokens.shape[0] == 4


def test_ctc_counts_the_steps_that_are_left():
    model = CTC(front=Strided(3, 6, stride=2, layers=2), labels=2, units=4).double()
    x = torch.randn(4, 13, 3, dtype=DOUBLE)
    log_probs = model(x, [13, 5, 1, 8])
    assert log_probs.shape == (4, 4, 3)
    assert (log_probs[..., 0] == 0).sum(dim=1).tolist() == [0, 2, 3, 2]
    loss = model.loss(log_probs, filled([[1, 2, 1], [1, 2], [2], [1]]))
    assert loss.isfinite()
    with pytest.raises(InputError, match="got 2 labels for 2 steps in row 1"):
        model.loss(log_probs, filled([[1, 2, 1], [1, 1], [2], [1]]))
    model.eval()
    for width in (None, 3):
        together = model.transcribe(x, [13, 5, 1, 8], width=width)
        for row, length in enumerate([13, 5, 1, 8]):
            one = model.transcribe(x[row : row + 1, :length], width=width)
            assert one.lengths.tolist() == together.lengths[row : row + 1].tolist()
            torch.testing.assert_close(one.scores[0], together.scores[row])


def test_time_is_not_shortened_where_every_step_is_answered():
    with pytest.raises(InputError) as caught:
        ManyToMany(front=Strided(3, 5), outputs=2)
    assert str(caught.value) == (
        "a front for an answer at every step must be of all time; got Strided, which shortens it. "
        "Take a stride of 1, or recur.CTC, whose targets follow no step."
    )


def test_a_front_that_looks_at_neighbours_reads_no_pieces():
    model = ManyToMany(front=Strided(3, 5, width=3, stride=1), outputs=2, units=4)
    x = torch.randn(2, 6, 3)
    _, state = model(x, return_state=True)
    for given in ({"state": state}, {"reset": torch.zeros(2, 6, dtype=torch.bool)}):
        with pytest.raises(InputError, match="must be left out with such a front; got one for Str"):
            model(x, **given)


def test_a_picture_starts_a_sequence():
    model = OneToMany(front=Frames((6, 6), 4, filters=(2,)), vocabulary=7, condition="both")
    x = torch.randint(0, 256, (3, 6, 6), dtype=torch.uint8)
    scores = model(x, TARGETS[:3])
    assert scores.shape == (3, 3, 7)
    scores.square().sum().backward()
    assert all(weight.grad.any() for weight in model.parameters())
    one = model.eval().generate(x[:1], max_steps=4)
    assert torch.equal(one.tokens, model.generate(x, max_steps=4).tokens[:1])


def test_a_language_model_over_a_front_writes():
    model = ManyToMany(front=Tokens(7, 4, std=0.1), outputs=7, units=4, tied=True).eval()
    assert model.head.weight is model.front.embedding.weight
    found = model.generate([[1, 2], [3]], max_steps=4, never=[0])
    assert found.tokens.shape == (2, 4)
    assert not (found.tokens == 0).any()


def test_several_answers_a_word():
    """A tagger: words and characters, both ways, three kinds of tags."""
    tags = {"upos": 3, "train": 2, "a.b": 4}
    model = ManyToMany(
        front=WordsAndCharacters(6, 4, size=3, units=2),
        outputs=tags,
        units=4,
        bidirectional=True,
        layers=2,
        dropout=0.3,
        embedding_dropout=0.0,
    ).double()
    x = words()
    model.eval()
    scores = model(x, LENGTHS)
    assert {name: tuple(each.shape) for name, each in scores.items()} == {
        name: (4, 7, n) for name, n in tags.items()
    }
    for each in scores.values():
        assert (each[1, 3:] == 0).all()
    torch.testing.assert_close(model(x[1:2, :3])["a.b"], scores["a.b"][1:2, :3])
    other = ManyToOne(inputs=3, outputs=tags, units=4)
    assert other(torch.randn(2, 5, 3))["train"].shape == (2, 2)
    with pytest.raises(InputError, match=r"^outputs\['x'\] must be a whole number of at least 1"):
        ManyToMany(inputs=3, outputs={"x": 0})


# --- what goes on inside ---


def explained(name):
    make, read, _, _ = FRONTS[name]
    torch.manual_seed(4)
    return ManyToOne(front=make(), outputs=2, units=4).double(), read()[0]


@pytest.mark.parametrize("name", FRONTS)
def test_every_step_of_what_is_read_gets_its_share(name):
    model, x = explained(name)
    if name in ("columns, colours", "cells, one of bytes"):
        x = x.double() / 255  # of whole numbers nothing is left to be explained
    found = integrated_gradients(model, x, steps=200)
    assert len(found.values) == len(x)
    assert found.error == pytest.approx(0, abs=0.02)
    assert len(occlusion(model, x).values) == len(x)


def test_the_vectors_of_a_front_are_those_of_the_table():
    model, x = explained("tokens")
    plain = ManyToOne(vocabulary=7, embedding=5, outputs=2, units=4).double()
    state = model.state_dict()
    state["embedding.weight"] = state.pop("front.embedding.weight")
    plain.load_state_dict(state)
    assert integrated_gradients(model, x) == integrated_gradients(plain, x)


def test_only_layers_whose_rows_are_the_batch_s_are_watched():
    model = ManyToMany(front=WordsAndCharacters(6, 4, size=3, units=2), outputs=2, units=4)
    x = words()
    (only,) = activity(model, recur.Batch(x, torch.tensor(LENGTHS), None), row=3)
    assert only.states["h"].shape == (6, 4)
    assert len(recur.diagnose(model, x).flows) == 1


def test_how_a_decoder_begins_and_what_it_never_writes():
    """From the mean of what the encoder gave; a wide beam over sources of unequal length."""
    model = EncoderDecoder(
        vocabulary=7,
        source_vocabulary=7,
        units=4,
        layers=2,
        cell="lstm",
        bridge="mean",
        end=0,
        dropout=0.5,
        embedding_dropout=0.0,
    ).double()
    model.eval()
    x = torch.randint(1, 7, (4, 7))
    state = model.encode(x, LENGTHS)[0]
    outputs = model.encoder(model.embedding(x), lengths=LENGTHS)[0]
    for row, length in enumerate(LENGTHS):
        mean = outputs[row, :length].mean(0) if length else torch.zeros(8, dtype=DOUBLE)
        for n, part in enumerate(state.hidden):
            for layer in range(2):
                want = model.bridge[2 * n + layer](mean)
                torch.testing.assert_close(part[row, layer], want if n else want.tanh())
    how = {"max_steps": 5, "search": "beam", "width": 12, "never": [1, 3]}
    together = model.generate(x, LENGTHS, **how)
    assert together.tokens.shape[:2] == (4, 12)
    assert not ((together.tokens == 1) | (together.tokens == 3)).any()
    for row, length in enumerate(LENGTHS):
        alone = model.generate(x[row : row + 1, :length], **how)
        assert written(alone) == written(together)[row : row + 1]
        torch.testing.assert_close(alone.scores[0], together.scores[row])
    one_way = EncoderDecoder(vocabulary=7, inputs=3, bidirectional=False, bridge="mean", units=4)
    one_way(torch.randn(4, 7, 3), LENGTHS, TARGETS).sum().backward()
    assert one_way.bridge[0].weight.grad.any()
    with pytest.raises(InputError, match="never bars every token"):
        model.generate(x, max_steps=2, never=range(7))


def _dropped(model):
    parts = {n.rpartition(".")[2]: m.p for n, m in model.named_modules() if hasattr(m, "p")}
    for own in ("encoding_dropout", "front_dropout"):  # each has a share of its own
        assert parts.pop(own, 0.0) == 0.0
    return parts


def test_dropout_of_what_is_read_apart_from_the_rest():
    for make in (
        lambda **how: ManyToOne(vocabulary=7, outputs=2, **how),
        lambda **how: ManyToMany(vocabulary=7, outputs=2, **how),
        lambda **how: EncoderDecoder(vocabulary=7, source_vocabulary=7, **how),
        lambda **how: OneToMany(inputs=3, vocabulary=7, **how),
    ):
        model = make(dropout=0.5, embedding_dropout=0.0)
        assert _dropped(model) == {"input_dropout": 0.0, "dropout": 0.5}
        assert set(_dropped(make(dropout=0.5)).values()) == {0.5}
        with pytest.raises(InputError, match="embedding_dropout must be from 0 to 1"):
            make(embedding_dropout=2)


def test_one_to_many_takes_what_every_task_has():
    from recur.tasks.options import Options

    model = OneToMany(inputs=3, vocabulary=7, **Options(recurrent_init="identity").recurrent())
    assert torch.equal(model.decoder.recurrent.weight_hh_l0, torch.eye(32))


def test_lengths_say_nothing_of_outputs_that_follow_no_step():
    """Two sequences of two steps at most, two labels each: both count, whatever the lengths."""
    model = ManyToOne(inputs=3, outputs=2, units=4)
    x, y = torch.randn(2, 2, 3), torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    scores = model(x, [1, 2])
    want = torch.nn.functional.binary_cross_entropy_with_logits(scores, y)
    found = recur.evaluate(model, x, y, lengths=[1, 2], loss="binary_crossentropy_with_logits")
    assert found["loss"] == pytest.approx(want.item())


BAD = {
    "a class": (lambda: ManyToOne(front=Tokens, outputs=2), "front must be one of recur.models."),
    "two ways": (
        lambda: ManyToOne(front=Tokens(3, 2), inputs=3, outputs=2),
        "a model's input must be told by one of inputs=, vocabulary= and front=; got inputs and f",
    ),
    "size": (lambda: Tokens(7, 0), "size must be a whole number of at least 1; got 0."),
    "a pair twice": (
        lambda: TokensAndPairs(7, [(1, 2), (1, 2)], 2),
        "pairs must be different ones; got 1 twice.",
    ),
    "pairs": (
        lambda: TokensAndPairs(7, [(1, 7)], 2),
        "pairs must be of tokens between 0 and 6; got 1 to 7.",
    ),
    "std": (lambda: Tokens(7, 2, std=0), "std must be a number above 0; got 0."),
    "strides": (lambda: Strided(3, 5, stride=(2, 2)), "stride must be one number, or one for each"),
    "no stride": (lambda: Strided(3, 5, stride=0), "stride must be a whole number of at least 1"),
    "a shape": (lambda: Frames((3,), 5), "the frames' shape must be (channels, height, width) or"),
    "frames": (
        lambda: Frames((3, 4), 5)(torch.zeros(1, 2, 4, 3)),
        "x must be frames (batch, time, 3, 4); got the shape (1, 2, 4, 3).",
    ),
    "columns": (
        lambda: Columns(6, 5)(torch.zeros(1, 2, 5)),
        "x must be pictures (batch, width, 1, 6); got the shape (1, 2, 5).",
    ),
    "no characters": (
        lambda: WordsAndCharacters(6, 4)(torch.ones(1, 2, 1, dtype=torch.long)),
        "words and their characters must be (batch, time, 1 + C); got the shape (1, 2, 1).",
    ),
    "gaps": (
        lambda: WordsAndCharacters(6, 4)(torch.tensor([[[1, 1, 0, 1]]])),
        "characters of 0 must be only at the ends of words; got others. Fill up words at their en",
    ),
    "characters": (
        lambda: WordsAndCharacters(6, 4)(torch.tensor([[[1, 4]]])),
        "characters must be between 0 and 3, the vocabulary's; got 4 to 4.",
    ),
    "words": (
        lambda: WordsAndCharacters(6, 4)(torch.tensor([[[6, 1]]])),
        "words must be between 0 and 5, the vocabulary's; got 6 to 6.",
    ),
    "unknown": (lambda: WordsAndCharacters(6, 4, word_dropout=0.1), "word_dropout needs unknown:"),
    "lengths": (
        lambda: Strided(3, 5)(torch.zeros(1, 2, 3), [3]),
        "lengths must be between 0 and 2, the steps of the padded input; got 3 in row 0.",
    ),
    "a vector's front": (
        lambda: OneToMany(vocabulary=7),
        "a model's input must be told by one of inputs= and front=; got none.",
    ),
    "bridge": (
        lambda: EncoderDecoder(vocabulary=7, inputs=3, bridge="men"),
        "bridge must be last or mean; got 'men'. Did you mean 'mean'?",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(name):
    call, sentence = BAD[name]
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value).startswith(sentence)
