"""Many-to-many, aligned: each row alone, tied weights, state in pieces, texts continued."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import recur
from recur.data.sequences import Sequences
from recur.messages import InputError
from recur.models import ManyToMany
from recur.models.deep import CELLS, by_row

LENGTHS = [5, 2, 0, 4]


@pytest.fixture(params=CELLS)
def cell(request):
    return request.param


@pytest.fixture(params=[False, True], ids=["plain", "residual"])
def residual(request):
    return request.param


@pytest.mark.parametrize("bidirectional", [False, True], ids=["one way", "both ways"])
def test_each_row_is_walked_alone(cell, residual, bidirectional):
    model = ManyToMany(
        outputs=2,
        inputs=3,
        cell=cell,
        units=4,
        layers=2,
        residual=residual,
        bidirectional=bidirectional,
    ).double()
    x = torch.randn(4, 5, 3, dtype=torch.float64)
    for row, length in enumerate(LENGTHS):
        x[row, length:] = torch.nan
    scores = model(x, LENGTHS)
    assert scores.shape == (4, 5, 2)
    for row, length in enumerate(LENGTHS):
        assert (scores[row, length:] == 0).all()
        if length:
            torch.testing.assert_close(
                scores[row : row + 1, :length], model(x[row : row + 1, :length])
            )


def test_in_pieces_with_the_state_handed_on(cell, residual):
    model = ManyToMany(
        outputs=9, vocabulary=9, cell=cell, units=4, layers=3, residual=residual
    ).double()
    x = torch.randint(0, 9, (2, 7))
    whole, final = model(x, return_state=True)
    first, state = model(x[:, :3], return_state=True)
    second, state = model(x[:, 3:], state=state, return_state=True)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
    for a, b in zip(state, final, strict=True):
        torch.testing.assert_close(a, b)


def test_reset_begins_anew(cell, residual):
    model = ManyToMany(outputs=2, vocabulary=9, cell=cell, layers=2, residual=residual).double()
    x = torch.randint(0, 9, (1, 6))
    reset = torch.zeros(1, 6, dtype=torch.bool)
    reset[0, 4] = True
    torch.testing.assert_close(model(x, reset=reset)[:, 4:], model(x[:, 4:]))


def test_tied_weights_are_one():
    model = ManyToMany(outputs=9, vocabulary=9, units=4, tied=True)
    assert model.head.weight is model.embedding.weight
    assert model.head.weight.abs().max() <= 0.1
    assert sum(p.numel() for p in model.parameters()) == 9 * 4 + 9 + 4 * (4 + 4 + 2)
    with torch.no_grad():
        model.embedding.weight[3] = 5.0
    other = ManyToMany(outputs=9, vocabulary=9, units=4, tied=True)
    other.load_state_dict(model.state_dict())
    x = torch.randint(0, 9, (2, 5))
    assert torch.equal(other(x), model(x))
    assert other.head.weight is other.embedding.weight


def turned(n=300, seed=0):
    """Tags: is this token higher than the one before it?"""
    rng = np.random.default_rng(seed)
    x = [rng.integers(0, 6, rng.integers(2, 8)) for _ in range(n)]
    y = np.full((n, 8), -100)
    for row, tokens in enumerate(x):
        y[row, 0], y[row, 1 : len(tokens)] = 0, tokens[1:] > tokens[:-1]
    return Sequences(_padded(x, 8), y, lengths=[len(row) for row in x])


def _padded(rows, width):
    x = np.zeros((len(rows), width), dtype=np.int64)
    for n, row in enumerate(rows):
        x[n, : len(row)] = row
    return x


def test_it_learns_to_tag(residual):
    model = ManyToMany(outputs=2, vocabulary=6, cell="gru", units=16, layers=2, residual=residual)
    options = {"loss": "cross_entropy", "metrics": ["accuracy"]}
    recur.fit(model, turned(), **options, epochs=12, learning_rate=0.01, progress=False)
    test = turned(60, seed=1)
    assert recur.evaluate(model, test, **options)["accuracy"] > 0.97
    assert recur.predict(model, test).shape == (60, 8, 2)


def test_targets_of_unequal_sequences_count_once_for_each_step_that_exists():
    """As a list of its own for each sequence, or in one padded array: the same loss and weights."""
    generator = torch.Generator().manual_seed(0)
    lengths = [5, 2, 4, 1, 3]
    x = [torch.randn(n, 3, generator=generator) for n in lengths]
    y = [(torch.rand(n, 2, generator=generator) > 0.5).float() for n in lengths]
    padded = Sequences(*(torch.nn.utils.rnn.pad_sequence(part, True) for part in (x, y)),
                       lengths=lengths)  # fmt: skip
    found = []
    for data in (Sequences(x, y), padded):
        torch.manual_seed(0)
        model = ManyToMany(outputs=2, inputs=3, cell="gru", units=4)
        given = {"loss": "binary_crossentropy_with_logits", "batch_size": 2}
        outputs = [model(each[None])[0] for each in x]
        expected = torch.nn.functional.binary_cross_entropy_with_logits(
            torch.cat(outputs), torch.cat(y)
        )
        loss = recur.evaluate(model, data, **given)["loss"]
        assert loss == pytest.approx(expected.item(), rel=1e-5)
        history = recur.fit(model, data, **given, epochs=2, seed=0, progress=False)
        found.append((history.loss, [p.detach().clone() for p in model.parameters()]))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    for one, other in zip(found[0][1], found[1][1], strict=True):
        assert torch.allclose(one, other, atol=1e-5)


@pytest.fixture(scope="module")
def counter():
    """A language model of 0 1 2 3 4 0 1 ...: where to go on can be told from the last token."""
    torch.manual_seed(0)
    model = ManyToMany(outputs=5, vocabulary=5, cell="gru", units=16, layers=2, tied=True)
    text = torch.arange(200).reshape(20, 10) % 5
    recur.fit(
        model,
        text[:, :-1],
        text[:, 1:],
        loss="cross_entropy",
        epochs=60,
        learning_rate=0.02,
        progress=False,
        seed=0,
    )
    return model.eval()


@pytest.mark.parametrize(
    "how", [{}, {"search": "beam", "width": 3}, {"search": "sample", "top_k": 1}]
)
def test_a_text_is_continued(counter, how):
    prompt = torch.tensor([[0, 1, 2], [3, 4, -7], [1, -7, -7]]).clamp(min=0)
    found = counter.generate(prompt, [3, 2, 1], max_steps=6, **how)
    tokens = found.tokens.reshape(3, -1, 6)[:, 0].tolist()
    assert tokens == [[3, 4, 0, 1, 2, 3], [0, 1, 2, 3, 4, 0], [2, 3, 4, 0, 1, 2]]


def test_a_text_ends(counter):
    found = counter.generate(torch.tensor([[0, 1], [3, 4]]), max_steps=9, end=4)
    assert found.lengths.tolist() == [2, 4]
    assert found.tokens.tolist() == [[2, 3, 4, 4], [0, 1, 2, 3]]


def test_scores_are_those_of_the_whole_text(cell, residual):
    model = ManyToMany(
        outputs=7, vocabulary=7, cell=cell, units=5, layers=2, residual=residual
    ).double()
    prompt = torch.randint(0, 7, (3, 4))
    for how in ({}, {"search": "beam", "width": 3}, {"search": "sample"}):
        found = model.generate(prompt, max_steps=5, **how)
        tokens, scores = found.tokens.reshape(3, -1, 5)[:, 0], found.scores.reshape(3, -1)[:, 0]
        whole = torch.cat([prompt, tokens], dim=1)
        log_probs = model(whole).log_softmax(-1)[:, 3:-1]
        want = log_probs.gather(2, tokens.unsqueeze(2)).sum((1, 2))
        torch.testing.assert_close(scores, want)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("lengths", [None, [1203, 0, 500], [1, 501, 1000]])
def test_what_is_remembered_is_the_state(cell, lengths):
    """However many pieces it takes."""
    model = ManyToMany(vocabulary=7, outputs=7, cell=cell, units=4, layers=2).double()
    x = torch.randint(0, 7, (3, 1203), generator=torch.Generator().manual_seed(0))
    _, want = model(x, lengths, return_state=True)
    got = model.remember(x, lengths)
    for one, other in zip(by_row(got), by_row(want), strict=True):
        torch.testing.assert_close(one, other)
    assert all(part.shape[1] == 2 for part in by_row(model.remember(x[:, :0])))


@pytest.mark.parametrize("search", ["greedy", "beam", "sample"])
def test_a_text_goes_on_from_a_state(search):
    """As if what is remembered stood before the prompt."""
    model = ManyToMany(vocabulary=7, outputs=7, cell="lstm", units=8).double().eval()
    x = torch.randint(0, 7, (3, 6), generator=torch.Generator().manual_seed(1))
    how = {"search": search, "max_steps": 5} | ({"width": 2} if search == "beam" else {})
    found = []
    for prompt, state in ((x, None), (x[:, 4:], model.remember(x[:, :4]))):
        chance = {"generator": torch.Generator().manual_seed(2)} if search == "sample" else {}
        found.append(model.generate(prompt, state=state, **how, **chance))
    assert torch.equal(found[0].tokens, found[1].tokens)
    torch.testing.assert_close(found[0].scores, found[1].scores)


def test_tokens_that_are_never_written():
    model = ManyToMany(vocabulary=4, outputs=4, units=8).eval()
    prompt = torch.tensor([[0]])
    found = model.generate(prompt, max_steps=2, search="beam", width=16, never=[0, 3])
    written = {tuple(tokens) for tokens in found.tokens[0][: 2 * 2].tolist()}
    assert written == {(1, 1), (1, 2), (2, 1), (2, 2)}
    assert found.scores[0, :4].exp().sum().item() == pytest.approx(1, abs=1e-6)
    assert (found.scores[0, 4:] == -torch.inf).all()
    for never, sentence in (
        ([4], r"^never must be tokens from 0 to 3; got 4\."),
        ([-1], r"^never must be a whole number of at least 0; got -1\."),
        ([0, 1, 2, 3], r"^never bars every token"),
    ):
        with pytest.raises(InputError, match=sentence):
            model.generate(prompt, max_steps=2, never=never)


def test_a_model_that_reads_from_the_end_remembers_nothing():
    model = ManyToMany(vocabulary=7, outputs=7, bidirectional=True)
    with pytest.raises(InputError, match="one of one direction"):
        model.remember(torch.zeros(1, 2, dtype=torch.long))


BAD = {
    "no input": (
        lambda: ManyToMany(outputs=2),
        "a model's input must be told by one of inputs=, vocabulary= and front=; got none.",
    ),
    "cell": (
        lambda: ManyToMany(outputs=2, inputs=3, cell="gur"),
        "cell must be rnn, lstm, gru, indrnn, mingru, minlstm or slstm; "
        "got 'gur'. Did you mean 'gru'?",
    ),
    "tied numbers": (
        lambda: ManyToMany(outputs=2, inputs=3, tied=True),
        "tied must be False where there is no vocabulary; got True.",
    ),
    "tied sizes": (
        lambda: ManyToMany(outputs=9, vocabulary=9, embedding=3, units=4, tied=True),
        "the embedding (vocabulary, size) of tied weights must be as the linear layer's (outputs, "
        "units), (9, 4); got (9, 3).",
    ),
    "generate numbers": (
        lambda: ManyToMany(outputs=3, inputs=3).generate(torch.zeros(1, 2, 3), max_steps=1),
        "a model that generates must be one that reads what it writes; got one of other inputs.",
    ),
    "generate both ways": (
        lambda: ManyToMany(outputs=3, vocabulary=3, bidirectional=True).generate(
            torch.zeros(1, 2, dtype=torch.long), max_steps=1
        ),
        "a model that generates must be one of one direction; got one of two.",
    ),
    "an empty prompt": (
        lambda: ManyToMany(outputs=3, vocabulary=3).generate(
            torch.zeros(2, 2, dtype=torch.long), [1, 0], max_steps=1
        ),
        "a prompt must be at least one token; got none in row 1. Begin with a token that starts "
        "a text.",
    ),
    "a prompt of no width": (
        lambda: ManyToMany(outputs=3, vocabulary=3).generate(
            torch.zeros(2, 0, dtype=torch.long), max_steps=1
        ),
        "a prompt must be at least one token; got none in row 0. Begin with a token that starts "
        "a text.",
    ),
    "unknown tokens": (
        lambda: ManyToMany(outputs=3, vocabulary=3).generate(torch.tensor([[1, 3]]), max_steps=1),
        "token ids must be between 0 and 2, the vocabulary's; got 1 to 3.",
    ),
    "a beam of 0": (
        lambda: ManyToMany(outputs=3, vocabulary=3).generate(
            torch.tensor([[1]]), max_steps=1, search="beam", width=0
        ),
        "width must be a whole number of at least 1; got 0.",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence(case):
    call, sentence = BAD[case]
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == sentence


@pytest.mark.parametrize("merge", ["sum", "mean", "mul"])
def test_the_two_directions_may_be_merged(merge):
    model = ManyToMany(inputs=3, outputs=2, cell="gru", units=4, bidirectional=True, merge=merge)
    assert model.head.weight.shape == (2, 4)
    assert model(torch.randn(2, 5, 3), [5, 2]).shape == (2, 5, 2)
    with pytest.raises(InputError, match="merge must be 'concat' with residual=True; got 'sum'"):
        ManyToMany(inputs=3, outputs=2, bidirectional=True, residual=True, merge="sum")
