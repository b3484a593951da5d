"""Learning over any `nn.Module`: plain functions, a ladder of short steps."""

from recur.training.history import History
from recur.training.interrupt import TrainingInterrupted
from recur.training.loop import fit
from recur.training.measure import evaluate, predict
from recur.training.summary import Summary, summary

__all__ = [
    "History",
    "Summary",
    "TrainingInterrupted",
    "evaluate",
    "fit",
    "predict",
    "summary",
]
