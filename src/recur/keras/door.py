"""How recur gets into a program that uses Keras: the backend first, then what the program imports.

Keras decides on its backend as it is imported: from KERAS_BACKEND, or else from keras.json, which
it writes itself, with "tensorflow" in it, the first time. So "tensorflow" there is nobody's
decision, and another name is.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recur.keras import standin
from recur.messages import FailedError, InputError, aside
from recur.scripts import Door

if TYPE_CHECKING:
    from recur.layers.report import Patch

COMMAND = "python -m recur.keras"
ABOUT = f"""\
Usage: {COMMAND} [--report] [--leave NAME]... PROGRAM [ARGUMENTS]...

Runs a program as Python does, on Keras 3 and its torch backend, with recur's loops in its layers.
Where TensorFlow is not installed, tensorflow.keras is Keras too.

PROGRAM is a script, -m and the name of a module, a folder or a zip file with a __main__.py, or -
for standard input.

--report      prints at the end, for each layer, whether it was taken, and why not
--leave NAME  leaves layers alone: those of a class (LSTM), or of a name (lstm_1)"""

BACKEND, TORCH, WRITTEN = "KERAS_BACKEND", "torch", "tensorflow"
_OURS = ("recur.keras.patching", "recur.keras.reviews")


def _begin(asked_for: bool) -> None:
    """Chooses the backend and puts in what stands for TensorFlow.

    Raises:
        FailedError: Keras is not installed, or too old.
        InputError: the environment or keras.json name another backend.
    """
    if asked_for:
        _check_version()
        _choose_torch()
    standin.install(aloud=asked_for)


def _check_version() -> None:
    if importlib.util.find_spec("keras") is None:
        raise FailedError('Keras is not installed. Install it with: pip install "recur[keras]"')
    try:
        version = importlib.metadata.version("keras")
    except importlib.metadata.PackageNotFoundError:  # a source tree; it says so itself
        return
    if int(version.partition(".")[0]) < 3:
        todo = 'Install a newer one with: pip install --upgrade "keras>=3"'
        raise FailedError(f"{COMMAND} needs Keras 3; here is Keras {version}. {todo}")


def _choose_torch() -> None:
    named = os.environ.get(BACKEND)
    if named and named != TORCH:
        todo = f"Unset it, or run the program by Python alone to have Keras on {named}."
        raise InputError(_other(f"the variable {BACKEND}", named, todo))
    file = _settings()
    written = named or _written(file)
    if written not in (None, TORCH, WRITTEN):
        todo = f"Set {BACKEND}={TORCH} for this command, which comes before that file."
        raise InputError(_other(f"the backend in {file}", str(written), todo))
    if written == WRITTEN:
        aside(f"recur: Keras runs on {TORCH} here; {file} names {WRITTEN}.")
    os.environ[BACKEND] = TORCH


def _other(what: str, named: str, todo: str) -> str:
    return f"recur's loops work in Keras on {TORCH}; {what} is {named!r}. {todo}"


def _settings() -> Path:
    """Where Keras looks (keras/src/backend/config.py)."""
    home = os.environ.get("KERAS_HOME")
    if home is None:
        user = os.path.expanduser("~")
        home = os.path.join(user if os.access(user, os.W_OK) else "/tmp", ".keras")
    return Path(home).expanduser() / "keras.json"


def _written(file: Path) -> Any:
    """The backend that keras.json names; what is wrong with the file is for Keras to say."""
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return content.get("backend") if isinstance(content, dict) else None


def _put(leave: tuple[str, ...]) -> Patch | str:
    """Once Keras is imported: the program itself may have chosen another backend before."""
    keras: Any = importlib.import_module("keras")
    backend = keras.config.backend()
    if backend != TORCH:
        return (
            f"The program chose Keras on {backend}, and ran on that, without recur. "
            f"To run it with recur, take out the line that sets {BACKEND}."
        )
    from recur.keras import reviews
    from recur.keras.patching import patch

    reviews.install()
    return patch(leave)


DOOR = Door(COMMAND, ABOUT, "keras", _put, _OURS.__contains__, _begin)
