"""A finished training, and how it is opened again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from recur import files, plots, tasks
from recur.data.tables import NoColumnError
from recur.diagnostics import Attribution
from recur.files import PathLike
from recur.messages import InputError, listed, must
from recur.run import directory, source, weights
from recur.run.inspection import Inspection, inspect
from recur.tasks.options import Options
from recur.tasks.task import Prediction, Task, Trained
from recur.training import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True)
class Scores:
    """Scores on data that training never saw, and what must be said with them.

    Attributes:
        values: Scores by name.
        notes: Sentences about the data.
        text: The scores and the notes as lines for a person.
    """

    values: dict[str, float]
    notes: tuple[str, ...]
    text: str

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
    """

    def __init__(
        self,
        path: Path,
        task: Task[Any, Any, Any],
        trained: Trained[Any, Any],
        history: History,
        metrics: directory.Metrics,
    ) -> None:
        self.path = path
        self.task = task
        self.trained = trained
        self.history = history
        self.metrics = metrics

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

    def evaluate(self, data: PathLike | None = None, **reading: Any) -> Scores:
        """Measures the scores again, on the test part or on all of `data`.

        Where `data` holds what the run was trained on (the file was moved), the test part of it is
        measured.

        Args:
            data: other data, or a new place of the same.
            reading: how the other data are read, where that is not as in training: those of the
                task's options that it calls `reading`, such as the names of columns.

        Raises:
            InputError: if the data are not what the task needs, or an option says nothing about how
                other data are read.
        """
        own = self._moved_to(data)
        asked = "" if data is None or own is not self.options else str(data)
        self._check_reading(reading, asked)
        own = dataclasses.replace(own, **reading)
        try:
            held_out = self.task.held_out(own, self.trained.preprocessing, asked)
        except NoColumnError as error:
            if not asked:
                raise
            names = listed(self.task.reading)
            todo = f"Columns of other names are named by options of evaluate: {names}."
            raise InputError(f"{error} {todo}") from error
        values = self.task.evaluate(self.trained, held_out.data)
        return _scores(self.task, values, held_out.notes)

    def _check_reading(self, given: Mapping[str, Any], data: str) -> None:
        for name in given:
            if name not in self.task.reading:
                known = listed(self.task.reading) or "none"
                raise InputError(must("an option of evaluate", known, repr(name)))
            if not data:
                raise InputError(f"{name} says how other data are read: name them (data).")

    def _moved_to(self, data: PathLike | None) -> Options:
        """The options, with another place of the data where the same content lies there."""
        if data is not None and source.is_same(
            directory.read_config(self.path), str(files.path_of(data))
        ):
            return dataclasses.replace(self.options, data=str(data))
        return self.options

    def predict(self, inputs: str | Sequence[str] = ()) -> list[Prediction]:
        """Answers each input, in order; one input may come without a list.

        Raises:
            InputError: if an input is not what the task needs.
        """
        given = [inputs] if isinstance(inputs, str) else list(inputs)
        return self.task.predict(self.trained, given)

    def why(self, inputs: str | Sequence[str]) -> list[Attribution]:
        """Says for each input which of its steps mattered for the answer.

        Raises:
            InputError: if the task cannot say, or an input is not what it needs.
        """
        given = [inputs] if isinstance(inputs, str) else list(inputs)
        return self.task.why(self.trained, given)

    # Each picture goes into plots/, or into the folder `into`.

    def draw_why(self, found: Sequence[Attribution], into: PathLike | None = None) -> list[Path]:
        """Draws what `why` found and returns the paths.

        Raises:
            FailedError: if a figure cannot be written.
        """
        figures = ((f"why-{n}", each.plot()) for n, each in enumerate(found, start=1))
        return self._draw(figures, into)

    def plot(self, into: PathLike | None = None) -> list[Path]:
        """Draws the history and returns the paths.

        Raises:
            FailedError: if a figure cannot be written.
        """
        return self._draw(plots.curves(self.history.history), into)

    def draw(self, predictions: Sequence[Prediction], into: PathLike | None = None) -> list[Path]:
        """Draws predictions, where the task has a picture for them.

        Raises:
            FailedError: if a figure cannot be written.
        """
        return self._draw(self.task.pictures(predictions), into)

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
    weights.check_seal(path, sealed, task.name, options)
    model = weights.built(
        lambda: task.model(options, preprocessing), tensors, path / directory.MODEL
    )
    metrics = directory.read_metrics(path, task)
    history = History.from_csv(path / directory.HISTORY)
    history.notes = list(metrics.get("training_notes", []))
    history.higher_is_better = dict(metrics.get("higher_is_better", {}))
    trained = Trained(options, preprocessing, model.eval())
    return Run(path, task, trained, history, metrics)


def _scores(
    task: Task[Any, Any, Any], values: Mapping[str, float], notes: tuple[str, ...]
) -> Scores:
    return Scores(dict(values), notes, "\n".join([task.report(values), *notes]))
