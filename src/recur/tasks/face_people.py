"""Who is known, and who is in a picture: what an embedding is compared with.

Letters: N pictures, E numbers of an embedding, P people who are known.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from recur.data.pictures import Picture
from recur.data.records.pictured import OF_PEOPLE, Faces, read_pictured
from recur.data.scanned import Scan, Scanned
from recur.files import PathLike
from recur.messages import InputError, must
from recur.models.margin import Margin
from recur.scoring import thresholds
from recur.scoring.faces import apart, centres, left_out, unit
from recur.tasks.answers import Answer
from recur.training.measure import evaluating

AT_ONCE = 128
"""Pictures that are read at a time."""
NOBODY = "nobody known"
Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Recognised(Answer):
    """Who is in a picture.

    Attributes:
        picture: its name.
        person: who it is; None: nobody known.
        nearness: to the nearest person, the cosine, from -1 to 1.
        nearest: that person.
        threshold: the least nearness of somebody known.
        seen: the picture.
    """

    picture: str
    person: str | None
    nearness: float
    nearest: str
    threshold: float
    seen: Picture = dataclasses.field(repr=False)

    def __str__(self) -> str:
        return f"{self.said}  {self.nearness:.4f}  {self.picture}"

    @property
    def said(self) -> str:
        """The person; or that nobody is known, and who comes nearest."""
        return self.person or f"{NOBODY} (nearest: {self.nearest})"

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as JSON."""
        names = ("picture", "person", "nearness", "nearest", "threshold")
        return {name: getattr(self, name) for name in names}


class Known(NamedTuple):
    """People, and the direction (P, E) of each one's embeddings."""

    people: tuple[str, ...]
    directions: Floats


@dataclasses.dataclass(frozen=True, eq=False)
class Recogniser:
    """A network that embeds faces, and how it reads them.

    Attributes:
        model: the network.
        scan: how pictures become steps.
        people: whom it learnt.
        mirrored: whether a picture is seen in a mirror too.
    """

    model: Margin
    scan: Scan
    people: tuple[str, ...]
    mirrored: bool

    def embed(self, pictures: Sequence[Picture]) -> Floats:
        """(N, E) of length 1."""
        examples, found = Scanned(pictures, self.scan), []
        with evaluating(self.model):
            for begin in range(0, len(pictures), AT_ONCE):
                some = range(begin, min(begin + AT_ONCE, len(pictures)))
                seen = torch.from_numpy(examples.pixels(some)).float() / 255
                rows = self.model.embed(self.scan.steps(seen))
                if self.mirrored:
                    rows = rows + self.model.embed(self.scan.steps(seen.flip(3)))
                found.append(rows.double().cpu().numpy())
        return unit(np.concatenate(found))

    def pixels(self, pictures: Sequence[Picture]) -> NDArray[np.uint8]:
        """(N, C, S, S) the pictures in the size that is read."""
        return Scanned(pictures, self.scan).pixels(range(len(pictures)))

    @property
    def learnt(self) -> Known:
        """Those that it was trained on."""
        return Known(self.people, self.model.directions.detach().double().cpu().numpy())

    def known(self, folder: PathLike = "") -> Known:
        """Those of whom a folder has pictures, a folder each; without one those learnt.

        Raises:
            InputError: if it is no such folder, or a picture cannot be read.
        """
        if not folder:
            return self.learnt
        enrolled = read_pictured(folder, Faces, OF_PEOPLE, alone=True).train
        return Known(*centres(self.embed(enrolled.pictures), enrolled.labels))

    def parted(self, records: Faces) -> tuple[list[int], list[int]]:
        """The rows that people are enrolled by, none if all were learnt; and those to recognise.

        People who were not learnt are enrolled by the first half of their pictures.

        Raises:
            InputError: if nobody has a picture left to be recognised by.
        """
        if set(records.labels) <= set(self.people):
            return [], list(range(len(records)))
        rows: dict[str, list[int]] = {}
        for row, label in enumerate(records.labels):
            rows.setdefault(label, []).append(row)
        enrolled = [row for some in rows.values() for row in some[: max(len(some) // 2, 1)]]
        asked = sorted({*range(len(records))}.difference(enrolled))
        if not asked:
            todo = "The first half enrols a person, the others are to be recognised."
            raise InputError(must("people", "with two pictures at least", "of one each", todo))
        return enrolled, asked

    def threshold(self, records: Faces) -> tuple[float, bool]:
        """The nearness from which on somebody is known, and whether strangers decided it.

        It is where most are rightly known over those wrongly taken
        (`recur.scoring.thresholds.threshold`). If some people of two pictures or more were not
        learnt, each of their pictures is compared with the others of the same person and with
        everybody else. Otherwise pictures are compared with the direction of their own person, and
        of the others.
        """
        rows, names = self.embed(records.pictures), np.asarray(records.labels)
        new = np.flatnonzero([name not in self.people for name in names])
        times, learnt = Counter(names[new].tolist()), self.learnt
        strangers = max(times.values(), default=0) > 1
        if strangers:
            near, asked = left_out(rows[new], names[new].tolist())
            near = np.concatenate([near, rows[new][asked] @ learnt.directions.T], axis=1)
            people, own = sorted(times), names[new][asked].tolist()
        else:
            old = np.flatnonzero([name in self.people for name in names])
            near, people, own = rows[old] @ learnt.directions.T, list(self.people), names[old]
        mine, others = apart(near, [people.index(name) for name in own])
        far = 1 - np.concatenate([mine, others])
        least = 1 - thresholds.threshold(far, np.arange(len(far)) >= len(mine))
        return float(np.clip(least, -1, 1)), strangers


def recognised(
    pictures: Sequence[Picture], rows: Floats, known: Known, least: float
) -> list[Recognised]:
    """Who is in each of N pictures.

    Args:
        pictures: N of them.
        rows: (N, E) their embeddings.
        known: who is known.
        least: the nearness from which on somebody is known.
    """
    answers = []
    for picture, row in zip(pictures, rows @ known.directions.T, strict=True):
        best = int(row.argmax())
        near, nearest = float(np.clip(row[best], -1, 1)), known.people[best]
        person = nearest if near >= least else None
        answers.append(Recognised(picture.name, person, near, nearest, least, picture))
    return answers


class Nearness(nn.Module):
    """The cosines (N, P) between a picture's embedding and people's directions."""

    def __init__(self, model: Margin, directions: Floats) -> None:
        super().__init__()
        self.model, self.directions = model, torch.from_numpy(directions).float()

    def forward(self, x: Tensor) -> Tensor:
        """As above, of steps (N, T, F)."""
        return self.model.embed(x) @ self.directions.T
