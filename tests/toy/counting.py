"""A task for tests: are there more ones than zeros? Small, quick, and one file like any task."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from torch import nn

from recur import training
from recur.data.sequences import Sequences
from recur.data.splits import Records, Splits
from recur.messages import InputError
from recur.models import ManyToOne
from recur.tasks.answers import Answer
from recur.tasks.options import Answering, Options, Recipe, option
from recur.tasks.task import Fitted, Objective, Task
from recur.tasks.tiny import Tiny


@dataclasses.dataclass(frozen=True, kw_only=True)
class CountingOptions(Options):
    units: int = option(4, "hidden units", least=1)
    steps: int = option(6, "longest sequence", least=2)
    broken: bool = option(False, "a target that is not finite, to see what happens")


@dataclasses.dataclass(frozen=True, kw_only=True)
class CountingAnswering(Answering):
    digits: int = option(3, "digits of a probability", least=1)


@dataclasses.dataclass(frozen=True)
class CountingPreprocessing(Fitted):
    words: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Count(Answer):
    text: str
    probability: float
    digits: int

    def __str__(self) -> str:
        return f"{self.text}: {self.probability:.{self.digits}f}"

    def files(self):
        yield f"{self.text}.txt", str(self).encode()


@dataclasses.dataclass(frozen=True, eq=False)
class Digits(Records):
    rows: list[Any]
    noun = "row"

    def __len__(self):
        return len(self.rows)

    def take(self, rows):
        return Digits([self.rows[row] for row in rows])


def drawn(options: CountingOptions, n: int, seed: int) -> Digits:
    rng = np.random.default_rng(seed)
    return Digits([rng.integers(0, 2, rng.integers(1, options.steps + 1)) for _ in range(n)])


class Counting(Task[CountingOptions, Digits, CountingPreprocessing, CountingAnswering]):
    name = "counting"
    kind = "many-to-one"
    summary = "more ones than zeros?"
    takes = "zeros and ones"
    gives = "whether the ones are more"
    data = ""
    metric = "accuracy"
    inputs = "zeros and ones"
    options = CountingOptions
    preprocessing = CountingPreprocessing
    records = Digits
    answering = CountingAnswering
    recipes = {"large": Recipe("more units and longer rows", {"units": 8, "steps": 9})}  # noqa: RUF012

    def read(self, options, source=None):
        parts = (drawn(options, n, seed) for seed, n in enumerate((options.limit or 64, 16, 16)))
        return Splits(*parts, about="zeros and ones", notes=("Made up for tests.",))

    def open(self, source, options, fitted=None):
        return Splits(drawn(options, 16, 2), about="zeros and ones")

    def fit(self, splits, options):
        return CountingPreprocessing(("0", "1", options.data))

    def encode(self, records, options, fitted):
        y = np.array([row.mean() > 0.5 for row in records.rows], dtype=np.float32)
        if options.broken and len(records) > 16:
            y[-1] = np.nan
        return Sequences(records.rows, y)

    def model(self, options, fitted) -> nn.Module:
        return ManyToOne(outputs=1, vocabulary=2, embedding=4, **options.recurrent())

    def objective(self, options, fitted):
        return Objective("binary_crossentropy_with_logits", ("accuracy",), "val_accuracy")

    def report(self, scores) -> str:
        return f"accuracy {scores['accuracy']:.4f}"

    def asked(self, trained, inputs):
        if not inputs or not all(set(text) <= set("01") for text in inputs):
            raise InputError("counting needs zeros and ones.")
        return Digits([np.array([int(digit) for digit in text]) for text in inputs])

    def answer(self, trained, records, how):
        scores = torch.sigmoid(training.predict(trained.model, Sequences(records.rows)))
        texts = ("".join(map(str, row)) for row in records.rows)
        return [Count(t, float(s), how.digits) for t, s in zip(texts, scores, strict=True)]

    def calibrate(self, trained, validation):
        return {"rows": len(validation)}

    def tiny(self, folder):
        return Tiny({}, ["101", "0"])
