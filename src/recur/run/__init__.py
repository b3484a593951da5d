"""Runs: what a training leaves behind, with one owner."""

from recur.run.directory import CHANGEABLE, FORMAT, NEEDED, how_to_resume
from recur.run.inspection import Inspection
from recur.run.run import Run, Scores, load
from recur.run.train import stopped, train

__all__ = [
    "CHANGEABLE",
    "FORMAT",
    "NEEDED",
    "Inspection",
    "Run",
    "Scores",
    "how_to_resume",
    "load",
    "stopped",
    "train",
]
