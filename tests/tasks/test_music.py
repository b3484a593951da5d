"""Music: what is scored, what is learnt, how a piece goes on, what is said of bad input."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from recur import files, run, tasks
from recur.data.datasets import jsb_chorales
from recur.data.midi import midi_file
from recur.data.music import piano_roll
from recur.messages import FailedError, InputError
from recur.tasks import preparing
from recur.tasks.music import MusicPreprocessing, nll
from recur.tasks.task import Trained

TASK = tasks.find("music")
CADENCE = [[60, 64, 67], [65, 69, 72], [67, 71, 74], [60, 64, 67]]
QUICK = {"data": "pieces.json", "units": 16, "dropout": 0.0, "progress": False, "out": "run"}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(content=None, name="pieces.json", number=40):
    """Pieces that go round in one cadence, from any of its chords on, of unequal length."""
    if content is None:
        rng = np.random.default_rng(0)
        begins, lengths = rng.integers(0, 4, number), rng.integers(4, 13, number)
        content = [[CADENCE[(b + n) % 4] for n in range(size)] for b, size in zip(begins, lengths)]  # noqa: B905
    files.write_json(name, content)


def options(**given):
    return TASK.options.of("music", {"data": "pieces.json", **given})


def prepare(**given):
    return preparing.prepare(TASK, options(**given))


@pytest.fixture
def trained():
    write()
    return run.train("music", **QUICK, epochs=1)


def test_a_cadence_is_learnt_and_gone_on_with():
    write()
    found = run.train("music", **QUICK, epochs=20)
    scores = found.scores.values
    # The first step of a piece and which C follows a C (2 of 4 chords) can surprise, nothing else.
    assert scores["nll_after_first"] < scores["nll"] < 0.5 * scores["nll_without_memory"]
    assert found.history.val_nll[-1] < found.history.val_nll[0]
    (answer,) = found.predict("C4 E4 G4 | C4 E4 G4 | F4 A4 C5", temperature=0.0, length=5)
    assert answer.given == [CADENCE[0], CADENCE[0], CADENCE[1]]
    assert answer.follows == [CADENCE[n % 4] for n in range(2, 7)]
    assert {name for name, _ in answer.likeliest[:3]} == {"G4", "B4", "D5"}
    first, second, third, fourth = str(answer).splitlines()
    assert first == "given:   C4 E4 G4 | C4 E4 G4 | F4 A4 C5"
    assert second == ("follows: G4 B4 D5 | C4 E4 G4 | C4 E4 G4 | F4 A4 C5 | G4 B4 D5")
    assert third.startswith("next: ")
    assert fourth == f"surprise of what was given: {answer.nll:.4g} nats a step"


def test_answers_are_drawn_from_the_seed(trained):
    def follows(**how):
        return trained.predict("C4 E4 G4", length=30, **how)[0].follows

    first, again, other = (follows(seed=seed) for seed in (0, 0, 1))
    assert first == again != other
    assert len(first) == 30
    assert follows(temperature=1e-6) == follows(temperature=0.0)


@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.0])
def test_keys_are_drawn_one_step_after_another(trained, temperature):
    """By hand, from one source of chance."""
    given, model = [[60, 64, 67], [62, 65, 69]], trained.model
    how = {"seed": 5, "length": 12, "temperature": temperature}
    (answer,) = trained.predict("C4 E4 G4 | D4 F4 A4", **how)
    chance, want = torch.Generator().manual_seed(5), []
    roll = torch.from_numpy(piano_roll(given))
    with torch.no_grad():
        scores, state = model(torch.cat([torch.zeros(1, 88), roll])[None], return_state=True)
        for _ in range(12):
            latest = scores[0, -1]
            sounds = latest > 0
            if temperature:
                noise = torch.rand(88, generator=chance)
                sounds = noise < (latest / temperature).sigmoid()
            want.append([key + 21 for key in sounds.nonzero().flatten().tolist()])
            scores, state = model(sounds.float()[None, None], state=state, return_state=True)
    assert answer.follows == want
    assert any(want)


def test_a_score_is_the_sum_over_keys_and_the_mean_over_all_steps(trained):
    """Piece by piece, by hand: the first step from an empty one, all others from those before."""
    held = preparing.held_out(TASK, trained.options, trained.trained.preprocessing).examples
    total, first, steps = 0.0, 0.0, 0
    for n in range(len(held)):
        _, roll = held[n]
        heard = torch.cat([torch.zeros(1, 88), roll[:-1]])
        with torch.no_grad():
            chances = trained.model(heard[None])[0].double().sigmoid()
        each = -torch.where(roll > 0, chances.log(), (1 - chances).log()).sum(dim=1)
        total, first, steps = total + each.sum().item(), first + each[0].item(), steps + len(roll)
    scores = trained.scores.values
    assert scores["nll"] == pytest.approx(total / steps, rel=1e-5)
    later = (total - first) / (steps - len(held))
    assert scores["nll_after_first"] == pytest.approx(later, rel=1e-5)
    assert f"this model, every step{scores['nll']:>26.4f}" in str(trained.scores)
    assert trained.metrics["test"] == scores


def test_without_memory_is_the_entropy_of_each_key():
    write([CADENCE] * 5)
    prepared = prepare()
    roll = piano_roll(CADENCE * 3)
    shares = (roll.sum(axis=0) + 0.5) / (len(roll) + 1)
    assert prepared.preprocessing.sounding == pytest.approx(shares.tolist())
    held = Trained(options(), prepared.preprocessing, TASK.model(options(), prepared.preprocessing))
    entropy = -(
        piano_roll(CADENCE) * np.log(shares) + (1 - piano_roll(CADENCE)) * np.log1p(-shares)
    )
    found = TASK.score(held, prepared.test.records, prepared.test.examples).values[
        "nll_without_memory"
    ]
    assert found == pytest.approx(entropy.sum() / 4, rel=1e-5)


def test_scores_begin_at_how_often_each_key_sounds():
    write()
    fitted = prepare().preprocessing
    model = TASK.model(options(), fitted)
    assert torch.allclose(model.head.bias.sigmoid(), torch.tensor(fitted.sounding), atol=1e-6)


def test_pieces_of_one_step_have_no_later_ones():
    write([[[60]]] * 6)
    scores = run.train("music", **QUICK, epochs=1).scores
    assert set(scores.values) == {"nll", "nll_without_memory"}
    assert "without first steps" not in str(scores)


def test_padding_counts_for_nothing():
    scores, targets = torch.randn(3, 88), (torch.rand(3, 88) > 0.9).float()
    each = torch.nn.functional.binary_cross_entropy_with_logits(scores, targets, reduction="none")
    assert nll(scores, targets).item() == pytest.approx(each.sum(dim=1).mean().item(), rel=1e-5)


def test_parts_that_a_file_sets_apart_are_kept():
    write({"train": [CADENCE] * 3, "valid": [CADENCE[:2]] * 2, "test": [CADENCE[:3]]})
    prepared = prepare()
    sizes = [len(part) for part in (prepared.train, prepared.validation, prepared.test.examples)]
    assert sizes == [3, 2, 1]
    assert prepared.test.notes == ()
    held = preparing.held_out(TASK, options(), prepared.preprocessing, "pieces.json")
    assert held.examples[0][1].shape == (3, 88)


def test_parts_that_it_does_not_are_cut_off_at_the_end():
    write()
    prepared = prepare()
    sizes = [len(part) for part in (prepared.train, prepared.validation, prepared.test.examples)]
    assert sizes == [26, 6, 8]
    note = "Tested on 8 pieces of pieces.json, held out from training."
    assert prepared.test.notes == (note,)
    other = preparing.held_out(TASK, options(), prepared.preprocessing, "pieces.json")
    assert len(other.examples) == 40
    few = prepare(limit=20)
    sizes = [len(part) for part in (few.train, few.validation, few.test.examples)]
    assert sizes == [16, 4, 8]  # of those that remain when the test part is held out
    assert few.test.notes == (note, "Only the beginning of each part was used (limit 20).")


def test_transposing_learns_every_key_that_stays_on_the_piano():
    write([[[60]], [[107]], [[60]], [[60]]])
    prepared = prepare(transpose=2)
    rolls = [prepared.train[n][1] for n in range(len(prepared.train))]
    keys = [int(roll.nonzero()[0, 1]) + 21 for roll in rolls]
    assert keys == [58, 59, 60, 61, 62, 105, 106, 107, 108]
    assert len(prepared.validation) == len(prepared.test.examples) == 1
    assert "2 pieces to learn from (and 7 made from them), 1 to choose" in prepared.about


def test_a_piece_in_a_file_is_gone_on_with(trained):
    write(CADENCE, "one.json")
    typed, read = trained.predict(["60 64 67 | 65 69 72 | 67 71 74 | 60 64 67", "one.json"])
    assert typed == read
    files.write_json("again.json", read.to_json()["follows"])  # an answer is a piece again
    if any(read.follows):
        assert trained.predict("again.json")[0].given == read.follows
    write([CADENCE, CADENCE], "two.json")
    with pytest.raises(InputError, match=r"two\.json must be one piece; got 2 pieces\. Copy"):
        trained.predict("two.json")


def test_answers_are_saved_as_music(trained, tmp_path):
    answers = trained.predict(["C4 E4", "G4"], length=2)
    paths = trained.save(answers, tmp_path / "music")
    assert [path.name for path in paths] == ["music-1.mid", "music-2.mid"]
    for path, answer in zip(paths, answers, strict=True):
        assert path.read_bytes() == midi_file([*answer.given, *answer.follows])


def test_a_long_piece_is_shown_by_its_end(trained):
    answer = trained.predict(" | ".join(["C4"] * 20))[0]
    assert str(answer).startswith("given:   ... | C4 | C4")
    assert str(answer).splitlines()[0].count("C4") == 8
    (path,) = trained.draw([answer])
    assert path.name == "continuation.png"


def test_the_steps_that_mattered_are_named(trained):
    (reason,) = trained.why("C4 E4 G4 | - | F4")
    assert reason.labels == ("C4+E4+G4", "-", "F4")
    assert reason.name == trained.predict("C4 E4 G4 | - | F4")[0].likeliest[0][0]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_training_that_stopped_goes_on(cell):
    write()
    whole = run.train("music", **{**QUICK, "out": "whole"}, epochs=3, cell=cell, decay=False)
    run.train("music", **{**QUICK, "out": "cut"}, epochs=1, cell=cell, decay=False)
    going = run.train("music", out="cut", resume=True, epochs=3, progress=False)
    assert going.history.nll == whole.history.nll
    assert going.scores.values == whole.scores.values


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ([], 'music needs notes to go on from ("C4 E4 G4 | D4 F4 A4"), or a JSON file'),
        (["C4", " "], "music needs notes to go on from"),
        (["|"], "a piece must be notes such as"),
        (["- | -"], "a piece to go on from must be at least one note long; got rests only."),
        (["C4 H4"], "a note must be a name such as C4, F#3 or Bb2; got 'H4'"),
        (["C4 C9"], "a note must be from 21 (A0) to 108 (C8), the keys of a piano; got C9 (120)"),
        (["gone.json"], "There is no file gone.json. Check the path."),
        (["gone.json.gz"], "There is no file gone.json.gz. Check the path."),
    ],
)
def test_wrong_prompts_get_a_sentence(trained, prompt, sentence):
    with pytest.raises(InputError) as error:
        trained.predict(prompt)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ([], "pieces.json must be enough to learn from, to validate and to test on: 3 pieces"),
        ([CADENCE, CADENCE], "3 pieces at least; got 2 pieces. Add more."),
        ({"train": [], "valid": [CADENCE], "test": [CADENCE]}, "got 2 pieces"),
        ([CADENCE, [], CADENCE], "piece 2 of pieces.json must be at least one step long"),
        ([CADENCE, [[60], [200]]], "a note of step 2 of piece 2 of pieces.json must be from 21"),
    ],
)
def test_too_little_music_gets_a_sentence(content, sentence):
    write(content)
    with pytest.raises(InputError) as error:
        prepare()
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"bidirectional": True}, "bidirectional must be off for music; got on. From the other"),
        ({"transpose": -1}, "transpose must be at least 0; got -1."),
        ({"data": "gone.json"}, "There is no file gone.json. Check the path."),
        ({"data": "jsb"}, "data must be a file, or the dataset jsb-chorales; got 'jsb'."),
        ({"data": "jsb-chorales:half"}, "step must be quarter, 8th or 16th; got 'half'."),
    ],
)
def test_wrong_options_get_a_sentence(given, sentence):
    with pytest.raises(InputError) as error:
        prepare(**given)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"length": 0}, "length must be at least 1; got 0."),
        ({"temperature": -0.5}, "temperature must be at least 0; got -0.5."),
        ({"lenght": 3}, "predict of music has no option 'lenght'. Did you mean 'length'?"),
    ],
)
def test_wrong_ways_to_answer_get_a_sentence(trained, how, sentence):
    with pytest.raises(InputError) as error:
        trained.predict("C4", **how)
    assert sentence in str(error.value)


def test_nothing_to_test_on_gets_a_sentence():
    write()
    fitted = prepare().preprocessing
    write([], "none.json")
    with pytest.raises(InputError, match=r"none\.json must be at least one piece to test on"):
        preparing.held_out(TASK, options(), fitted, "none.json")


def test_damaged_preprocessing_is_refused():
    write()
    stored = json.loads(json.dumps(prepare().preprocessing.to_json()))
    for wrong in (stored["sounding"][1:], [0.0] * 88, [1.0] * 88, [math.nan] * 88):
        with pytest.raises(ValueError, match="88 shares"):
            MusicPreprocessing.from_json({"sounding": wrong})


def test_without_network_and_data_it_says_where_the_chorales_are(monkeypatch, here):
    def refuse(remote):
        raise FailedError(f"{remote.url} cannot be reached")

    monkeypatch.delenv("RECUR_DATA", raising=False)
    monkeypatch.setenv("RECUR_CACHE", str(here))
    monkeypatch.setattr("recur.data.datasets.source.download", refuse)
    sentence = r"The dataset 'jsb-chorales' \(JSB chorales\) cannot be had: https://raw\.githubuser"
    with pytest.raises(FailedError, match=sentence):
        run.train("music", progress=False, out="run")


def test_chorales_are_learnt_by_default():
    if jsb_chorales.SOURCE.here() is None:
        pytest.skip("needs jsb-chorales-quarter.json (RECUR_DATA)")
    found = run.train("music", epochs=1, progress=False, out="run")
    # By how often each key sounds: 11.0602; an epoch is enough to beat that by far.
    assert found.scores.values["nll_without_memory"] == pytest.approx(11.0602, abs=1e-3)
    assert found.scores.values["nll"] < 10.2
