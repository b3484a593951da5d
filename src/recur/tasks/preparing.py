"""From the data that options name to a trained model: the same way for every task."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from torch import nn

from recur import training
from recur.data.documents import Documents
from recur.data.examples import Examples
from recur.data.splits import Records, Splits, TooFewError
from recur.messages import FailedError, InputError, count, must
from recur.tasks.options import Options
from recur.tasks.sources import dataset, loaded

if TYPE_CHECKING:
    from recur.tasks.task import Evaluation, Preprocessing, Task, Trained

R = TypeVar("R", bound=Records)


@dataclasses.dataclass(frozen=True)
class HeldOut(Generic[R]):
    """A part that training never sees.

    Attributes:
        records: as they were read.
        examples: as numbers.
        notes: what must be said wherever a score on them is shown.
    """

    records: R
    examples: Examples | Documents
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Prepared(Generic[R]):
    """Data, ready for training.

    Attributes:
        about: what they are, in a line.
        splits: as they were read.
        train: the training part as numbers, with what was made from it.
        validation: the validation part as numbers.
        test: the test part.
        preprocessing: what was fitted on the training part.
    """

    about: str
    splits: Splits[R]
    train: Examples | Documents
    validation: Examples | Documents
    test: HeldOut[R]
    preprocessing: Any


def read(task: Task[Any, R, Any, Any], options: Options, source: Any = None) -> Splits[R]:
    """Reads the data that options name, and cuts off what they do not set apart.

    Args:
        task: the task.
        options: its options.
        source: a table in memory, in the place of a file.

    Raises:
        InputError: if the data are not what the task needs, or too few.
    """
    named = None if source is not None else dataset(options.data, task)
    if named is not None:
        splits: Splits[R] = loaded(named, options.data)
    else:
        splits = task.open(options.data if source is None else source, options)
    return splits.parted(
        task.rules(splits, options),
        test=getattr(options, "test_split", None),
        validation=options.validation_split,
        limit=options.limit,
    )


def prepare(task: Task[Any, R, Any, Any], options: Options, source: Any = None) -> Prepared[R]:
    """Reads, fits and encodes.

    Args:
        task: the task.
        options: its options.
        source: a table in memory, in the place of a file.

    Raises:
        InputError: if the data are not what the task needs.
    """
    read_as = task.read(options, source)
    splits = dataclasses.replace(read_as, train=task.augmented(read_as.train, options))
    assert splits.validation is not None
    assert splits.test is not None
    fitted = task.fit(splits, options)
    train, validation, test = (
        _encoded(task, part, options, fitted, f"the {name} part of {splits.about}")
        for name, part in (
            ("training", splits.train),
            ("validation", splits.validation),
            ("test", splits.test),
        )
    )
    held = HeldOut(splits.test, test, splits.notes)
    return Prepared(about(read_as, len(splits.train)), splits, train, validation, held, fitted)


def validation(task: Task[Any, R, Any, Any], options: Options, fitted: Any) -> Examples | Documents:
    """Reads the validation part of the data that options name, as numbers.

    Args:
        task: the task.
        options: its options.
        fitted: the preprocessing of the run, whatever one would be fitted today.

    Raises:
        InputError: if the data are not what the task needs.
    """
    splits = task.read(options)
    assert splits.validation is not None
    return _encoded(
        task, splits.validation, options, fitted, f"the validation part of {splits.about}"
    )


def about(splits: Splits[R], learnt: int | None = None) -> str:
    """Returns what the parts are, in a line.

    Args:
        splits: as they were read.
        learnt: the examples to learn from, with those that were made from others.
    """
    assert splits.validation is not None
    assert splits.test is not None
    number = len(splits.train)
    parts = f"{splits.about}: {count(number, splits.train.noun)} to learn from"
    made = f" (and {learnt - number:,} made from them)" if learnt and learnt > number else ""
    parts += f"{made}, {len(splits.validation):,} to choose the best epoch by, "
    return parts + f"{len(splits.test):,} to test on"


def _encoded(
    task: Task[Any, R, Any, Any], records: R, options: Options, fitted: Any, what: str
) -> Examples | Documents:
    """Records as numbers; of those that are none, `what` says which they are."""
    try:
        return task.encode(records, options, fitted)
    except TooFewError as error:
        raise error.of(what) from None


def check_asked(splits: Splits[R], options: Options) -> None:
    """Checks that no share was asked for of data that set the part apart themselves.

    Raises:
        InputError: if one was: nothing is asked for in vain.
    """
    for part in ("validation", "test"):
        if part not in splits.cut and getattr(options, f"{part}_split", None) is not None:
            raise InputError(
                f"{splits.about} has a {part} part of its own, so that {part} split has nothing to "
                "cut. Leave it out."
            )


def held_out(
    task: Task[Any, R, Any, Any],
    options: Options,
    fitted: Preprocessing,
    data: str = "",
    source: Any = None,
    *,
    known: bool = False,
) -> HeldOut[R]:
    """Returns the test part of the data that options name; of other data theirs, or all of them.

    Args:
        task: the task.
        options: how data are read, and where the run's own are.
        fitted: the run's preprocessing.
        data: other data: a file, or a dataset's name.
        source: other data: a table in memory.
        known: the table is the one that the run was trained on.

    Raises:
        InputError: if the data are not what the task needs.
    """
    if not known and (data or source is not None):
        splits = other(task, options, fitted, data, source)
        apart = splits.test is not None and len(splits.test) > 0
        records = splits.test if splits.test is not None and apart else splits.train
    else:
        splits, apart = task.read(options, source), True
        records = task.tested(splits, fitted)
    what = f"the test part of {splits.about}" if apart else splits.about
    if not len(records):
        raise InputError(must(what, f"at least one {records.noun} to test on", "none"))
    return HeldOut(records, _encoded(task, records, options, fitted, what), splits.notes)


def other(
    task: Task[Any, R, Any, Any],
    options: Options,
    fitted: Preprocessing,
    data: str = "",
    source: Any = None,
) -> Splits[R]:
    """Reads data that the model was not trained on, as `held_out` takes them."""
    named = dataset(data, task) if source is None else None
    if named is None:
        return task.open(data if source is None else source, options, fitted)
    splits: Splits[R] = loaded(named, data)
    return splits


def evaluated(
    task: Task[Any, R, Any, Any],
    trained: Trained[Any, Any],
    held: HeldOut[R],
    learnt: Callable[[], Splits[R]],
) -> Evaluation:
    """Scores a network on what it never saw, and what stands beside it.

    Args:
        task: the task.
        trained: the network.
        held: what it is tested on.
        learnt: reads what it was trained on.
    """
    found = task.score(trained, held.records, held.examples)
    try:
        return dataclasses.replace(
            found, values={**found.values, **task.beside(trained, learnt, held.records)}
        )
    except (InputError, FailedError) as error:
        note = f"Nothing else that learns stands beside it: {error}"
        return dataclasses.replace(found, notes=(*found.notes, note))


def learn(
    task: Task[Any, R, Any, Any],
    model: nn.Module,
    prepared: Prepared[R],
    options: Options,
    **loop: Any,
) -> training.History:
    """Trains the model; it ends with the weights of the best validation epoch.

    Args:
        task: the task.
        model: the model.
        prepared: the data.
        options: the options.
        loop: more arguments for `training.fit`, or others than the task's own.
    """
    objective = task.objective(options, prepared.preprocessing)
    given = {
        "optimizer": options.optimizer,
        "learning_rate": options.learning_rate,
        "ema": options.ema,
        "accumulate": options.accumulate,
        **task.recipe(options),
        **loop,
    }
    history = training.fit(
        model,
        prepared.train,
        validation_data=prepared.validation,
        loss=objective.loss,
        metrics=objective.metrics,
        monitor=objective.monitor,
        restore_best=True,
        epochs=options.epochs,
        batch_size=options.batch_size,
        clip_norm=options.clip_norm or None,
        patience=options.patience,
        seed=options.seed,
        **given,
    )
    task.complete(model, prepared, options)
    return history
