"""`python -m recur.keras`: a program for TensorFlow's Keras, where there is no TensorFlow."""

from __future__ import annotations

import importlib.metadata
import os
import sys
import types
from pathlib import Path

import pytest

from recur.keras import door
from recur.messages import FailedError, InputError

SCRIPT = Path(__file__).with_name("reviews_tutorial.py")
HOMES = ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND", "KERAS_BACKEND", "RECUR_DATA")
NO_NETWORK = {"https_proxy": "http://127.0.0.1:9"}  # an address where nobody answers
EXPECTED = """\
TensorFlow 2.16.0+recur with GPUs: []
reviews: 9 and 3 words: 11
words of our own: [[1, 2]] [[0.0, 1.0]]
"""
MISSING = (
    "TensorFlow is not installed, and the program asks for tensorflow.{}. Of TensorFlow, only "
    "tensorflow.keras runs without it. To have the rest: pip install tensorflow\n"
)
# What a process does first: a few reviews of our own in the place of the packaged ones.
FEW = """
import sys
from recur.data.datasets import imdb
from recur.data.records.labelled import LabelledTexts
from recur.data.splits import Splits
texts = ["A good film, and a long one.<br />", "Bad! It is so bad.", "So, so good it is"] * 4
labels = ["positive", "negative", "positive"] * 4
train, test = LabelledTexts(texts[:9], labels[:9]), LabelledTexts(texts[9:], labels[9:])
few = Splits(train, test=test, about="few reviews", notes=("Few of them.",))
imdb.load = lambda: few
from recur.keras.door import DOOR
from recur.scripts import main
sys.exit(main(DOOR, sys.argv[1:]))
"""


@pytest.fixture
def no_display(monkeypatch):
    for name in HOMES:
        monkeypatch.delenv(name, raising=False)


def run_the_tutorial(run, tmp_path, version, **variables):
    (tmp_path / "few.py").write_text(FEW)
    home = str(tmp_path / "keras home")
    status, printed, errors, said = run(
        *("few.py", "--leave", "GRU", "--leave", "nothing", SCRIPT, "x"),
        KERAS_HOME=home,
        RECUR_CACHE=str(tmp_path / "cache"),
        **NO_NETWORK,
        **variables,
    )
    assert printed.startswith(EXPECTED), (printed, errors)
    assert "layers of one kind: True True\n" in printed
    assert printed.endswith(MISSING.format("data") + MISSING.format("GradientTape"))
    assert errors == []
    assert status == 3
    pictures = [Path("plots", f"reviews_tutorial-{number}.png") for number in (1, 2)]
    assert all((tmp_path / path).stat().st_size > 1000 for path in pictures)
    assert said[:2] == [
        f"TensorFlow is not installed; tensorflow.keras is Keras {version} on torch.",
        "Keras' imdb.npz cannot be reached; it is made from few reviews. Few of them.",
    ]
    shown = [f"There is no display; the figure is in {path}" for path in pictures]
    assert said[2:4] == shown
    assert said[4].endswith(
        "of the program on recur's engine, 1 left as before (--report says why)."
    )
    assert said[5:] == ["--leave: no layer was met that is nothing."]


def test_a_tutorial_as_it_stands(run, tmp_path, no_display):
    run_the_tutorial(run, tmp_path, importlib.metadata.version("keras"))


def test_a_tutorial_on_an_older_keras(run, tmp_path, no_display, keras_3_6):
    path = os.pathsep.join([str(keras_3_6), str(SCRIPT.parent)])
    run_the_tutorial(run, tmp_path, "3.6.0", PYTHONPATH=path)


def test_a_backend_that_the_program_chose_is_left_to_it(monkeypatch):
    keras = types.SimpleNamespace(config=types.SimpleNamespace(backend=lambda: "jax"))
    monkeypatch.setitem(sys.modules, "keras", keras)
    assert door.DOOR.put(()) == (
        "The program chose Keras on jax, and ran on that, without recur. "
        "To run it with recur, take out the line that sets KERAS_BACKEND."
    )


@pytest.fixture
def begin(monkeypatch, tmp_path):
    """What is done before a program begins, with nothing set."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_BACKEND", "")
    monkeypatch.setattr(door.standin, "install", lambda aloud: None)
    return lambda: door.DOOR.begin(True)


def test_a_backend_that_the_environment_names(begin, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    expected = (
        "recur's loops work in Keras on torch; the variable KERAS_BACKEND is 'jax'. Unset it, or "
        "run the program by Python alone to have Keras on jax."
    )
    with pytest.raises(InputError) as raised:
        begin()
    assert str(raised.value) == expected
    assert os.environ["KERAS_BACKEND"] == "jax"


def test_a_backend_that_the_settings_name(begin, tmp_path, capsys):
    file = tmp_path / "keras.json"
    file.write_text('{"backend": "jax"}')
    with pytest.raises(InputError, match=r"the backend in .*keras\.json is 'jax'\. Set KERAS_BACK"):
        begin()
    file.write_text('{"backend": "tensorflow"}')
    begin()
    assert os.environ["KERAS_BACKEND"] == "torch"
    assert capsys.readouterr().err == (
        f"recur: Keras runs on torch here; {file} names tensorflow.\n"
    )
    os.environ["KERAS_BACKEND"] = ""
    for damaged in ("{", "[1]", '{"backend": "torch"}'):
        file.write_text(damaged)
        begin()
        assert capsys.readouterr().err == ""


def test_keras_that_is_missing_or_too_old(begin, monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "2.15.0")
    with pytest.raises(FailedError, match=r"needs Keras 3; here is Keras 2\.15\.0\. Install a new"):
        begin()
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FailedError, match=r"not installed\. Install it with: pip install \"recur"):
        begin()
