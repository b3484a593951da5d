"""recur: recurrent neural networks, one loop over time with shared weights and a memory.

The names here are the public ones; the rooms behind them are explained in CONTRIBUTING.md.
"""

import gc as _gc
from importlib.metadata import version as _version
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

# Importing torch and this makes 180,000 objects that stay. Python would look through them for
# garbage again and again, a tenth of the time; frozen and thawed they are old without a look.
_collecting = _gc.isenabled()
_gc.disable()
try:
    from recur import datasets, decoding, plots
    from recur.data.documents import Documents
    from recur.data.padding import pad_sequences
    from recur.data.sequences import Batch, Sequences, collate
    from recur.data.series import Series, read_series
    from recur.data.text import Vocabulary, tokenize
    from recur.layers import (
        GRU,
        LSTM,
        RNN,
        SLSTM,
        Acceleration,
        Attention,
        Embedding,
        Explanation,
        IndRNN,
        MinGRU,
        MinLSTM,
        Stream,
        accelerate,
        explain,
        last_hidden,
        last_output,
        max_output,
        mean_output,
        restore,
        reverse_sequences,
        split_directions,
    )
    from recur.messages import FailedError, InputError, RecurError
    from recur.models import CTC, EncoderDecoder, ManyToMany, ManyToOne, OneToMany, OneToOne
    from recur.run import Run, load, train
    from recur.training import (
        History,
        Summary,
        TrainingInterrupted,
        evaluate,
        fit,
        predict,
        summary,
    )
finally:
    if _collecting:
        if not _gc.get_freeze_count():
            _gc.freeze()
            _gc.unfreeze()
        _gc.enable()

if _TYPE_CHECKING:
    from recur import diagnostics
    from recur.diagnostics import diagnose

SimpleRNN = RNN

__version__ = _version("recur")

__all__ = [
    "CTC",
    "GRU",
    "LSTM",
    "RNN",
    "SLSTM",
    "Acceleration",
    "Attention",
    "Batch",
    "Documents",
    "Embedding",
    "EncoderDecoder",
    "Explanation",
    "FailedError",
    "History",
    "IndRNN",
    "InputError",
    "ManyToMany",
    "ManyToOne",
    "MinGRU",
    "MinLSTM",
    "OneToMany",
    "OneToOne",
    "RecurError",
    "Run",
    "Sequences",
    "Series",
    "SimpleRNN",
    "Stream",
    "Summary",
    "TrainingInterrupted",
    "Vocabulary",
    "accelerate",
    "collate",
    "datasets",
    "decoding",
    "diagnose",
    "diagnostics",
    "evaluate",
    "explain",
    "fit",
    "last_hidden",
    "last_output",
    "load",
    "max_output",
    "mean_output",
    "pad_sequences",
    "plots",
    "predict",
    "read_series",
    "restore",
    "reverse_sequences",
    "split_directions",
    "summary",
    "tokenize",
    "train",
]


def __getattr__(name: str) -> _Any:
    # What few programs ask for is imported when they do: `import recur` stays quick.
    if name in ("diagnose", "diagnostics"):
        from importlib import import_module

        room = import_module("recur.diagnostics")
        return room if name == "diagnostics" else room.diagnose
    raise AttributeError(f"module 'recur' has no attribute {name!r}")
