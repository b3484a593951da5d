"""Encoder-decoder: against its formulas, attention, copying, teacher forcing, writing, learning."""

from __future__ import annotations

import itertools
from copy import deepcopy

import pytest
import torch
from tests.decoding.chains import penalised, sequences, without
from tests.models.learning import filled, learn, padded, written

from recur.messages import InputError
from recur.models import EncoderDecoder

LENGTHS = [5, 2, 0, 4]
TARGETS = filled([[1, 2, 3], [0, 4, 2, 6], [5], [1]])
ATTENTIONS = [None, "additive", "multiplicative", "dot"]


@pytest.fixture(params=ATTENTIONS, ids=str)
def attention(request):
    return request.param


@pytest.fixture(params=[False, True], ids=["one way", "both ways"])
def bidirectional(request):
    return request.param


def model_of(**options):
    options = {"vocabulary": 7, "source_vocabulary": 7, "units": 4} | options
    if options.get("attention") == "dot":
        options["bidirectional"] = False
    return EncoderDecoder(**options).double()


def with_coverage(**options):
    """A model whose attention makes much of where it looked."""
    model = model_of(coverage=1.0, **options)
    torch.nn.init.normal_(model.decoder.attention.cover, std=3.0)
    return model


def sources():
    return torch.randint(1, 7, (4, 5))


def asked(attention, s, memory, covered=None):
    """The weights of one question s over the steps of a memory (S, M)."""
    if not len(memory):
        return torch.zeros(0, dtype=s.dtype)
    scores = []
    for step, m in enumerate(memory):
        more = 0 if covered is None else covered[step] * attention.cover
        if attention.kind == "dot":
            scores.append(s @ (m + more))
        elif attention.kind == "multiplicative":
            scores.append(s @ (attention.key(m) + more))
        else:
            key = attention.key(m) + more
            scores.append(attention.score(torch.tanh(attention.query(s) + key))[0])
    return torch.stack(scores).softmax(0)


def by_formulas(model, x, targets):
    """Scores (T, V + X) of one row, step by step: a GRU of one layer."""
    inner = model.decoder
    cell = torch.nn.GRUCell(inner.recurrent.input_size, 4).double()
    cell.load_state_dict(
        {name.removesuffix("_l0"): w for name, w in inner.recurrent.state_dict().items()}
    )
    read = x.clamp(max=6) if inner.unknown is None else torch.where(x < 7, x, inner.unknown)
    directions = 2 if model.bridge is not None else 1
    memory = torch.zeros(0, 4 * directions, dtype=torch.float64)
    s = torch.zeros(1, directions * 4, dtype=torch.float64)
    if len(x):
        memory = model.encoder(model.embedding(read)[None])[0][0]
        s = torch.cat([memory[-1, :4], memory[0, 4:]])[None]
    if model.bridge is not None:
        s = model.bridge[0](s).tanh()
    fed, rows = torch.zeros(1, inner.fed, dtype=torch.float64), []
    covered = None if inner.coverage is None else torch.zeros(len(x), dtype=torch.float64)
    for t in range(len(targets)):
        last = inner.start
        if t:
            token = int(targets[t - 1])
            last = inner.embedding.weight[token if token < 7 else inner.unknown]
        given = torch.cat([last[None], fed], dim=1) if inner.input_feeding else last[None]
        s = cell(given, s)
        out = s
        if inner.attention is not None:
            weights = asked(inner.attention, s[0], memory, covered)
            covered = None if covered is None else covered + weights
            answer = (weights @ memory)[None]
            out = fed = torch.tanh(inner.combine(torch.cat([answer, s], dim=1)))
        scores = inner.head(out)[0]
        if inner.switch is not None:
            p = torch.sigmoid(inner.switch(torch.cat([answer[0], s[0], last])))[0]
            p = p if len(x) else 1.0
            both = torch.cat([p * scores.softmax(0), torch.zeros(inner.extended).double()])
            for step, token in enumerate(x):
                both[token] += (1 - p) * weights[step]
            scores = both.log()
        rows.append(scores)
    return torch.stack(rows)


def test_what_is_computed(attention, bidirectional):
    options = {"attention": attention, "bidirectional": bidirectional}
    for feeding, copy, tied in itertools.product(*[[False, True] if attention else [False]] * 3):
        narrow = {"tied": True, "embedding": 3} if tied else {}
        model = model_of(**options, input_feeding=feeding, copy=copy, **narrow)
        x = sources()
        scores = model(x, LENGTHS, TARGETS)
        for row, (length, n) in enumerate(zip(LENGTHS, [3, 4, 1, 1], strict=True)):
            want = by_formulas(model, x[row, :length], TARGETS[row, :n])
            torch.testing.assert_close(scores[row, :n], want)


def test_what_the_encoder_gave_is_dropped_while_training():
    model, x = model_of(encoding_dropout=0.5), sources()
    assert not torch.allclose(model(x, LENGTHS, TARGETS), model(x, LENGTHS, TARGETS))
    model.eval()
    torch.testing.assert_close(model(x, LENGTHS, TARGETS), model(x, LENGTHS, TARGETS))


@pytest.mark.parametrize("attention", ATTENTIONS[1:])
@pytest.mark.parametrize("feeding", [False, True])
def test_what_is_computed_with_coverage(attention, feeding):
    options = {"attention": attention, "input_feeding": feeding, "copy": True}
    model = with_coverage(**options)
    x = sources()
    scores, weights = model(x, LENGTHS, TARGETS), model.align(x, TARGETS, LENGTHS)
    again = []
    for row, (length, n) in enumerate(zip(LENGTHS, [3, 4, 1, 1], strict=True)):
        want = by_formulas(model, x[row, :length], TARGETS[row, :n])
        torch.testing.assert_close(scores[row, :n], want)
        for t in range(n):
            before = weights[row, :t].sum(0) if t else torch.zeros(5).double()
            again.append(torch.minimum(weights[row, t], before).sum())
    torch.testing.assert_close(model.added_loss, torch.stack(again).mean())
    assert model.added_loss > 0.1
    model.added_loss.backward()
    assert model.decoder.attention.cover.grad.abs().sum() > 0


def test_the_loss_of_coverage_belongs_to_training_and_to_no_copy():
    model = with_coverage(copy=True)
    x = sources()
    model(x, LENGTHS, TARGETS)
    assert deepcopy(model).added_loss is None
    model.eval()(x, LENGTHS, TARGETS)
    assert model.added_loss is None
    model_of(coverage=0.0)(x, LENGTHS, TARGETS)
    assert model_of(coverage=0.0).added_loss is None


@pytest.mark.parametrize("attention", ATTENTIONS[1:])
def test_coverage_that_was_not_learnt_yet_changes_nothing(attention):
    torch.manual_seed(1)
    plain = model_of(attention=attention)
    torch.manual_seed(1)
    covering = model_of(attention=attention, coverage=1.0)
    x = sources()
    torch.testing.assert_close(covering(x, LENGTHS, TARGETS), plain(x, LENGTHS, TARGETS))


def test_how_much_of_each_word_was_copied_from_where():
    model = model_of(copy=True, extended=2, unknown=3).eval()
    x = torch.tensor([[4, 7, 4, 2]])
    targets = torch.tensor([[4, 7, 5]])
    shares = model.copied(x, targets)[0]
    assert (shares[0] > 0).tolist() == [True, False, True, False]
    assert shares[1].tolist() == pytest.approx([0, 1, 0, 0])  # nothing else can give it
    assert shares[2].tolist() == [0, 0, 0, 0]
    model.decoder.switch.bias.data.fill_(100.0)
    assert model.copied(x, targets)[0, 0].tolist() == pytest.approx([0] * 4)


def test_source_and_target_share_their_vectors():
    model = model_of(shared=True, tied=True)
    names = [name for name, _ in model.named_parameters() if "embedding" in name or "head" in name]
    assert names == ["embedding.weight", "decoder.head.bias"]
    scores = model(sources(), LENGTHS, TARGETS)
    scores.sum().backward()
    again = model_of(shared=True, tied=True)
    again.load_state_dict(model.state_dict())
    assert again.embedding.weight is again.decoder.head.weight


def test_words_beyond_the_vocabulary_can_be_copied():
    model = model_of(copy=True, extended=2, unknown=3)
    x = sources()
    x[0, 1], x[1, 0], x[3, 2] = 7, 8, 8
    targets = TARGETS.clone()
    targets[0, 1], targets[1, 0] = 7, 8
    scores = model(x, LENGTHS, targets)
    assert scores.shape == (4, 4, 9)
    for row, (length, n) in enumerate(zip(LENGTHS, [3, 4, 1, 1], strict=True)):
        want = by_formulas(model, x[row, :length], targets[row, :n])
        torch.testing.assert_close(scores[row, :n].exp(), want.exp())
        assert scores[row, :n].exp().sum(-1).tolist() == pytest.approx([1] * n)
    # What is not in the source cannot be copied, and is as good as impossible.
    assert scores[0, 0, 8] < -100
    assert scores[0, 0, 7] > -10


def test_the_source_may_be_numbers():
    model = EncoderDecoder(vocabulary=7, inputs=3, units=4).double()
    x = torch.randn(2, 5, 3, dtype=torch.float64)
    x[1, 2:] = torch.nan
    scores = model(x, [5, 2], TARGETS[:2])
    torch.testing.assert_close(model(x[1:, :2], None, TARGETS[1:2]), scores[1:])


def test_the_weights_of_attention():
    model = model_of()
    x = sources()
    weights = model.align(x, TARGETS, LENGTHS)
    assert weights.shape == (4, 4, 5)
    for row, (length, n) in enumerate(zip(LENGTHS, [3, 4, 1, 1], strict=True)):
        assert (weights[row, :n, length:] == 0).all()
        assert weights[row, :n].sum(-1).tolist() == pytest.approx([1.0 if length else 0.0] * n)
    state = model.encode(x, LENGTHS)[0].hidden[0][0]
    memory = model.encoder(model.embedding(x), lengths=LENGTHS)[0][0]
    s = model.decoder.recurrent(model.decoder.start[None, None], state[:, None])[0][0, 0]
    torch.testing.assert_close(weights[0, 0], asked(model.decoder.attention, s, memory))


def test_the_loop_is_the_same_as_all_at_once(attention, bidirectional):
    for residual in (False, True):
        model = model_of(
            attention=attention,
            bidirectional=bidirectional,
            layers=3,
            residual=residual,
            cell="lstm",
            copy=attention is not None,
        )
        x = sources()
        whole = model(x, LENGTHS, TARGETS)
        model.decoder.teacher_forcing = 1 - 1e-12
        torch.testing.assert_close(model(x, LENGTHS, TARGETS), whole)


@pytest.mark.parametrize("options", [{}, {"input_feeding": True}, {"copy": True}])
def test_never_the_true_tokens_is_what_greedy_writes(options):
    model = model_of(teacher_forcing=0.0, **options)
    x = sources()
    found = model.generate(x, LENGTHS, max_steps=4)
    scores = model(x, LENGTHS, torch.randint(0, 7, (4, 4)))
    assert torch.equal(scores.argmax(-1), found.tokens)


@pytest.mark.parametrize(
    "options",
    [
        {"attention": None, "layers": 2},
        {"cell": "lstm", "layers": 2, "residual": True},
        {"input_feeding": True},
        {"copy": True, "extended": 2, "unknown": 1},
        {"copy": True, "input_feeding": True, "attention": "multiplicative"},
        {"copy": True, "coverage": 1.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("search", ["greedy", "beam", "sample"])
def test_scores_are_those_of_teacher_forcing(options, search):
    """So every hypothesis went on with its own state, and asked its own source."""
    make = with_coverage if "coverage" in options else model_of
    model = make(
        end=0, **{name: each for name, each in options.items() if name != "coverage"}
    ).eval()
    x = sources()
    if model.decoder.extended:
        x[1, 1] = 8
    how = {"beam": {"width": 4}}.get(search, {})
    found = model.generate(x, LENGTHS, max_steps=5, search=search, **how)
    tokens, scores = found.tokens.reshape(4, -1, found.tokens.shape[-1]), found.scores
    lengths, scores = found.lengths.reshape(4, -1), scores.reshape(4, -1)
    for row, w in itertools.product(range(4), range(tokens.shape[1])):
        said = tokens[row, w, : lengths[row, w]].tolist()
        said += [0] if len(said) < 5 else []
        one = model(x[row : row + 1], LENGTHS[row : row + 1], torch.tensor([said]))
        log_probs = one.log_softmax(-1)[0]
        want = sum(log_probs[t, token].item() for t, token in enumerate(said))
        assert scores[row, w].item() == pytest.approx(want)


@pytest.mark.parametrize("options", [{}, {"copy": True, "input_feeding": True}], ids=str)
@pytest.mark.parametrize("penalty", [0.0, 1.5])
def test_a_wide_beam_finds_the_best_of_all_there_are(options, penalty):
    """Each scored alone, by teacher forcing."""
    torch.manual_seed(4)
    small = {"vocabulary": 3, "source_vocabulary": 3, "end": 0, "layers": 2}
    model = model_of(**small, **options).eval()
    x, steps = torch.tensor([[2, 1, 2, 2]]), 3
    found = model.generate(x, max_steps=steps, search="beam", width=27, length_penalty=penalty)
    every = sequences(3, 0, steps)
    scored = []
    for said in every:
        log_probs = model(x, None, torch.tensor([said])).log_softmax(-1)[0]
        score = sum(log_probs[t, token].item() for t, token in enumerate(said))
        scored.append((penalised(score, len(said), penalty), without(said, 0)))
    scored.sort(reverse=True)
    for w, (score, tokens) in enumerate(scored):
        assert found.scores[0, w].item() == pytest.approx(score)
        assert found.tokens[0, w, : found.lengths[0, w]].tolist() == tokens
    assert (found.scores[0, len(every) :] == -torch.inf).all()


def test_a_beam_of_one_is_greedy(attention):
    model = model_of(attention=attention, end=0, units=8)
    x = torch.randint(0, 7, (20, 5))
    greedy = model.generate(x, max_steps=6)
    assert written(model.generate(x, max_steps=6, search="beam", width=1)) == written(greedy)


@pytest.mark.parametrize(
    "options",
    [
        {"attention": "additive"},
        {"attention": "multiplicative", "input_feeding": True},
        {"attention": "dot", "bidirectional": False, "layers": 2, "residual": True},
        {
            "attention": "additive",
            "teacher_forcing": lambda n: max(0.5, 1 - n / 200),
            "cell": "lstm",
        },
    ],
    ids=["additive", "multiplicative, fed", "dot, deep", "scheduled"],
)
def test_it_learns_to_turn_sequences_around(options):
    generator = torch.Generator().manual_seed(3)

    def some(n):
        sizes = torch.randint(1, 5, (n,), generator=generator).tolist()
        return [torch.randint(1, 4, (k,), generator=generator).tolist() for k in sizes]

    model = EncoderDecoder(vocabulary=4, source_vocabulary=4, end=0, units=24, **options)
    rows = some(500)
    x, lengths = padded(rows)
    targets = filled([[*row[::-1], 0] for row in rows])
    learn(lambda n: model(x[n], lengths[n], targets[n]), model, targets, steps=200)
    test = some(100)
    found = written(model.generate(*padded(test), max_steps=6, search="beam", width=3))
    assert sum(a == b[::-1] for a, b in zip(found, test, strict=True)) >= 95


def test_copying_learns_words_that_it_never_saw():
    """Trained on copying what stands after the mark 1; 8 to 11 are beyond its vocabulary."""
    generator = torch.Generator().manual_seed(3)

    def some(n, words):
        rows = []
        for _ in range(n):
            row = words[torch.randint(0, len(words), (4,), generator=generator)].tolist()
            row.insert(int(torch.randint(0, 4, (1,), generator=generator)), 1)
            rows.append(row)
        return torch.tensor(rows), filled([[row[row.index(1) + 1], 0] for row in rows])

    model = EncoderDecoder(
        vocabulary=8, source_vocabulary=8, extended=4, unknown=2, copy=True, end=0, units=16
    )
    x, targets = some(500, torch.tensor([3, 4, 5, 8, 9]))
    learn(lambda n: model(x[n], targets=targets[n]), model, targets, steps=200)
    test, want = some(50, torch.tensor([3, 10, 11]))
    found = written(model.generate(test, max_steps=4))
    right = [a == [int(b)] for a, b in zip(found, want[:, 0], strict=True)]
    assert sum(right) >= 45
    assert any(row[0] >= 10 for row in found if row)


BAD = {
    "tied to a smaller embedding without attention": (
        lambda: model_of(attention=None, tied=True, embedding=3),
        "the embedding of tied weights must be of 4 units; got 3.",
    ),
    "more than all dropped": (
        lambda: model_of(encoding_dropout=1.5),
        "encoding_dropout must be from 0 to 1; got 1.5.",
    ),
    "no source": (
        lambda: EncoderDecoder(vocabulary=7),
        "a model's input must be told by one of inputs=, source_vocabulary= and front=; got none.",
    ),
    "attention": (
        lambda: model_of(attention="adition"),
        "attention must be additive, multiplicative or dot; got 'adition'. Did you mean "
        "'additive'?",
    ),
    "feeding": (
        lambda: model_of(attention=None, input_feeding=True),
        "input_feeding must be False where there is no attention; got True.",
    ),
    "copying without attention": (
        lambda: model_of(attention=None, copy=True),
        "copy must be False where there is no attention; got True.",
    ),
    "two vocabularies": (
        lambda: model_of(source_vocabulary=9, copy=True),
        "the vocabularies of a model that copies must be the same; got 9 and 7.",
    ),
    "coverage without attention": (
        lambda: model_of(attention=None, coverage=1.0),
        "coverage must be None where there is no attention; got 1.0.",
    ),
    "less than no coverage": (
        lambda: model_of(coverage=-1.0),
        "coverage must be a number of at least 0; got -1.0.",
    ),
    "nothing is copied": (
        lambda: model_of().copied(sources(), TARGETS),
        "copy must be True, to say what was copied; got False.",
    ),
    "vectors of two vocabularies": (
        lambda: model_of(source_vocabulary=9, shared=True),
        "the vocabularies of a model that shares vectors must be the same; got 9 and 7.",
    ),
    "extended without copying": (
        lambda: model_of(extended=2, unknown=1),
        "extended must be 0 where nothing is copied; got 2.",
    ),
    "negative": (
        lambda: model_of(extended=-1),
        "extended must be a whole number of at least 0; got -1.",
    ),
    "no unknown": (
        lambda: model_of(extended=2, copy=True),
        "extended needs unknown: the token that the words beyond are read as.",
    ),
    "unknown beyond": (
        lambda: model_of(extended=2, copy=True, unknown=7),
        "unknown must be a token from 0 to 6; got 7.",
    ),
    "no targets": (
        lambda: model_of()(sources()),
        "A model that writes is trained and measured on targets; without them it writes by "
        "model.eval().generate(x, max_steps=N), for the same x.",
    ),
    "nothing to look at": (
        lambda: model_of(attention=None).align(sources(), TARGETS),
        "attention must be there, to be looked at; got None.",
    ),
    "a source beyond the vocabulary": (
        lambda: model_of()(sources() + 6, None, TARGETS),
        "token ids must be between 0 and 6, the vocabulary's; got 7 to 12.",
    ),
    "a beam of 0": (
        lambda: model_of().generate(sources(), max_steps=1, search="beam", width=0),
        "width must be a whole number of at least 1; got 0.",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence(case):
    call, sentence = BAD[case]
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == sentence
