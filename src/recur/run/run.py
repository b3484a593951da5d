"""A finished training, and how it is opened again."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from recur import files, plots, tasks
from recur.data.splits import Splits
from recur.data.tables import NoColumnError
from recur.diagnostics import Attribution
from recur.files import PathLike
from recur.messages import InputError, listed, must
from recur.run import directory, source, weights
from recur.run.inspection import Inspection, inspect
from recur.run.listening import PAUSE, listen
from recur.tasks import preparing
from recur.tasks.answers import Answer
from recur.tasks.listener import Said
from recur.tasks.options import Options
from recur.tasks.task import Evaluation, Task, Trained
from recur.training import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_WHY = 20
"""Pictures of why: of the first inputs."""


@dataclasses.dataclass(frozen=True)
class Scores:
    """Scores on data that training never saw, and what must be said with them.

    Attributes:
        values: Scores by name.
        notes: Sentences about the data.
        text: The scores and the notes as lines for a person.
        evaluation: All that was found; None where scores were read from a file.
    """

    values: dict[str, float]
    notes: tuple[str, ...]
    text: str
    evaluation: Evaluation | None = dataclasses.field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return self.text


class Run:
    """A finished training: what `train` and `load` return.

    Attributes:
        path: The run directory.
        task: The task.
        trained: Options, preprocessing and model.
        history: A row for each epoch.
        metrics: What metrics.json holds.
        answering: How it answers where nothing is asked.
    """

    def __init__(
        self,
        path: Path,
        task: Task[Any, Any, Any, Any],
        trained: Trained[Any, Any],
        history: History,
        metrics: directory.Metrics,
        answering: Mapping[str, Any] | None = None,
    ) -> None:
        self.path = path
        self.task = task
        self.trained = trained
        self.history = history
        self.metrics = metrics
        self.answering = dict(answering or {})

    @property
    def model(self) -> nn.Module:
        """The model, with the weights of the best validation epoch."""
        return self.trained.model

    @property
    def options(self) -> Options:
        """The options that it was trained with."""
        options: Options = self.trained.options
        return options

    @property
    def scores(self) -> Scores:
        """The scores on the test part, as they were measured after training."""
        return _scores(self.task, self.metrics["test"], tuple(self.metrics["notes"]))

    def evaluate(
        self, data: Any = None, *, judge: Run | PathLike | None = None, **reading: Any
    ) -> Scores:
        """Measures the scores again, on the test part or on other data.

        Where `data` holds what the run was trained on (the file was moved), the test part of it is
        measured; of other data the test part if they set one apart, else all.

        Args:
            data: other data (a path, a dataset's name, a table), or a new place of the same.
            judge: a run of the task that can read what this one makes (`Task.judge`), or its path:
                its mistakes are counted too.
            reading: how the other data are read, where that is not as in training: those of the
                task's options that it calls `reading`, such as the names of columns.

        Raises:
            InputError: if the data are not what the task needs, an option says nothing about how
                other data are read, or the judge is none.
        """
        reads = None if judge is None else self._judge(judge)
        held = self._held_out(data, reading)
        evaluation = preparing.evaluated(self.task, self.trained, held, lambda: self._learnt(data))
        if reads is not None:
            found = self.task.judged(self.trained, held.records, reads)
            evaluation = dataclasses.replace(evaluation, values={**evaluation.values, **found})
        return scores_of(self.task, evaluation, held.notes)

    def _judge(self, judge: Run | PathLike) -> Callable[[Any], list[str]]:
        """What reads the texts of records, as the run of another task does."""
        if not self.task.judge:
            raise InputError(f"No run judges what {self.task.name} gives. Leave judge out.")
        by = judge if isinstance(judge, Run) else load(judge)
        if by.task.name != self.task.judge:
            raise InputError(must("judge", f"a run of {self.task.judge}", f"one of {by.task.name}"))
        how = by.task.answering.of(by.task.name, by.answering)

        def read(records: Any) -> list[str]:
            answers: list[Any] = by.task.answer(by.trained, records, how)
            return [each.text for each in answers]

        return read

    def draw_evaluation(self, scores: Scores, into: PathLike | None = None) -> list[Path]:
        """Draws what an evaluation found, where the task has a picture for it.

        Args:
            scores: what `evaluate` gave.
            into: a folder; None: the run's own.

        Raises:
            FailedError: if a figure cannot be written.
        """
        if scores.evaluation is None:
            return []
        return self._draw(self.task.evaluation_figures(self.trained, scores.evaluation), into)

    def _held_out(self, data: Any, reading: Mapping[str, Any]) -> preparing.HeldOut[Any]:
        in_memory, own = _in_memory(data), self._own(data)
        asked = "" if in_memory or data is None or own is not self.options else str(data)
        table = data if in_memory else None
        known = self._is_own_table(data)
        self._check_reading(reading, data, other=(bool(asked) or in_memory) and not known)
        own = dataclasses.replace(own, **reading)
        try:
            return preparing.held_out(
                self.task, own, self.trained.preprocessing, asked, table, known=known
            )
        except NoColumnError as error:
            if not (asked or in_memory):
                raise
            names = listed(self.task.reading)
            todo = f"Columns of other names are named by options of evaluate: {names}."
            raise InputError(f"{error} {todo}") from error

    def _check_reading(self, given: Mapping[str, Any], data: Any, *, other: bool) -> None:
        """The run's own data are read as in training, or their test part would be another."""
        for name, value in given.items():
            if name not in self.task.reading:
                known = listed(self.task.reading) or "none"
                raise InputError(must("an option of evaluate", known, repr(name)))
            if data is None:
                raise InputError(f"{name} says how other data are read: name them (data).")
            before = getattr(self.options, name)
            if not other and value != before:
                expected = f"the same, {before!r}"
                raise InputError(must(f"{name} of the run's own data", expected, repr(value)))

    def _learnt(self, data: Any) -> Splits[Any]:
        """Reads what it was trained on."""
        return self.task.read(self._own(data), data if self._is_own_table(data) else None)

    def _is_own_table(self, data: Any) -> bool:
        """Whether this is the table in memory that it was trained on."""
        return _in_memory(data) and source.is_same_table(directory.read_config(self.path), data)

    def _own(self, data: Any) -> Options:
        """The options, with the place of the data that it was trained on."""
        return self.options if _in_memory(data) else self._moved_to(data)

    def _moved_to(self, data: PathLike | None) -> Options:
        """The options, with another place of the data where the same content lies there."""
        config = directory.read_config(self.path)
        if data is None:
            if not self.task.grows:
                source.check_same(config, self.options, self.path)
            return self.options
        moved = dataclasses.replace(self.options, data=str(files.path_of(data)))
        return moved if source.is_same(config, moved) else self.options

    def predict(
        self, inputs: Any = (), *, tell: Callable[[str], object] | None = None, **how: Any
    ) -> list[Answer]:
        """Answers each input, in order; one text may come without a list.

        Args:
            inputs: what the task takes: texts, paths, arrays or tables.
            tell: told an answer's text piece by piece as it is written, by a task that writes.
            how: how to answer: the task's options for it, such as a length or a temperature.

        Raises:
            InputError: if an input is not what the task needs, or an option is not allowed.
        """
        asked = self.task.answering.of(self.task.name, {**self.answering, **how})
        if tell is not None:
            return self.task.told(self.trained, self._asked(inputs), asked, tell)
        return self.task.answer(self.trained, self._asked(inputs), asked)

    def listen(
        self, pieces: Iterable[Any], *, rate: int = 0, pause: float = PAUSE
    ) -> Iterator[Said]:
        """Hears sound as it comes, and says what is said in it as soon as that is decided.

        It remembers no more than a state of fixed size and the phrase that has begun.

        Args:
            pieces: samples (S,) from -1 to 1, one piece after another, of any sizes.
            rate: samples a second; 0: as the network hears them.
            pause: seconds in which nothing is said, after which a phrase has ended.

        Yields:
            what the transcript grows by, and where phrases end.

        Raises:
            InputError: if the run needs the whole of a recording, or pieces are no samples.
        """
        return listen(self, pieces, rate=rate, pause=pause)

    def why(self, inputs: Any, **how: Any) -> list[Attribution]:
        """Says for each input which of its steps mattered for the answer.

        Args:
            inputs: as for `predict`, as the next one.
            how: how to answer.

        Raises:
            InputError: if the task cannot say, or an input is not what it needs.
        """
        if not self.task.explains:
            raise InputError(f"The task {self.task.name} does not say why. Leave why out.")
        asked = self.task.answering.of(self.task.name, {**self.answering, **how})
        return self.task.explained(self.trained, self._asked(inputs), asked)

    def _asked(self, inputs: Any) -> Any:
        given = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
        return self.task.asked(self.trained, given)

    def save(self, answers: Sequence[Answer], folder: PathLike) -> list[Path]:
        """Writes what answers are as files into a folder, and returns where.

        Answers that give the same name are parts of one file, in their order.

        Raises:
            InputError: if they are none, or a file of that name is there already.
            FailedError: if one cannot be written.
        """
        found: dict[str, list[bytes]] = {}
        for name, content in (part for each in answers for part in each.files()):
            found.setdefault(files.safe_file_name(name), []).append(content)
        if not found:
            raise InputError(f"An answer of {self.task.name} is no file. Leave save out.")
        into = files.path_of(folder)
        file = next((each for each in (into, *into.parents) if each.is_file()), None)
        if file is not None:
            raise InputError(must("save", "a folder", f"the file {file}"))
        files.make_folder(into)
        paths = [into / name for name in found]
        for path in paths:
            if os.path.lexists(path):
                raise InputError(f"{path} exists already, and nothing is overwritten.")
        for path, parts in zip(paths, found.values(), strict=True):
            files.write_bytes(path, b"".join(parts))
        return paths

    # Each picture goes into plots/, or into the folder `into`.

    def draw_why(self, found: Sequence[Attribution], into: PathLike | None = None) -> list[Path]:
        """Draws what `why` found, of the first inputs, and returns the paths.

        Raises:
            FailedError: if a figure cannot be written.
        """
        figures = ((f"why-{n}", each.plot()) for n, each in enumerate(found[:MOST_WHY], start=1))
        return self._draw(figures, into)

    def plot(self, into: PathLike | None = None) -> list[Path]:
        """Draws the history and returns the paths.

        Raises:
            FailedError: if a figure cannot be written.
        """
        return self._draw(plots.curves(self.history.history), into)

    def draw(self, answers: Sequence[Answer], into: PathLike | None = None) -> list[Path]:
        """Draws answers, where the task has a picture for them.

        Raises:
            FailedError: if a figure cannot be written.
        """
        return self._draw(self.task.figures(self.trained, answers), into)

    def inspect(self, data: PathLike | None = None) -> Inspection:
        """Looks into the model: how far back gradients reach, beside the other cells, and more.

        Args:
            data: where the data that it was trained on are now, if they were moved.

        Raises:
            InputError: if the data that it was trained on are not there, or `data` are others.
        """
        moved = self._moved_to(data)
        if data is not None and moved is self.options:
            got = f"{data}, which holds others"
            raise InputError(must("data", "those that the run was trained on", got))
        trained = dataclasses.replace(self.trained, options=moved)
        return inspect(Run(self.path, self.task, trained, self.history, self.metrics))

    def draw_inside(self, inspection: Inspection, into: PathLike | None = None) -> list[Path]:
        """Draws what `inspect` found and returns the paths.

        Raises:
            FailedError: if a figure cannot be written.
        """
        return self._draw(inspection.figures(), into)

    def _draw(self, figures: Iterable[tuple[str, Figure]], into: PathLike | None) -> list[Path]:
        if into is None:
            directory.check_links(self.path)
        folder = self.path / directory.PLOTS if into is None else files.path_of(into)
        return plots.save_each(figures, folder)


def _in_memory(data: Any) -> bool:
    return not (data is None or isinstance(data, str | os.PathLike))


def load(path: PathLike) -> Run:
    """Opens a run directory.

    Raises:
        InputError: if there is none, or it is incomplete, damaged, or from a newer recur.
    """
    path = files.path_of(path)
    config = directory.read_config(path)
    directory.check_complete(path, config["task"])
    task = tasks.find(config["task"])
    options = directory.read_options(path, config, task)
    preprocessing = directory.read_preprocessing(path, task)
    tensors, sealed = files.read_tensors(path / directory.MODEL)
    weights.check_seal(path, sealed, config, options)
    model = weights.built(
        lambda: task.model(options, preprocessing), tensors, path / directory.MODEL
    )
    metrics = directory.read_metrics(path, task)
    history = History.from_csv(path / directory.HISTORY)
    history.notes = list(metrics.get("training_notes", []))
    history.higher_is_better = dict(metrics.get("higher_is_better", {}))
    calibration = directory.read_calibration(path, task, preprocessing)
    trained = Trained(options, preprocessing, model.eval(), calibration)
    return Run(path, task, trained, history, metrics, directory.answering_of(config, task))


def scores_of(
    task: Task[Any, Any, Any, Any], evaluation: Evaluation, notes: tuple[str, ...]
) -> Scores:
    """Returns an evaluation with what must be said with it."""
    found = _scores(task, evaluation.values, (*notes, *evaluation.notes))
    return dataclasses.replace(found, evaluation=evaluation)


def _scores(
    task: Task[Any, Any, Any, Any], values: Mapping[str, float], notes: tuple[str, ...]
) -> Scores:
    return Scores(dict(values), notes, "\n".join([task.report(values), *notes]))
