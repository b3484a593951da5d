"""Video: what happens in a clip, and in each of its frames? Many-to-one and many-to-many at once.

Films are read frame by frame by a small convolutional network, skeletons by the places and motions
of their joints; recurrent layers walk the frames both ways. All frames together give the label of
the clip, and where tags are known each frame gives one of its own.

Own data are a folder for each class with clips in it (.mp4 and others, .gif, folders of pictures,
or skeletons as .csv, .npy and .npz), or a table:

    path,label,person
    clips/001.mp4,wave,anna
    clips/002.mp4,jump,anna
    clips/003.gif,wave,ben
    clips/004.mp4,jump,ben
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from recur import plots, training
from recur.data.documents import Documents
from recur.data.examples import Examples, Lazy
from recur.data.labels import numbered, ordered
from recur.data.records import filmed
from recur.data.records.filmed import Filmed, How
from recur.data.scaling import Scaler
from recur.data.splits import Parting, Splits
from recur.data.targets import IGNORED
from recur.diagnostics import Attribution, integrated_gradients
from recur.messages import InputError, must, one_of
from recur.models.many_to_one import POOLINGS, ManyToOne
from recur.scoring.classes import Confusion, single
from recur.scoring.linear import LinearSummary
from recur.scoring.tags import accuracy
from recur.tasks.answers import Answer
from recur.tasks.options import Answering, Recipe, cell_option, option
from recur.tasks.task import Evaluation, Fitted, Objective, Task, Trained
from recur.tasks.tiny import Tiny, clips
from recur.tasks.video_ways import WAYS, ClipOptions, Read, Reader, Way, way_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LABEL, TAG = "label", "tag"
"""The model's outputs."""
DRAWN = 12
"""Clips of answers that are drawn at most."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class VideoOptions(ClipOptions):
    """Options of the task."""

    data: str = option(
        "moving-digits", "a folder with a folder for each class, a table, or the name of a dataset"
    )
    views: int = option(
        1, "ways that each clip is looked at, whose answers are put together", least=1, most=100
    )
    pooling: str = option(
        "mean",
        "what is judged: the mean of all frames, the greatest, or the mean with learnt weights",
        choices=tuple(name for name in POOLINGS if name != "last"),
    )
    workers: int = option(0, "threads that read clips at the same time", least=0, most=256)
    cell: str = cell_option("lstm")
    bidirectional: bool = option(True, "read each clip in both directions")
    units: int = option(64, "hidden units in each layer and direction", least=1)
    dropout: float = option(0.3, "share of values dropped in training", least=0.0, below=1.0)
    input_dropout: float = option(
        0.0, "share of a frame's numbers dropped in training", least=0.0, below=1.0
    )
    epochs: int = option(10, "passes over the training data", least=1)
    learning_rate: float | None = option(0.003, "the optimizer's step size", above=0.0)
    decay: bool = option(True, "let the step size fall in a straight line, to 0 at the end")

    @property
    def how(self) -> How:
        """How clips are read."""
        columns = self.path, self.label, self.person
        return How(*columns, self.drop_bad, self.delimiter, self.encoding)


@dataclasses.dataclass(frozen=True, eq=False)
class VideoPreprocessing(Fitted):
    """What was learnt before the model.

    Attributes:
        way: "films" or "skeletons".
        classes: the classes.
        tags: the tags of frames; none where frames have none.
        joints: of skeletons.
        scaler: of skeletons brings each number of a step to mean 0 and deviation 1.
    """

    way: str
    classes: tuple[str, ...]
    tags: tuple[str, ...]
    joints: tuple[str, ...]
    scaler: Scaler | None

    def __post_init__(self) -> None:
        one_of("way", self.way, WAYS)
        if len(self.classes) < 2:
            raise InputError(must("classes", "two at least", len(self.classes)))

    @property
    def reads(self) -> Way[Any]:
        """How clips are read."""
        return WAYS[self.way]

    @property
    def inputs(self) -> int:
        """Numbers of a step, of skeletons."""
        return 0 if self.scaler is None else len(self.scaler.mean)


@dataclasses.dataclass(frozen=True, eq=False)
class Watched(Answer):
    """What happens in a clip.

    Attributes:
        clip: its name.
        label: the most probable class.
        probability: of it.
        tags: of each frame the most probable tag; none where none were learnt.
        seen: the clip.
        rows: which of its frames were read.
    """

    clip: str
    label: str
    probability: float
    tags: tuple[str, ...]
    seen: Any = dataclasses.field(repr=False)
    rows: Any = dataclasses.field(repr=False)

    def __str__(self) -> str:
        said = f"{self.label}  {self.probability:.4f}  {self.clip}"
        return "\n".join([said, *(f"    {line}" for line in _stretches(self.tags))])

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as JSON, without the clip."""
        found = {"clip": self.clip, "label": self.label, "probability": self.probability}
        return {**found, "tags": list(self.tags)} if self.tags else found


TrainedHere = Trained[VideoOptions, VideoPreprocessing]


class Video(Task[VideoOptions, Filmed, VideoPreprocessing, Answering]):
    """The task."""

    name = "video"
    kind = "many-to-one"
    summary = "what happens in a clip, and in each of its frames"
    takes = "a film, or a skeleton over time"
    gives = "what happens in it, frame by frame too"
    data = "moving-digits"
    metric = "accuracy"
    sample = (
        "clips.csv",
        "path,label,person\n001.mp4,wave,anna\n002.mp4,jump,anna\n003.mp4,wave,ben\n"
        "004.mp4,jump,ben\n",
    )
    inputs = "the path of a clip"
    options = VideoOptions
    preprocessing = VideoPreprocessing
    records = Filmed
    answering = Answering
    parting = Parting(filmed.apart, filmed.apart, mixes=True)
    recipes: Mapping[str, Recipe] = {
        # Chosen person by person on the training part of MSR Action3D; docs/log.md has the rest.
        "skeletons": Recipe(
            "for skeletons of few people, such as MSR Action3D",
            {
                "cell": "gru",
                "layers": 2,
                "pooling": "max",
                "dropout": 0.5,
                "input_dropout": 0.5,
                "epochs": 30,
                "learning_rate": 0.005,
            },
        )
    }

    def open(
        self, source: Any, options: VideoOptions, fitted: VideoPreprocessing | None = None
    ) -> Splits[Filmed]:
        """Reads clips with labels."""
        return filmed.read_filmed(source, options.how, alone=fitted is not None)

    def augmented(self, learnt: Filmed, options: VideoOptions) -> Filmed:
        """Clips that chance changes anew each time."""
        films = options.flip or options.shift > 0
        skeletons = options.turn > 0 or bool(options.variations)
        varied = films if way_of(learnt).name == "films" else skeletons
        return dataclasses.replace(learnt, varied=varied)

    def fit(self, splits: Splits[Filmed], options: VideoOptions) -> VideoPreprocessing:
        """Collects the classes and the tags; a class may be known from any part."""
        parts = [p for p in (splits.train, splits.validation, splits.test) if p is not None]
        classes = ordered([label for part in parts for label in part.labels], "one")
        tags = sorted({tag for part in parts for some in part.tags for tag in some})
        way = way_of(splits.train)
        joints, scaler = (), None
        if way.name == "skeletons":
            joints = splits.train.clips[0].joints
            scaler = Scaler.fit(np.concatenate(way.plain(splits.train, options)))
        return VideoPreprocessing(way.name, classes, tuple(tags), joints, scaler)

    def encode(
        self,
        records: Filmed,
        options: VideoOptions,
        fitted: VideoPreprocessing,
        view: int | None = None,
    ) -> Lazy:
        """Clips as they are read when a batch asks for them; of one `view`, as chance has it."""
        scaler, read_one = fitted.scaler, _reader(records, options, fitted)
        targets = [row[0] for row in numbered(records.labels, fitted.classes)]
        numbers = {tag: number for number, tag in enumerate(fitted.tags)}

        def read(row: int, chance: np.random.Generator | None) -> tuple[Any, ...]:
            found = read_one(row, chance if view is None else np.random.default_rng(view))
            x = found.x
            if scaler is not None:
                x = scaler.transform(x).astype(np.float32)
            if not targets:
                return (x,)
            y: dict[str, Any] = {LABEL: targets[row]}
            if fitted.tags:
                y[TAG] = _tags(records, row, found, numbers)
            return x, y

        return Lazy(
            len(records),
            read,
            augment=records.varied,
            workers=options.workers,
            seed=options.seed,
        )

    def model(self, options: VideoOptions, fitted: VideoPreprocessing) -> nn.Module:
        """Recurrent layers over the frames, a score for each class, and of each frame its tags'."""
        return ManyToOne(
            **fitted.reads.stands(options, fitted.inputs),
            outputs={LABEL: len(fitted.classes)},
            steps={TAG: len(fitted.tags)} if fitted.tags else None,
            pooling=options.pooling,
            embedding_dropout=options.input_dropout,
            **options.recurrent(),
        )

    def objective(self, options: VideoOptions, fitted: VideoPreprocessing) -> Objective:
        """Cross-entropy of the labels, and of the tags."""
        outputs = (LABEL, TAG) if fitted.tags else (LABEL,)
        loss = dict.fromkeys(outputs, "cross_entropy")
        return Objective(loss, dict.fromkeys(outputs, ("accuracy",)))

    def recipe(self, options: VideoOptions) -> dict[str, Any]:
        """A step size that falls if asked for."""
        return {"schedule": "linear"} if options.decay else {}

    def score(
        self, trained: TrainedHere, records: Filmed, examples: Examples | Documents
    ) -> Evaluation:
        """Accuracy and macro-F1 of the labels; of tags accuracy, and how often all is right."""
        answers = self._watched(trained, records)
        said = [each.label for each in answers]
        found = single(said, records.labels)
        values = {"accuracy": found["accuracy"], "macro_f1": found["macro_f1"]}
        if records.tags:
            tags = [each.tags for each in answers]
            values["tag_accuracy"] = accuracy(tags, records.tags)["accuracy"]
            both = zip(answers, records.labels, records.tags, strict=True)
            right = [each.label == label and each.tags == some for each, label, some in both]
            values["all_right"] = sum(right) / len(right)
        confusion = Confusion.of(said, records.labels, trained.preprocessing.classes)
        return Evaluation(
            {**values, "clips": float(len(records))}, detail=(confusion, answers[:DRAWN])
        )

    def beside(
        self, trained: TrainedHere, learnt: Callable[[], Splits[Filmed]], records: Filmed
    ) -> dict[str, float]:
        """A linear model of mean and deviation over time, and the most frequent tag."""
        splits, way, options = learnt(), trained.preprocessing.reads, trained.options
        parts = [part for part in (splits.train, splits.validation) if part is not None]
        known = [x for part in parts for x in way.plain(part, options)]
        model = LinearSummary.fit(known, [label for part in parts for label in part.labels])
        scores = single(model.answers(way.plain(records, options)), records.labels)
        found = {f"linear_{name}": scores[name] for name in ("accuracy", "macro_f1")}
        if records.tags:
            counts = Counter(tag for part in parts for some in part.tags for tag in some)
            usual = counts.most_common(1)[0][0]
            same = [tag == usual for some in records.tags for tag in some]
            found["usual_tag_accuracy"] = sum(same) / len(same)
        return found

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores of the network, and of what stands beside it."""
        lines = [f"test accuracy {scores['accuracy']:.4f}  macro-F1 {scores['macro_f1']:.4f}"]
        if "tag_accuracy" in scores:
            lines.append(
                f"frames' tags right {scores['tag_accuracy']:.4f}  "
                f"label and all tags of a clip right {scores['all_right']:.4f}"
            )
        if "linear_accuracy" in scores:
            linear = "a linear model of mean and deviation"
            lines.append(f"{linear}: accuracy {scores['linear_accuracy']:.4f}")
        if "usual_tag_accuracy" in scores:
            lines.append(f"the most frequent tag: {scores['usual_tag_accuracy']:.4f}")
        return "\n".join(lines)

    def asked(self, trained: TrainedHere, inputs: Sequence[Any]) -> Filmed:
        """Clips to judge: paths, or arrays."""
        return filmed.asked(inputs, trained.options.how)

    def answer(self, trained: TrainedHere, records: Filmed, how: Answering) -> list[Answer]:
        """Judges clips."""
        return list(self._watched(trained, records))

    def _watched(self, trained: TrainedHere, records: Filmed) -> list[Watched]:
        options, fitted = trained.options, trained.preprocessing
        bare = dataclasses.replace(records, labels=[], varied=False)
        read = _reader(bare, options, fitted)
        labels, tags = self._believed(trained, bare)
        best = labels.max(dim=1)
        found = []
        for row, (index, chance) in enumerate(
            zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ):
            seen = read(row, None)
            said: tuple[str, ...] = ()
            if tags is not None:
                of_read = tags[row, : len(seen.rows)].argmax(dim=1).tolist()
                near = _nearest(seen.rows, seen.frames)
                said = tuple(fitted.tags[of_read[n]] for n in near)
            name, label = records.names[row], fitted.classes[index]
            found.append(Watched(name, label, chance, said, records.clips[row], seen.rows))
        return found

    def _believed(self, trained: TrainedHere, records: Filmed) -> tuple[Tensor, Tensor | None]:
        """Probabilities of the classes (N, C) and of the tags (N, T, K), the mean of all views."""
        options, fitted = trained.options, trained.preprocessing
        views = [None, *range(1, options.views)]
        outputs: list[Any] = [
            training.predict(trained.model, self.encode(records, options, fitted, view))
            for view in views
        ]
        labels = torch.stack([each[LABEL].softmax(dim=1) for each in outputs]).mean(dim=0)
        return labels, outputs[0].get(TAG)

    def explained(self, trained: TrainedHere, records: Filmed, how: Answering) -> list[Attribution]:
        """Says which frames mattered, and of skeletons which joints."""
        options, fitted = trained.options, trained.preprocessing
        examples = self.encode(
            dataclasses.replace(records, labels=[], varied=False), options, fitted
        )
        channels = fitted.reads.channels(fitted.joints, fitted.inputs)
        found = []
        for row in range(len(records)):
            x = examples[row][0]
            labels = [f"frame {n}" for n in range(1, len(x) + 1)]
            found.append(
                integrated_gradients(
                    trained.model,
                    x,
                    labels=labels,
                    names=fitted.classes,
                    channels=channels,
                    head=LABEL,
                )
            )
        return found

    def figures(
        self, trained: TrainedHere, answers: Sequence[Answer]
    ) -> Iterator[tuple[str, Figure]]:
        """A film strip of each of the first clips, its tags beneath."""
        for number, each in enumerate(answers[:DRAWN], start=1):
            assert isinstance(each, Watched)
            frames = trained.preprocessing.reads.drawn(each.seen, trained.options)
            tags = [each.tags[row] for row in each.rows] if each.tags else []
            title = f"{each.label}: {Path(each.clip).name}"
            name = "strip" if len(answers) == 1 else f"strip-{number}"
            yield name, plots.film_strip(frames, tags, title=title)

    def evaluation_figures(
        self, trained: TrainedHere, evaluation: Evaluation
    ) -> Iterator[tuple[str, Figure]]:
        """Which class was taken for which, and the first clips."""
        confusion, answers = evaluation.detail
        yield "confusion", confusion.figure()
        yield from self.figures(trained, answers)

    def tiny(self, folder: Path) -> Tiny:
        """Tiny data."""
        paths = clips(folder / "clips")
        options = {"data": str(folder / "clips"), "size": 6, "features": 4}
        return Tiny(options, paths[:2])


def _reader(records: Filmed, options: VideoOptions, fitted: VideoPreprocessing) -> Reader:
    """What reads the clips, which must be of the kind that is known."""
    way = fitted.reads
    if not isinstance(records, way.records):
        raise InputError(must("the clips", way.name, way_of(records).name))
    return way.reader(records, options, fitted.joints)


def _tags(records: Filmed, row: int, found: Read, numbers: Mapping[str, int]) -> Any:
    """(T,) the numbers of the tags of the frames that are read; of other tags none counts."""
    tags = records.tags[row]
    if len(tags) != found.frames:
        expected = f"one for each of its {found.frames:,} frames"
        raise InputError(must(f"the tags of {records.names[row]}", expected, f"{len(tags):,}"))
    return np.array([numbers.get(tags[n], IGNORED) for n in found.rows], dtype=np.int64)


def _nearest(rows: Any, frames: int) -> list[int]:
    """(frames,) for each frame the one that was read and is nearest."""
    distances = np.abs(np.arange(frames)[:, None] - rows)
    found: list[int] = distances.argmin(axis=1).tolist()
    return found


def _stretches(tags: Sequence[str]) -> Iterator[str]:
    """Frames one after the other that have the same tag, a line each."""
    begin = 0
    for end in range(1, len(tags) + 1):
        if end == len(tags) or tags[end] != tags[begin]:
            yield f"frames {begin + 1} to {end}: {tags[begin]}"
            begin = end
