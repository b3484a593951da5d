"""Speech: its own forms of data, what may not stand on both sides, and bad recordings."""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from recur import InputError, datasets, run, tasks
from recur.cli.main import main
from recur.data import audio
from recur.data.records.clips import Clips, apart, read_clips, varied
from recur.data.splits import Splits
from recur.models import CTC
from recur.models.fronts import Strided
from recur.tasks import preparing
from recur.tasks.speech import SpeechPreprocessing

RATE = 2000
QUICK = {"rate": RATE, "bands": 8, "units": 8, "filters": 8, "layers": 1}


def sound(seconds=0.4, pitch=200.0):
    time = np.arange(int(RATE * seconds)) / RATE
    return (0.5 * np.sin(2 * np.pi * pitch * time)).astype(np.float32)


def write(path, **given):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(audio.wav(sound(**given), RATE))


@pytest.fixture
def table(tmp_path):
    """Twelve recordings of four speakers, and the table that names them."""
    rows = ["path,transcript,speaker"]
    for number in range(12):
        write(tmp_path / f"clips/{number}.wav", pitch=150 + 200 * (number % 2))
        rows.append(f"clips/{number}.wav,{'yes' if number % 2 else 'no'},s{number // 3}")
    (tmp_path / "clips.csv").write_text("\n".join(rows))
    return tmp_path / "clips.csv"


def prepared(data, **given):
    task = tasks.find("speech")
    options = task.options.of("speech", {**QUICK, "data": str(data), **given})
    return preparing.prepare(task, options)


def test_no_speaker_stands_on_both_sides(table):
    found = prepared(table)
    parts = [set(part.speakers) for part in (found.splits.train, found.splits.validation)]
    parts.append(set(found.splits.test.speakers))
    assert all(parts)
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
    assert any("4 speakers" in note for note in found.test.notes)


def test_without_speakers_every_word_is_on_both_sides(table):
    table.write_text("\n".join(line.rpartition(",")[0] for line in table.read_text().splitlines()))
    clips = read_clips(str(table)).train
    assert not clips.speakers
    kept, held = apart(clips, 0.25)
    assert set(kept.transcripts) == set(held.transcripts) == {"yes", "no"}


def test_a_folder_with_text_beside_and_folders_of_speakers(tmp_path):
    write(tmp_path / "anna/a.wav")
    write(tmp_path / "ben/b.flac")
    (tmp_path / "anna/a.txt").write_text("good  morning\n")
    (tmp_path / "ben/b.txt").write_text("hello")
    clips = read_clips(str(tmp_path)).train
    assert clips.transcripts == ["good morning", "hello"]
    assert clips.speakers == ["anna", "ben"]


def test_a_folder_whose_names_say_it(tmp_path):
    for name in ("7_anna_0", "3_ben_12"):
        write(tmp_path / f"{name}.wav")
    clips = read_clips(str(tmp_path)).train
    assert sorted(zip(clips.transcripts, clips.speakers, strict=True)) == [
        ("3", "ben"),
        ("7", "anna"),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("clips/none.wav,yes,s0", "There is no file"),
        ("clips/bad.wav,yes,s0", "must be a recording that can be read"),
        ("clips/silent.wav,yes,s0", r"silent\.wav must be a recording of something"),
        ("clips/cut.wav,yes,s0", r"cut\.wav must be a whole recording"),
        ("clips/0.wav,,s0", r"row 13 of clips\.csv must be with a transcript"),
    ],
)
def test_bad_recordings_are_named_or_left_out(line, said, table):
    (table.parent / "clips/bad.wav").write_bytes(b"RIFF, but no more than that")
    (table.parent / "clips/silent.wav").write_bytes(audio.wav(np.zeros(RATE), RATE))
    content = (table.parent / "clips/0.wav").read_bytes()
    (table.parent / "clips/cut.wav").write_bytes(content[: len(content) // 2])
    table.write_text(table.read_text() + "\n" + line)
    with pytest.raises(InputError, match=said) as caught:
        read_clips(str(table))
    assert "(drop bad)" in str(caught.value)
    found = read_clips(str(table), drop_bad=True)
    assert len(found.train) == 12
    assert any("1 recording left out (row 13 of clips.csv)" in note for note in found.notes)


def test_nothing_to_hear(tmp_path):
    with pytest.raises(InputError, match="must be a folder with recordings"):
        read_clips(str(tmp_path))


def test_a_transcript_that_no_alignment_can_say_is_left_out_with_a_count(table):
    write(table.parent / "clips/short.wav", seconds=0.05)
    table.write_text(table.read_text() + "\nclips/short.wav,a long sentence,s9")
    found = prepared(table, stride=4)
    said = "1 recording left out (short.wav): each is too short for its transcript."
    assert said in found.test.notes
    assert "short.wav" not in [s.name for s in found.splits.train.sounds]


def test_the_same_numbers_whatever_the_workers(table):
    def batch(workers):
        found = prepared(table, workers=workers, speed=0.2, noise=0.5, shift=0.1, masks=1)
        torch.manual_seed(4)
        return [found.train.batch([0, 1, 2]) for _ in range(2)]

    alone, together = batch(0), batch(3)
    for one, other in zip(alone, together, strict=True):
        assert torch.equal(one.x, other.x)
        assert torch.equal(one.y, other.y)
    first, second = alone
    assert first.x.shape != second.x.shape or not torch.equal(first.x, second.x)


def test_only_what_is_learnt_from_is_changed_by_chance(table):
    found = prepared(table, speed=0.2)
    assert found.train.augment
    assert not found.validation.augment
    assert not found.test.examples.augment


def test_letters_never_learnt_count_as_errors_and_are_said(table, tmp_path):
    trained = run.train("speech", data=str(table), out=tmp_path / "run", epochs=1, **QUICK)
    write(tmp_path / "other/a.wav")
    (tmp_path / "other/a.txt").write_text("żółw")
    scores = trained.evaluate(str(tmp_path / "other"))
    assert scores.values["accuracy"] == 0
    assert any("'ż'" in note and "were never learnt" in note for note in scores.notes)


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    """A run that learnt to tell two tones apart, in one direction; and the folder of its data."""
    folder = tmp_path_factory.mktemp("tones")
    tiny = {
        **tasks.find("speech").tiny(folder).options,
        "normalised": "running",
        "cell": "lstm",
        "units": 16,
        "filters": 8,
        "layers": 1,
        "dropout": 0.0,
        "learning_rate": 0.02,
        "batch_size": 4,
    }
    trained = run.train("speech", out=folder / "run", epochs=12, **tiny)
    return trained, Path(tiny["data"])


def test_it_learns_two_tones_and_says_when(tones):
    trained, folder = tones
    assert trained.trained.preprocessing.labels == ("high", "low")
    assert trained.scores.values["accuracy"] == 1
    assert trained.scores.values["linear_accuracy"] == 1
    paths = [f"{folder}/{n}.wav" for n in (0, 1)]
    answers = trained.predict(paths)
    assert [each.text for each in answers] == ["high", "low"]
    seconds = audio.in_file(paths[0]).seconds
    ((label, when, probability),) = answers[0].letters
    assert label == "high"
    assert 0 <= when <= seconds
    assert 0 < probability <= 1
    assert 0.5 < answers[0].confidence <= 1
    searched = trained.predict(paths, beam=8)
    assert [each.text for each in searched] == ["high", "low"]


@pytest.fixture
def talker(tones):
    """The same run with another network, which learnt nothing and says much."""
    trained, other = tones[0].trained, copy.copy(tones[0])
    torch.manual_seed(2)
    front = Strided(trained.options.bands, 8)
    model = CTC(labels=3, front=front, units=8, cell="gru").eval()
    with torch.no_grad():
        for weights in model.parameters():
            weights.mul_(4)
    spelt = SpeechPreprocessing("words", ("a", "b", "c"), None)
    other.trained = dataclasses.replace(trained, model=model, preprocessing=spelt)
    return other


def changing(seed=2):
    """Tones and silences."""
    chance = np.random.default_rng(seed)
    parts = [
        sound(seconds=chance.uniform(0.1, 0.5), pitch=chance.uniform(100, 900)) * (n % 3 > 0)
        for n in range(12)
    ]
    return np.concatenate(parts).astype(np.float32)


@pytest.mark.parametrize("size", [50, 1000, 100_000])
@pytest.mark.parametrize("rate", [RATE, 2 * RATE])
def test_what_is_said_grows_while_sound_comes(talker, size, rate):
    samples = audio.resampled(changing(), RATE, rate)
    (whole,) = talker.predict([(samples, rate)])
    pieces = (samples[at : at + size] for at in range(0, len(samples), size))
    said = list(talker.listen(pieces, rate=rate, pause=0.3))
    assert said == list(talker.listen([samples], rate=rate, pause=0.3))
    phrases = [each.text for each in said if each.ends]
    assert len(phrases) > 1
    assert " ".join(phrases) == whole.text
    assert "".join(str(each) for each in said) == "".join(f"{phrase}\n" for phrase in phrases)
    seconds = [each.seconds for each in said]
    assert seconds == sorted(seconds)
    assert 0 < seconds[-1] <= len(samples) / rate + 0.1


def test_the_command_that_listens(tones, tmp_path, monkeypatch, capsys):
    trained, path = tones[0], tones[1] / "0.wav"
    assert main(["listen", str(trained.path), str(path)]) == 0
    first = capsys.readouterr()
    assert first.out == "high\n"
    assert "a real-time factor of" in first.err
    (tmp_path / "raw").write_bytes((audio.in_file(path).load()[0] * 32768).astype("<i2").tobytes())
    with (tmp_path / "raw").open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert main(["listen", str(trained.path), "--json"]) == 0
    word, end = map(json.loads, capsys.readouterr().out.splitlines())
    assert (word["new"], word["text"], word["ends"]) == ("high", "high", False)
    assert (end["new"], end["text"], end["ends"]) == ("", "high", True)
    assert main(["listen", str(trained.path), str(path), "--pause", "0"]) == 2
    assert "pause must be seconds, above 0; got 0" in capsys.readouterr().err


def test_sound_that_is_none_is_refused_as_it_comes(tones):
    for wrong, said in (
        ([np.array([0.0, np.nan])], "finite samples"),
        ([np.zeros((4, 2))], "finite samples"),
        (["text"], "samples"),
    ):
        with pytest.raises(InputError, match=said):
            list(tones[0].listen(wrong))
    with pytest.raises(InputError, match="rate must be samples a second"):
        tones[0].listen([], rate=3)
    assert list(tones[0].listen([])) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [({"bidirectional": True}, "both directions"), ({"normalised": "whole"}, "normalises whole")],
)
def test_a_run_that_needs_the_whole_says_so(tones, given, said):
    trained = tones[0].trained
    other = dataclasses.replace(trained, options=dataclasses.replace(trained.options, **given))
    with pytest.raises(InputError, match=f"one-way; got .*{said}.*--no-bidirectional"):
        tasks.find("speech").listener(other, RATE, 1.0)


def test_a_task_that_hears_nothing_says_so():
    with pytest.raises(InputError, match="The task forecast hears no sound as it comes"):
        tasks.find("forecast").listener(None, 0, 1.0)


def test_two_recordings_of_one_name_are_told_apart(tones, tmp_path):
    for folder in ("a", "b"):
        write(tmp_path / folder / "1.wav")
    paths = [tmp_path / folder / "1.wav" for folder in ("a", "b")]
    assert [each.name for each in tones[0].predict(paths)] == [str(path) for path in paths]
    silent = tmp_path / "silent.wav"
    silent.write_bytes(audio.wav(np.zeros(RATE, np.float32), RATE))
    with pytest.raises(InputError, match=r"silent\.wav must be a recording of something"):
        tones[0].predict([*paths, silent])


def test_samples_are_asked_about_as_well_as_files():
    given = [sound(), (np.stack([sound()] * 2, axis=1), RATE), (sound() * 32767).astype(np.int16)]
    clips = Clips.asked(given, RATE)
    lengths = [len(each.samples(RATE)) for each in clips.sounds]
    assert lengths == [len(sound())] * 3
    for wrong in ([], [3], [None], ["none.wav"], [np.zeros((1, 2, 3))]):
        with pytest.raises(InputError):
            Clips.asked(wrong, RATE)


def test_clips_keep_what_they_are():
    clips = varied(Clips([audio.of_samples(sound(), RATE)] * 3, ["a", "b", "c"], []))
    taken = clips.take(np.array([2, 0]))
    assert taken.transcripts == ["c", "a"]
    assert taken.varied
    assert not taken.speakers


def test_the_synthesizers_digits_are_in_three_parts_of_voices_of_their_own(monkeypatch):
    from recur.data.datasets import spoken_digits

    few = {part: voices[:1] for part, voices in spoken_digits.SPEAKERS.items()}
    monkeypatch.setattr(spoken_digits, "SPEAKERS", few)
    monkeypatch.setattr(spoken_digits, "ACCENTS", ("en-us",))
    monkeypatch.setattr(spoken_digits, "kept", lambda name, checksum, make: make())
    found = spoken_digits._parts.__wrapped__("")
    assert isinstance(found, Splits)
    voices = [set(part.speakers) for part in (found.train, found.validation, found.test)]
    assert len(set.union(*voices)) == 3
    assert set(found.test.transcripts) == set(datasets.fsdd.DIGITS)
    assert all(0.2 < each.seconds < 1.5 for each in found.train.sounds)
