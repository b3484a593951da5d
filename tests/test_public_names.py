"""The public names, frozen; and that importing them costs little more than importing torch."""

from __future__ import annotations

import ast
import inspect
import pydoc
import subprocess
import sys
from types import ModuleType

import pytest

import recur

# A name more is a line more; a name less breaks somebody's program.
NAMES = [
    # layers
    "GRU",
    "LSTM",
    "RNN",
    "SimpleRNN",
    "IndRNN",
    "MinGRU",
    "MinLSTM",
    "SLSTM",
    "RNNCell",
    "LSTMCell",
    "GRUCell",
    "Embedding",
    "accelerate",
    "restore",
    "Acceleration",
    "explain",
    "Explanation",
    "keras",
    "patch",
    "unpatch",
    "Patch",
    "last_hidden",
    "last_output",
    "max_output",
    "mean_output",
    "reverse_sequences",
    "split_directions",
    "Attention",
    "LinearCrossEntropyLoss",
    "linear_cross_entropy",
    # models
    "CTC",
    "EncoderDecoder",
    "ManyToMany",
    "ManyToOne",
    "OneToMany",
    "OneToOne",
    "Scribe",
    "SegmentRNN",
    "decoding",
    # data
    "Batch",
    "Documents",
    "Sequences",
    "Series",
    "Vocabulary",
    "collate",
    "datasets",
    "pad_sequences",
    "read_series",
    "tokenize",
    # training
    "fit",
    "evaluate",
    "predict",
    "summary",
    "History",
    "Stream",
    "Summary",
    "TrainingInterrupted",
    "plots",
    # scores
    "scoring",
    # diagnostics
    "diagnose",
    "diagnostics",
    # runs
    "train",
    "load",
    "Run",
    # errors
    "RecurError",
    "InputError",
    "FailedError",
]
# Imported where they are used, and not before.
HEAVY = ["matplotlib", "pandas", "pooch", "rich", "statsmodels", "typer", "torch._inductor"]


def test_the_public_names_are_these():
    assert sorted(recur.__all__) == sorted(NAMES)
    assert len(set(recur.__all__)) == len(recur.__all__)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_there_and_says_what_it_is(name):
    assert getattr(recur, name).__doc__, f"recur.{name} has no docstring"


def test_the_version():
    from importlib.metadata import version

    assert recur.__version__ == version("recur")


def test_type_checkers_read_the_same_names():
    under = ast.parse(inspect.getsource(recur))
    imports = [node for node in ast.walk(under) if isinstance(node, ast.ImportFrom)]
    read = {
        alias.name: node.module
        for node in imports
        for alias in node.names
        if alias.asname == alias.name
    }
    assert sorted(read) == sorted(NAMES)
    for name, module in read.items():
        value = getattr(recur, name)
        home = f"{module}.{name}" if isinstance(value, ModuleType) else module
        found = sys.modules[home]
        assert value is found or value is getattr(found, name)


def test_every_name_is_listed_and_no_other_is_there():
    assert set(NAMES) | {"training", "layers", "run"} <= set(dir(recur))
    assert "pad_sequences" in pydoc.render_doc(recur, renderer=pydoc.plaintext)
    with pytest.raises(AttributeError, match="module 'recur' has no attribute 'LSMT'"):
        _ = recur.LSMT


def test_importing_recur_imports_nothing_heavy():
    program = (
        "import sys, recur; print([m for m in ('torch', 'numpy') if m in sys.modules]);"
        f"from recur import *; print([m for m in {HEAVY} if m in sys.modules]);"
        "print(recur.training.loop.fit is fit)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n[]\nTrue\n"
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("before", "then"),
    [("pass", "True False"), ("gc.disable()", "False False"), ("gc.freeze()", "True True")],
    ids=["on", "off", "frozen"],
)
def test_the_garbage_collector_is_left_as_it_was(before, then):
    found = "print(gc.isenabled(), gc.get_freeze_count() > 0)"
    program = f"import gc; {before}; from recur import LSTM; {found}"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == then.split()
