"""Pieces as Standard MIDI Files, which every player and notation program opens.

Written by the package `mido`.
"""

from __future__ import annotations

import io
from typing import Any

from recur.data.music import Piece
from recur.messages import FailedError

TEMPO = 90
"""Steps a minute: each lasts a quarter note."""
LOUDNESS = 80
"""How hard keys are struck, of 127."""


def midi_file(piece: Piece) -> bytes:
    """Returns a piece as a MIDI file of one track: a key that sounds in steps side by side is held.

    Raises:
        FailedError: if the package mido is not installed.
    """
    mido = _mido()
    file = mido.MidiFile(type=0)
    track = file.add_track()
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(TEMPO)))
    sounding: set[int] = set()
    waited = 0
    for step in [*piece, []]:
        changes = [("note_off", key) for key in sorted(sounding.difference(step))]
        changes += [("note_on", key) for key in sorted(set(step).difference(sounding))]
        for kind, key in changes:
            track.append(mido.Message(kind, note=key, velocity=LOUDNESS, time=waited))
            waited = 0
        waited += file.ticks_per_beat
        sounding = set(step)
    # A rest at the end belongs to the piece.
    track.append(mido.MetaMessage("end_of_track", time=waited - file.ticks_per_beat))
    written = io.BytesIO()
    file.save(file=written)
    return written.getvalue()


def _mido() -> Any:
    try:
        import mido
    except ImportError as error:
        raise FailedError(
            "MIDI files need the package mido, which is not installed. Install it with: "
            "pip install 'recur[music]'"
        ) from error
    return mido
