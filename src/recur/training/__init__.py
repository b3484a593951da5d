"""Learning over any `nn.Module`: plain functions, a ladder of short steps."""

from recur.training.callbacks import Callback, Training
from recur.training.history import History
from recur.training.interrupt import TrainingInterrupted
from recur.training.loop import fit
from recur.training.measure import evaluate, predict
from recur.training.schedule import Plateau, Steps
from recur.training.schedulers import EachStep
from recur.training.summary import Summary, summary
from recur.training.tensorboard import TensorBoard
from recur.training.weights import Weighted
from recur.training.writing import write

__all__ = [
    "Callback",
    "EachStep",
    "History",
    "Plateau",
    "Steps",
    "Summary",
    "TensorBoard",
    "Training",
    "TrainingInterrupted",
    "Weighted",
    "evaluate",
    "fit",
    "predict",
    "summary",
    "write",
]
