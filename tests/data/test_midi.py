"""MIDI files: read back by the package that others read them with, they are the piece."""

from __future__ import annotations

import io
import sys

import mido
import pytest
from hypothesis import given
from tests.data.test_music import PIECES

from recur.data import midi
from recur.messages import FailedError


@given(PIECES)
def test_what_is_written_is_the_piece(piece):
    file = mido.MidiFile(file=io.BytesIO(midi.midi_file(piece)))
    now, sounding, steps = 0, set(), []
    for message in file.tracks[0]:
        now += message.time
        while len(steps) < now // file.ticks_per_beat:
            steps.append(sorted(sounding))
        if message.type in ("note_on", "note_off"):
            assert (message.note in sounding) is (message.type == "note_off")
            sounding ^= {message.note}
    assert steps == piece
    assert not sounding
    assert file.length == pytest.approx(60 / midi.TEMPO * len(piece), abs=1e-3)


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mido", None)
    with pytest.raises(FailedError, match=r"pip install 'recur\[music\]'"):
        midi.midi_file([[60]])
