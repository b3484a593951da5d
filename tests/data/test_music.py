"""Piano rolls: notes as text, pieces in files, and what is said of both when they are wrong."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recur.data.music import (
    HIGHEST,
    LOWEST,
    note_name,
    piano_roll,
    read_notes,
    show_notes,
)
from recur.data.records.pieces import read_pieces
from recur.messages import InputError

PIECES = st.lists(
    st.lists(st.integers(LOWEST, HIGHEST), unique=True, max_size=6).map(sorted), min_size=1
).filter(any)


def test_notes_have_the_numbers_of_midi():
    names = {"A0": 21, "C4": 60, "A4": 69, "F#3": 54, "Bb2": 46, "Cb4": 59, "B##3": 61, "C8": 108}
    for name, key in names.items():
        assert read_notes(name) == [[key]]
    assert (note_name(21), note_name(60), note_name(70), note_name(108)) == (
        "A0",
        "C4",
        "A#4",
        "C8",
    )


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("C4 E4 G4 | D4 F4 A4", [[60, 64, 67], [62, 65, 69]]),
        ("g4,c4 e4|  - |c4 C4", [[60, 64, 67], [], [60]]),
        ("|60 64||67|", [[60, 64], [], [67]]),
        ("C4 |", [[60]]),
    ],
)
def test_how_notes_may_be_typed(text, piece):
    assert read_notes(text) == piece


@given(PIECES)
def test_what_is_shown_can_be_read(piece):
    assert read_notes(show_notes(piece)) == piece


@given(PIECES)
def test_a_roll_has_a_column_for_each_key(piece):
    roll = piano_roll(piece)
    assert roll.shape == (len(piece), 88)
    assert roll.dtype == np.float32
    assert [(np.flatnonzero(step) + 21).tolist() for step in roll] == piece


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "a piece must be notes such as"),
        (" | | ", "a piece must be notes such as"),
        ("H4", "a note must be a name such as C4, F#3 or Bb2; got 'H4'"),
        ("C4 | C", "got 'C'"),
        ("C#b4", "got 'C#b4'"),
        ("C4;E4", "got 'C4;E4'. Part notes by spaces and steps by |."),
        ("C9", "a note must be from 21 (A0) to 108 (C8), the keys of a piano; got C9 (120)"),
        ("G#0 | Ab0 | A0", "got G#0 (20)"),
        ("C-1", "got C-1 (0)"),
        ("60 20", "got 20"),
        ("109", "got 109"),
    ],
)
def test_wrong_notes_get_a_sentence(text, sentence):
    with pytest.raises(InputError) as error:
        read_notes(text)
    assert sentence in str(error.value)


def write(path, content):
    text = json.dumps(content).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


ONE, TWO = [[60, 64], [], [62]], [[67]]


@pytest.mark.parametrize("name", ["pieces.json", "pieces.json.gz"])
def test_pieces_in_a_file(tmp_path, name):
    path = tmp_path / name
    whole = read_pieces(write(path, {"train": [ONE, TWO], "valid": [TWO], "test": [ONE]}))
    parts = [part.pieces for part in (whole.train, whole.validation, whole.test)]
    assert parts == [[ONE, TWO], [TWO], [ONE]]
    assert whole.about == name
    listed = read_pieces(write(path, [ONE, TWO]))
    assert (listed.train.pieces, listed.validation, listed.test) == ([ONE, TWO], None, None)
    assert read_pieces(write(path, ONE)).train.pieces == [ONE]
    assert read_pieces(write(path, {"train": [[[64.0, 60, 64]]]})).train.pieces == [[[60, 64]]]
    assert read_pieces(write(path, [])).train.pieces == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (5, "p.json must be a list of pieces: lists of steps"),
        ({"training": []}, "pieces under 'train', 'valid' and 'test'; got the keys ['training']"),
        ({"train": {}}, "'train' of p.json must be a list of pieces"),
        ([ONE, []], "piece 2 of p.json must be at least one step long; got none. Leave it out."),
        ([ONE, 5], "piece 2 of p.json must be a list of steps, each a list of MIDI numbers; got 5"),
        ([ONE, [60]], "step 1 of piece 2 of p.json must be a list of MIDI numbers; got 60"),
        ([ONE, [[60.5]]], "step 1 of piece 2 of p.json must be a list of MIDI numbers; got [60.5]"),
        ([[["C4"]]], "got ['C4']"),
        ([[[True]]], "got [True]"),
        ([TWO, [[60], [20]]], "a note of step 2 of piece 2 of p.json must be from 21 (A0) to 108"),
        ([[[-1]]], "got -1"),
    ],
)
def test_wrong_files_get_a_sentence(tmp_path, content, sentence):
    with pytest.raises(InputError) as error:
        read_pieces(write(tmp_path / "p.json", content))
    assert sentence in str(error.value)


def test_damaged_and_missing_files_get_a_sentence(tmp_path):
    for name in ("gone.json", "gone.json.gz"):
        with pytest.raises(InputError, match=r"There is no file .*gone\.json"):
            read_pieces(tmp_path / name)
    for content in (b"no gzip", gzip.compress(b"[[["), gzip.compress(b"[]")[:-4]):
        (tmp_path / "bad.json.gz").write_bytes(content)
        with pytest.raises(InputError, match=r"bad\.json\.gz is damaged"):
            read_pieces(tmp_path / "bad.json.gz")
    (tmp_path / "bad.json").write_text("[[[")
    with pytest.raises(InputError, match="is damaged: it is not JSON"):
        read_pieces(tmp_path / "bad.json")
