"""A task for tests: are there more ones than zeros? Small, quick, and one file like any task."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from torch import nn

from recur import training
from recur.data.sequences import Sequences
from recur.messages import InputError
from recur.models import ManyToOne
from recur.tasks.options import Options, option
from recur.tasks.task import HeldOut, Prepared, Task, Trained


@dataclasses.dataclass(frozen=True, kw_only=True)
class CountingOptions(Options):
    units: int = option(4, "hidden units", least=1)
    steps: int = option(6, "longest sequence", least=2)
    broken: bool = option(False, "a target that is not finite, to see what happens")


@dataclasses.dataclass(frozen=True)
class CountingPreprocessing:
    words: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {"words": list(self.words)}

    @classmethod
    def from_json(cls, stored: Any) -> CountingPreprocessing:
        return cls(tuple(stored["words"]))


@dataclasses.dataclass(frozen=True)
class Count:
    text: str
    probability: float

    def __str__(self) -> str:
        return f"{self.text}: {self.probability:.3f}"

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def examples(options: CountingOptions, n: int, seed: int) -> Sequences:
    rng = np.random.default_rng(seed)
    x = [rng.integers(0, 2, rng.integers(1, options.steps + 1)) for _ in range(n)]
    y = np.array([row.mean() > 0.5 for row in x], dtype=np.float32)
    if options.broken:
        y[-1] = np.nan
    return Sequences(x, y)


class Counting(Task[CountingOptions, CountingPreprocessing, Sequences]):
    name = "counting"
    kind = "many-to-one"
    summary = "more ones than zeros?"
    inputs = "zeros and ones"
    options = CountingOptions
    preprocessing = CountingPreprocessing
    metrics = ("accuracy",)
    monitor = "val_accuracy"

    def prepare(self, options):
        train = examples(options, options.limit or 64, 0)
        validation = examples(dataclasses.replace(options, broken=False), 16, 1)
        words = CountingPreprocessing(("0", "1", options.data))
        test = self.held_out(options, words)
        return Prepared("zeros and ones", train, validation, test, words)

    def held_out(self, options, preprocessing, data=""):
        if data == "missing":
            raise InputError("There is no file missing. Check the path.")
        return HeldOut(examples(options, 16, 2), ("Made up for tests.",))

    def model(self, options, preprocessing) -> nn.Module:
        return ManyToOne(outputs=1, vocabulary=2, embedding=4, **options.recurrent())

    def loss(self, preprocessing) -> str:
        return "binary_crossentropy_with_logits"

    def evaluate(self, trained: Trained[Any, Any], data: Sequences) -> dict[str, float]:
        return training.evaluate(trained.model, data, loss=self.loss(None), metrics=self.metrics)

    def report(self, scores) -> str:
        return f"accuracy {scores['accuracy']:.4f}"

    def predict(self, trained, inputs):
        if not inputs:
            raise InputError("counting needs zeros and ones.")
        x = [np.array([int(digit) for digit in text]) for text in inputs]
        scores = torch.sigmoid(training.predict(trained.model, Sequences(x)))
        return [Count(t, float(s)) for t, s in zip(inputs, scores, strict=True)]
