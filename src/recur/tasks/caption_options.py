"""What a user chooses of the task that writes captions, and of how it answers."""

from __future__ import annotations

import dataclasses
import os

from recur.layers.attention import KINDS
from recur.messages import InputError, must
from recur.models.one_to_many import CONDITIONS
from recur.tasks.options import Answering, TableData, cell_option, option

WITHOUT = "none"
"""In the place of a kind of attention."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaptionOptions(TableData):
    """Options of the task.

    Own data are a folder of pictures with a text file of the same name beside each, a caption a
    line; or a table with the columns `picture` (a path) and `caption`.
    """

    data: str = option("shapes", "a folder, a table, or the name of a dataset")
    picture_column: str = option("picture", "the column of the paths in a table", reads=True)
    caption_column: str = option("caption", "the column of the captions in a table", reads=True)
    vocabulary: int = option(5_000, "the most frequent words that are kept", least=3)
    drop_bad: bool = option(
        False, "leave out pictures that cannot be read or have no caption", reads=True
    )
    features_file: str = option(
        "",
        "a .npz or .safetensors file with what another network found in each picture, (E,) or "
        "(E, h, w), by its name: read in the place of the pixels",
        reads=True,
        file=True,
    )
    size: int = option(64, "pixels of the height and width that pictures get", least=8, most=1024)
    flip: bool = option(False, "in training, see half of the pictures in a mirror")
    crop: float = option(
        0.0, "share of height and width cut off, in training anywhere", least=0.0, most=0.5
    )
    workers: int = option(0, "threads that read pictures at the same time", least=0, most=256)
    features: int = option(
        128, "numbers that the picture, or each of its cells, is for the recurrent layers", least=1
    )
    attention: str = option(
        "additive",
        "how the cells of the picture are asked at each word",
        choices=(*KINDS, WITHOUT),
    )
    condition: str = option(
        "both",
        "where the picture as a whole goes in: the first state, each word's input",
        choices=CONDITIONS,
    )
    cell: str = cell_option("gru")
    units: int = option(128, "hidden units in each layer", least=1)
    embedding: int = option(64, "size of a word's vector", least=1)
    dropout: float = option(0.2, "share of values dropped in training", least=0.0, below=1.0)
    epochs: int = option(15, "passes over the training data", least=1)
    learning_rate: float | None = option(0.004, "the optimizer's step size", above=0.0)
    decay: bool = option(
        True, "let the step size rise for a while, then fall to 0 in half a cosine"
    )
    label_smoothing: float = option(
        0.0, "share of each right word that goes to all words alike", least=0.0, below=1.0
    )
    patience: int | None = option(
        5, "stop after so many epochs without a better validation result", least=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bidirectional:
            todo = "Nothing is written from both ends."
            raise InputError(must("bidirectional", "off for caption", "on", todo))
        if self.features_file:
            path = os.path.abspath(os.path.expanduser(self.features_file))
            object.__setattr__(self, "features_file", path)  # opened from another folder too
            if self.flip or self.crop:
                changed = "flip" if self.flip else "crop"
                raise InputError(must(changed, "off with a features file", "on"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaptionAnswering(Answering):
    """How a caption is searched for."""

    beam: int = option(
        3, "captions followed side by side; 1: always the likeliest word", least=1, most=1000
    )
    length_penalty: float = option(
        0.0, "what a longer caption gains on a shorter one; 0: nothing", least=0.0, most=10.0
    )
    length: int = option(40, "the most words of a caption", least=1, most=10_000)
    features_file: str = option(
        "", "features of these pictures, of a run that learnt from such a file (default: its own)"
    )
