"""Pen: writes a text by hand. One-to-many: each letter becomes many points of a pen's path.

A window slides along the text, recurrent layers read the last point and what the window shows, and
give a density of where the pen goes next, from which points are drawn (A. Graves, "Generating
sequences with recurrent neural networks", arXiv:1308.0850, section 5).

It learns from what `handwriting` learns to read: a folder of InkML files, or JSON lines:

    {"text": "hi", "writer": "anna", "strokes": [[[0, 9], [0, 0], [3, 4]], [[7, 4], [7, 0]]]}
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from recur import plots
from recur.data.documents import Documents
from recur.data.examples import Examples, Lazy
from recur.data.ink.moves import Moves
from recur.data.records.handwritten import Columns, Handwritten, apart, read_handwritten, varied
from recur.data.splits import Parting, Splits
from recur.decoding import Mixture
from recur.diagnostics import Attribution
from recur.messages import InputError, listed, must, shown
from recur.models.scribe import Scribe
from recur.scoring import words
from recur.scoring.densities import one_mixture
from recur.tasks.answers import Answer
from recur.tasks.pen_data import PenOptions, drawn, moves_of, shortened
from recur.tasks.penned import PenAnswering, Penned, PenPreprocessing, penned
from recur.tasks.task import Evaluation, Objective, Task, Trained
from recur.tasks.tiny import Tiny, strokes
from recur.training.call import caller
from recur.training.measure import evaluating

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AT_ONCE = 64
"""Pieces that are measured or written at a time."""
JUDGED = 500
"""Texts that are written for a judge at most."""


TrainedHere = Trained[PenOptions, PenPreprocessing]


class Pen(Task[PenOptions, Handwritten, PenPreprocessing, PenAnswering]):
    """The task."""

    name = "pen"
    kind = "one-to-many"
    summary = "how a text is written by hand"
    takes = "a text"
    gives = "the strokes of a pen that write it"
    data = "plotted-words"
    metric = "log-likelihood"
    inputs = "a text"
    judge = "handwriting"
    sample = (
        "words.jsonl",
        '{"text": "to", "writer": "anna", "strokes": [[[2, 9], [2, 0]], [[0, 6], [4, 6]], '
        "[[8, 5], [6, 2], [8, 0], [9, 3], [8, 5]]]}\n"
        '{"text": "l", "writer": "anna", "strokes": [[[0, 0], [4, 8], [2, 9], [1, 2], [4, 0]]]}\n'
        '{"text": "it", "writer": "ben", "strokes": [[[0, 5], [0, 0]], [[0, 8]], '
        "[[4, 9], [4, 0]], [[3, 6], [6, 6]]]}\n"
        '{"text": "v", "writer": "cleo", "strokes": [[[0, 6], [2, 0], [4, 6]]]}\n',
    )
    options = PenOptions
    preprocessing = PenPreprocessing
    records = Handwritten
    answering = PenAnswering
    parting = Parting(apart, apart, mixes=True)

    def open(
        self, source: Any, options: PenOptions, fitted: PenPreprocessing | None = None
    ) -> Splits[Handwritten]:
        """Reads a folder of InkML files, or a table of strokes."""
        return read_handwritten(
            source,
            Columns(options.strokes, options.text, options.writer, options.path),
            down=options.down,
            delimiter=options.delimiter,
            encoding=options.encoding,
            drop_bad=options.drop_bad,
        )

    def read(self, options: PenOptions, source: Any = None) -> Splits[Handwritten]:
        """Returns the data, without pieces of too many points; a note names them."""
        return shortened(super().read(options, source), options)

    def augmented(self, learnt: Handwritten, options: PenOptions) -> Handwritten:
        """Pieces that chance changes anew each time."""
        return varied(learnt) if options.changes else learnt

    def fit(self, splits: Splits[Handwritten], options: PenOptions) -> PenPreprocessing:
        """Collects the characters, and how far a pen moves."""
        learnt = splits.train
        moves = moves_of(learnt, options)
        deviations = moves[:, :2].std(axis=0, dtype=np.float64).clip(min=1e-3).tolist()
        characters = sorted(set("".join(learnt.transcripts)))
        letters = sum(map(len, learnt.transcripts))
        return PenPreprocessing(
            "".join(characters), (deviations[0], deviations[1]), min(letters / len(moves), 1.0)
        )

    def encode(self, records: Handwritten, options: PenOptions, fitted: PenPreprocessing) -> Lazy:
        """Characters, and the moves that write them."""
        texts = [fitted.tokens(text) for text in records.transcripts]
        for row, text in enumerate(texts):
            if not text:
                expected = f"a text with some of {shown(fitted.characters)}"
                raise InputError(
                    must(records.names[row], expected, shown(records.transcripts[row]))
                )
        inks = drawn(records, options)

        def read(index: int, chance: np.random.Generator | None) -> tuple[Any, ...]:
            ink = inks[index]
            moves = Moves.of(ink if chance is None else options.changes(ink, chance))
            return texts[index], moves / fitted.scale

        return Lazy(
            len(records),
            read,
            lengths=[len(ink.points) - 1 for ink in inks],
            aligned=False,
            augment=records.varied,
            seed=options.seed,
        )

    def model(self, options: PenOptions, fitted: PenPreprocessing) -> nn.Module:
        """Recurrent layers and a window over the text."""
        recurrent = options.recurrent()
        del recurrent["bidirectional"]
        return Scribe(
            vocabulary=len(fitted.characters),
            components=options.components,
            gaussians=options.gaussians,
            pace=fitted.pace,
            **recurrent,
        )

    def objective(self, options: PenOptions, fitted: PenPreprocessing) -> Objective:
        """The negative log-likelihood of a point, in nats, of moves with a deviation of 1."""
        return Objective(Mixture(options.components, least=Scribe.least).loss)

    def recipe(self, options: PenOptions) -> dict[str, Any]:
        """Batches of similar length, and a step size that falls if asked for."""
        return {"bucket": True, **({"schedule": "linear"} if options.decay else {})}

    def score(
        self, trained: TrainedHere, records: Handwritten, examples: Examples | Documents
    ) -> Evaluation:
        """Returns how likely the points are, and how far from the mean that is foretold."""
        assert isinstance(examples, Lazy)
        fitted, emission = trained.preprocessing, _scribe(trained).emission
        scale, call = torch.from_numpy(fitted.scale[:2]), caller(trained.model)
        total = errors = points = 0.0
        with evaluating(trained.model), torch.no_grad():
            for begin in range(0, len(examples), AT_ONCE):
                batch = examples.batch(range(begin, min(begin + AT_ONCE, len(examples))))
                assert isinstance(batch.y, Tensor)
                counts = batch.y.isfinite().all(dim=-1)
                scores, y = call(batch).cpu()[counts], batch.y[counts]
                total += float(emission.log_likelihood(scores, y).double().sum())
                wrong = (emission.mean(scores) - y[:, :2]) * scale
                errors += float(wrong.double().square().sum())
                points += len(y)
        # In sizes of the letters, whatever the deviations.
        found = total / points - math.log(math.prod(fitted.deviations))
        values = {"log_likelihood": found, "squared_error": errors / points, "points": points}
        unknown = fitted.unknown(records.transcripts)
        notes: tuple[str, ...] = ()
        if unknown:
            left = listed(map(repr, unknown[:5]), "and")
            notes = (f"Of the texts, {left} was never learnt and is left out.",)
        return Evaluation(values, notes)

    def beside(
        self, trained: TrainedHere, learnt: Callable[[], Splits[Handwritten]], records: Handwritten
    ) -> dict[str, float]:
        """The same of one mixture of Gaussians for all moves, and of the mean move."""
        train, asked = (moves_of(each, trained.options) for each in (learnt().train, records))
        found = one_mixture(train, asked, components=trained.options.components)
        return {f"{name}_without_memory": value for name, value in found.items()}

    def judged(
        self, trained: TrainedHere, records: Handwritten, read: Callable[[Any], list[str]]
    ) -> dict[str, float]:
        """The character error of what the network writes, and of what people wrote."""
        first = dict(zip(reversed(records.transcripts), reversed(range(len(records))), strict=True))
        asked = records.take(sorted(first.values())[:JUDGED])
        texts = asked.transcripts
        found = {"cer_people": words.error_rates(read(_bare(asked)), texts)["cer"]}
        for name, bias in (("cer", PenAnswering().bias), ("cer_unbiased", 0.0)):
            how = PenAnswering(bias=bias, seed=trained.options.seed)
            written = [
                each.ink for each in penned(_scribe(trained), trained.preprocessing, texts, how)
            ]
            pieces = Handwritten(written, texts, [], [])
            found[name] = words.error_rates(read(pieces), texts)["cer"]
        return found

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores in lines."""
        lines = [
            f"test log-likelihood {scores['log_likelihood']:.4f} nats a point  "
            f"squared error {scores['squared_error']:.4f} square sizes"
        ]
        if "log_likelihood_without_memory" in scores:
            likely, wrong = (
                scores[f"{name}_without_memory"] for name in ("log_likelihood", "squared_error")
            )
            lines.append(
                f"without a network, one mixture for all moves: {likely:.4f} nats a point, the "
                f"mean move: {wrong:.4f}"
            )
        if "cer" in scores:
            lines.append(
                f"read by the judge: character error rate {scores['cer']:.4f}, with a bias of 0 "
                f"{scores['cer_unbiased']:.4f}; of people's own writing {scores['cer_people']:.4f}"
            )
        return "\n".join(lines)

    def asked(self, trained: TrainedHere, inputs: Sequence[Any]) -> Handwritten:
        """Texts to write."""
        texts = [" ".join(each.split()) if isinstance(each, str) else "" for each in inputs]
        if not texts or not all(texts):
            raise InputError("pen needs texts to write, each with a letter at least.")
        unknown = trained.preprocessing.unknown(texts)
        if unknown:
            known = f"texts of {shown(trained.preprocessing.characters)}, which it learnt"
            raise InputError(must("what is written", known, shown("".join(unknown))))
        return Handwritten([], texts, texts, [])

    def answer(self, trained: TrainedHere, records: Handwritten, how: PenAnswering) -> list[Answer]:
        """Writes each text, by chance of its own."""
        model, fitted = _scribe(trained), trained.preprocessing
        found = [penned(model, fitted, [text], how)[0] for text in records.transcripts]
        return [dataclasses.replace(each, number=n) for n, each in enumerate(found, start=1)]

    def explained(
        self, trained: TrainedHere, records: Handwritten, how: PenAnswering
    ) -> list[Attribution]:
        """Says of each character how likely what was written of it is."""
        found = []
        for each in self.answer(trained, records, how):
            assert isinstance(each, Penned)
            x = torch.tensor([trained.preprocessing.tokens(each.text)])
            y = torch.from_numpy((each.moves / trained.preprocessing.scale)[None]).float()
            model = _scribe(trained)
            with evaluating(model), torch.no_grad():
                likely = model.emission.log_likelihood(model(x, targets=y), y)[0].double()
            # Where the window had left the text, the last character was still being written.
            left = 1 - each.weights.sum(axis=1)
            shares = each.weights.copy()
            shares[:, -1] += left
            values = tuple((likely.numpy() @ shares).tolist())
            found.append(
                Attribution(
                    "window", values, tuple(each.text), sum(values), 0.0, 0, "log-likelihood", True
                )
            )
        return found

    def figures(
        self, trained: TrainedHere, answers: Sequence[Answer]
    ) -> Iterator[tuple[str, Figure]]:
        """Draws the strokes with the character of each point, and where the window stood."""
        for number, each in enumerate(answers, start=1):
            assert isinstance(each, Penned)
            end = "" if len(answers) == 1 else f"-{number}"
            ink = Moves.drawn(each.moves)
            lifted = np.zeros(len(ink.points), dtype=bool)
            lifted[ink.starts] = True
            yield (
                f"written{end}",
                plots.handwriting(ink.points, lifted, letters=each.letters, title=each.text),
            )
            yield (
                f"window{end}",
                plots.alignment(
                    each.weights.T, target=list(each.text), title="Which points are of which letter"
                ),
            )

    def tiny(self, folder: Path) -> Tiny:
        """Tiny data: upright strokes and hooks, as two letters."""
        still = dict.fromkeys(("turn", "shear", "stretch"), 0.0)
        small = {"components": 3, "gaussians": 2, **still}
        return Tiny({"data": strokes(folder / "strokes.jsonl"), **small}, ("lul", "u"))


def _scribe(trained: TrainedHere) -> Scribe:
    assert isinstance(trained.model, Scribe)
    return trained.model


def _bare(records: Handwritten) -> Handwritten:
    return dataclasses.replace(records, transcripts=[], varied=False)
