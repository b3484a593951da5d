"""What stands for TensorFlow is there for the program, and for no library that looks for it."""

from __future__ import annotations

import importlib.util
import sys

import keras
import pytest

from recur.keras import standin

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is not None, reason="TensorFlow is installed"
)
OURS = ("tensorflow", "keras.preprocessing.text", "tensorboard.compat.notf")


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    before = set(sys.modules)
    standin.install(aloud=False)
    yield
    for name in set(sys.modules) - before:
        if name.startswith(OURS):
            del sys.modules[name]
    vars(keras.preprocessing).pop("text", None)


def run(text, file="/home/me/train.py", name="train"):
    names = {"__name__": name}
    exec(compile(text, file, "exec"), names)
    return names


def test_it_is_keras():
    found = run(
        "import tensorflow.keras.layers as layers, tensorflow as tf, keras.preprocessing.text\n"
        "from tensorflow.keras.preprocessing.text import Tokenizer\n"
        "from tensorflow import keras as k\n"
        "from tensorflow.keras import layers as again, backend as K\n"
    )
    assert found["layers"] is found["again"] is found["tf"].keras.layers is found["k"].layers
    assert found["layers"].LSTM is keras.layers.LSTM
    assert keras.preprocessing.text.Tokenizer is found["Tokenizer"]
    assert found["layers"].__spec__.name == found["layers"].__name__
    assert not hasattr(found["tf"], "__file__")
    assert importlib.util.find_spec("tensorflow") is found["tf"].__spec__ is not None


INSTALLED = "/usr/lib/python3/site-packages/library/__init__.py"


@pytest.mark.parametrize("first", [False, True], ids=["before the program", "after"])
def test_libraries_do_not_find_it(first):
    text = "try:\n    import tensorflow.io\nexcept ImportError as error:\n    found = str(error)"
    if first:
        run("import tensorflow")
        assert run(text, INSTALLED, "library")["found"] == "No module named 'tensorflow.io'"
    else:
        found = run(text, INSTALLED, "library")["found"]
        assert found == "No module named 'tensorflow'"
    from keras.src.utils import module_utils

    run("import tensorflow")
    assert not module_utils.tensorflow.available
    assert not module_utils.gfile.available
    assert keras.utils.pad_sequences([[1]], maxlen=2).tolist() == [[0, 1]]


def test_an_installed_program_finds_it(monkeypatch):
    module = type(sys)("__main__")
    module.__spec__ = importlib.util.spec_from_loader("library.train", None)
    monkeypatch.setitem(sys.modules, "__main__", module)
    assert run("import tensorflow", INSTALLED, "library.data")["tensorflow"].__name__


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("import tensorflow as tf; tf.constant(1)", "asks for tensorflow.constant. Of Tens"),
        ("import tensorflow as tf; tf.random.normal(1)", "asks for tensorflow.random.normal."),
        ("from tensorflow import data", "asks for tensorflow.data."),
        ("import tensorflow.data", "asks for tensorflow.data."),
        ("from tensorflow.python.keras import layers", "asks for tensorflow.python."),
        ("import tensorflow.keras.wrappers.gone", "Keras 3 has no module tensorflow.keras.wrap"),
    ],
)
def test_what_is_missing_is_named(line, words):
    with pytest.raises((ImportError, AttributeError), match=words):
        run(line)


def test_seeds_and_devices():
    tf = run("import tensorflow as tf")["tf"]
    tf.random.set_seed(5)
    first = keras.random.normal((3,))
    tf.random.set_seed(5)
    assert (keras.random.normal((3,)) == first).all()
    assert tf.config.experimental.list_physical_devices("GPU") == []
    tf.get_logger().setLevel("ERROR")
    assert tf.__version__ >= "2"
