"""recur: recurrent neural networks, one loop over time with shared weights and a memory.

The names here are the public ones; the rooms behind them are explained in CONTRIBUTING.md. Each is
imported when it is first asked for: `import recur` alone imports no torch.
"""

from importlib.metadata import version as _version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # What type checkers read; at run time the table below says the same, and a test that it does.
    from recur import datasets as datasets
    from recur import decoding as decoding
    from recur import diagnostics as diagnostics
    from recur import keras as keras
    from recur import plots as plots
    from recur import scoring as scoring
    from recur.data.documents import Documents as Documents
    from recur.data.padding import pad_sequences as pad_sequences
    from recur.data.sequences import Batch as Batch
    from recur.data.sequences import Sequences as Sequences
    from recur.data.sequences import collate as collate
    from recur.data.series import Series as Series
    from recur.data.series import read_series as read_series
    from recur.data.text import tokenize as tokenize
    from recur.data.vocabulary import Vocabulary as Vocabulary
    from recur.diagnostics import diagnose as diagnose
    from recur.layers import GRU as GRU
    from recur.layers import LSTM as LSTM
    from recur.layers import RNN as RNN
    from recur.layers import SLSTM as SLSTM
    from recur.layers import Acceleration as Acceleration
    from recur.layers import Attention as Attention
    from recur.layers import Embedding as Embedding
    from recur.layers import Explanation as Explanation
    from recur.layers import GRUCell as GRUCell
    from recur.layers import IndRNN as IndRNN
    from recur.layers import LinearCrossEntropyLoss as LinearCrossEntropyLoss
    from recur.layers import LSTMCell as LSTMCell
    from recur.layers import MinGRU as MinGRU
    from recur.layers import MinLSTM as MinLSTM
    from recur.layers import Patch as Patch
    from recur.layers import RNNCell as RNNCell
    from recur.layers import SimpleRNN as SimpleRNN
    from recur.layers import Stream as Stream
    from recur.layers import last_hidden as last_hidden
    from recur.layers import last_output as last_output
    from recur.layers import linear_cross_entropy as linear_cross_entropy
    from recur.layers import max_output as max_output
    from recur.layers import mean_output as mean_output
    from recur.layers import restore as restore
    from recur.layers import reverse_sequences as reverse_sequences
    from recur.layers import split_directions as split_directions
    from recur.layers import unpatch as unpatch
    from recur.layers.accelerate import accelerate as accelerate
    from recur.layers.explain import explain as explain
    from recur.layers.patch import patch as patch
    from recur.messages import FailedError as FailedError
    from recur.messages import InputError as InputError
    from recur.messages import RecurError as RecurError
    from recur.models import CTC as CTC
    from recur.models import EncoderDecoder as EncoderDecoder
    from recur.models import ManyToMany as ManyToMany
    from recur.models import ManyToOne as ManyToOne
    from recur.models import OneToMany as OneToMany
    from recur.models import OneToOne as OneToOne
    from recur.models import Scribe as Scribe
    from recur.models import SegmentRNN as SegmentRNN
    from recur.run import Run as Run
    from recur.run import load as load
    from recur.run.train import train as train
    from recur.training import History as History
    from recur.training import Summary as Summary
    from recur.training import TrainingInterrupted as TrainingInterrupted
    from recur.training import evaluate as evaluate
    from recur.training import fit as fit
    from recur.training import predict as predict
    from recur.training.summary import summary as summary

else:
    from recur.imports import late as _late

    _HOMES = {
        "recur.data.documents": ("Documents",),
        "recur.data.padding": ("pad_sequences",),
        "recur.data.sequences": ("Batch", "Sequences", "collate"),
        "recur.data.series": ("Series", "read_series"),
        "recur.data.text": ("tokenize",),
        "recur.data.vocabulary": ("Vocabulary",),
        "recur.diagnostics": ("diagnose",),
        "recur.layers": (
            *("GRU", "LSTM", "RNN", "SLSTM", "IndRNN", "MinGRU", "MinLSTM", "SimpleRNN"),
            *("GRUCell", "LSTMCell", "RNNCell"),
            *("Acceleration", "Attention", "Embedding", "Explanation", "Patch", "Stream"),
            *("accelerate", "explain", "patch", "restore", "unpatch"),
            *("LinearCrossEntropyLoss", "linear_cross_entropy"),
            *("reverse_sequences", "split_directions"),
            *("last_hidden", "last_output", "max_output", "mean_output"),
        ),
        "recur.messages": ("FailedError", "InputError", "RecurError"),
        "recur.models": (
            *("CTC", "EncoderDecoder", "ManyToMany", "ManyToOne", "OneToMany", "OneToOne"),
            "Scribe",
            "SegmentRNN",
        ),
        "recur.run": ("Run", "load", "train"),
        "recur.training": (
            *("History", "Summary", "TrainingInterrupted"),
            *("evaluate", "fit", "predict", "summary"),
        ),
    }
    _ROOMS = ("datasets", "decoding", "diagnostics", "keras", "plots", "scoring")
    # Not public, but attributes of recur once it is imported.
    _INNER = ("cells", "data", "engine", "files", "layers", "messages", "models", "run", "tasks")
    __all__ = sorted([*_ROOMS, *(name for names in _HOMES.values() for name in names)])
    __getattr__, __dir__ = _late(__name__, _HOMES, (*_ROOMS, *_INNER, "training"))

__version__ = _version("recur")
