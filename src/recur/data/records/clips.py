"""Recordings of speech with what is said in them, and by whom."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from recur.data import audio
from recur.data.audio import Sound, names_apart
from recur.data.records.transcribed import MOST_NAMED, Transcribed
from recur.data.splits import Rows, Splits, by_group_or_label
from recur.data.tables import read_table
from recur.messages import InputError, count, must, shown

_NAMED = re.compile(r"(?P<text>[^_]+)_(?P<speaker>[^_]+)_[^_]+")
"""A file's name that says it all: TEXT_SPEAKER_NUMBER.wav, as those of the FSDD."""


@dataclass(frozen=True)
class Clips(Transcribed):
    """Recordings; transcripts and speakers are empty where they are only asked about.

    Attributes:
        sounds: N recordings.
        transcripts: what is said in each, or none at all.
        speakers: who says it, or none at all.
        varied: they are to be learnt from with changes by chance.
    """

    sounds: list[Sound]
    transcripts: list[str]
    speakers: list[str]
    varied: bool = False
    noun: ClassVar[str] = "recording"

    def __len__(self) -> int:
        return len(self.sounds)

    def take(self, rows: Rows) -> Self:
        """Those at `rows`, in that order."""
        at = [int(row) for row in rows]
        return type(self)(
            [self.sounds[row] for row in at],
            [self.transcripts[row] for row in at] if self.transcripts else [],
            [self.speakers[row] for row in at] if self.speakers else [],
            self.varied,
        )

    @property
    def names(self) -> list[str]:
        """What messages call each of them."""
        return [sound.name for sound in self.sounds]

    @classmethod
    def asked(cls, inputs: Sequence[Any], rate: int, least: float = 0.0) -> Self:
        """Recordings without transcripts, for an answer.

        Args:
            inputs: paths; samples (S,) or (S, channels) at `rate`; or pairs of samples and rate.
            rate: of samples that come alone.
            least: seconds that each has at least.

        Raises:
            InputError: if there is none, or one is no recording, cut off, too short or silent.
        """
        if not len(inputs):
            raise InputError("speech needs a recording: the path of a sound file.")
        names = iter(names_apart([Path(each) for each in inputs if isinstance(each, str | Path)]))
        sounds = [_asked(each, rate, names) for each in inputs]
        for each in sounds:
            each.check(least)
        return cls(sounds, [], [])


def _asked(given: Any, rate: int, names: Iterator[str]) -> Sound:
    if isinstance(given, str | Path):
        return audio.in_file(given, next(names))
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], int):
        return audio.of_samples(*given)
    if hasattr(given, "__array__"):
        return audio.of_samples(given, rate)
    raise InputError(must("a recording", "a path or samples", shown(given)))


def _speakers(records: Clips) -> list[str]:
    return records.speakers


def _transcripts(records: Clips) -> list[str]:
    return records.transcripts


apart = by_group_or_label(_speakers, _transcripts)
"""Holds out whole speakers; where there are not two, the same share of every transcript."""


def read_clips(
    source: Any,
    *,
    path: str = "path",
    text: str = "transcript",
    speaker: str = "speaker",
    delimiter: str = "",
    encoding: str = "",
    drop_bad: bool = False,
    least: float = 0.0,
) -> Splits[Clips]:
    """Reads recordings that a table names, or that lie in a folder.

    Args:
        source: a table as `recur.data.tables.read_table` takes it, with a row for each recording,
            paths as seen from its folder; or a folder, also with folders in it. There each
            recording has a text file beside it (a.wav and a.txt), and its speaker is the folder
            that it lies in, if not the first; or it is named TEXT_SPEAKER_NUMBER, as 7_anna_12.wav.
        path: the column of the paths.
        text: the column of the transcripts.
        speaker: the column of the speakers; a table may lack it.
        delimiter: of a table.
        encoding: of a table.
        drop_bad: leave out what cannot be read, is cut off, too short or silent, or has no
            transcript, and say how many.
        least: seconds that each recording has at least.

    Raises:
        InputError: if there is none, or a recording or a transcript is missing or cannot be read.
        FailedError: if a package that reads it is not installed.
    """
    notes: tuple[str, ...] = ()
    if isinstance(source, str | Path) and Path(source).is_dir():
        name = Path(source).name
        rows = _in_folder(Path(source))
    else:
        table = read_table(source, delimiter=delimiter, encoding=encoding, each="recording")
        name, notes = table.name, table.notes
        folder = Path(source).parent if isinstance(source, str | Path) else Path()
        paths, texts = table.cells(path), table.cells(text)
        who = table.cells(speaker) if speaker != "speaker" or speaker in table.columns else paths
        rows = [
            _Row(folder / where, said, by if who is not paths else "", f"row {row} of {name}")
            for where, said, by, row in zip(paths, texts, who, table.rows, strict=True)
        ]
    clips, left = _opened(rows, name, drop_bad, least)
    if clips.speakers:
        speakers = count(len(set(clips.speakers)), "speaker")
        notes = (*notes, f"Of {speakers}; where there are several, whole ones are held out.")
    return Splits(clips, about=name, notes=(*notes, *left))


@dataclass(frozen=True)
class _Row:
    path: Path
    text: str
    speaker: str
    place: str


def _in_folder(folder: Path) -> list[_Row]:
    found = []
    for path in sorted(folder.rglob("*")):
        if not audio.is_recording(path) or not path.is_file():
            continue
        inner = path.parent.name if path.parent != folder else ""
        text, named = audio.text_beside(path), _NAMED.fullmatch(path.stem)
        if text is None and named is not None:
            text, inner = named["text"], named["speaker"]
        found.append(_Row(path, text or "", inner, path.name))
    if not found:
        expected = "a folder with recordings (WAV, FLAC, OGG, MP3), each with its text beside it"
        raise InputError(must(str(folder), expected, "none"))
    return found


def _opened(
    rows: list[_Row], name: str, drop_bad: bool, least: float
) -> tuple[Clips, tuple[str, ...]]:
    sounds, kept, bad = [], [], []
    for row, called in zip(rows, names_apart([row.path for row in rows]), strict=True):
        try:
            if not row.text:
                todo = "Put it into a text file of the same name."
                raise InputError(must(row.place, "with a transcript", "none", todo))
            sound = audio.in_file(row.path, called)
            sound.check(least)
            sounds.append(sound)
            kept.append(row)
        except InputError as error:
            if not drop_bad:
                raise InputError(f"{error} Such recordings can be left out (drop bad).") from error
            bad.append(row.place)
    if not kept:
        raise InputError(must(name, "recordings with transcripts", "none that can be read"))
    known = all(row.speaker for row in kept)
    texts = [" ".join(row.text.split()) for row in kept]
    clips = Clips(sounds, texts, [row.speaker for row in kept] if known else [])
    named = ", ".join(bad[:MOST_NAMED]) + (" and others" if len(bad) > MOST_NAMED else "")
    left = f"{count(len(bad), 'recording')} left out ({named}): nothing to learn from."
    return clips, (left,) if bad else ()


def varied(records: Clips) -> Clips:
    """The same, to be learnt from with changes by chance."""
    return dataclasses.replace(records, varied=True)


def in_strings(clips: Clips, *, sizes: tuple[int, int], gap: float, often: int, seed: int) -> Clips:
    """Recordings of a speaker joined to longer ones, the same every time.

    Args:
        clips: recordings with transcripts and speakers.
        sizes: how many are joined, at least and at most.
        gap: seconds of silence between two of them, at most; drawn anew each time.
        often: how often each recording is used, but for the last few of a speaker.
        seed: draws which, and the gaps.
    """
    chance = np.random.default_rng(seed)
    sounds = list[Sound]()
    texts, speakers = list[str](), list[str]()
    for speaker in sorted(set(clips.speakers)):
        own = [row for row, each in enumerate(clips.speakers) if each == speaker]
        drawn = np.concatenate([chance.permutation(own) for _ in range(often)]).tolist()
        while len(drawn) >= sizes[0]:
            size = int(chance.integers(sizes[0], sizes[1] + 1))
            rows, drawn = drawn[:size], drawn[size:]
            gaps = [float(chance.uniform(0, gap)) for _ in rows[1:]]
            text = " ".join(clips.transcripts[row] for row in rows)
            name = f"{text.replace(' ', '-')}_{speaker}_{len(sounds)}"
            sounds.append(audio.joined([clips.sounds[row] for row in rows], gaps, name))
            texts.append(text)
            speakers.append(speaker)
    return Clips(sounds, texts, speakers)
