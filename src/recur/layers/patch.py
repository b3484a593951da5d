"""`torch.nn`'s own layers on recur's loops, in a program as it stands.

What is replaced is the `forward` of torch's four classes, which decides at each call: the classes
stay the ones that programs imported before, derived from, compare with, copy, pickle and quantize,
and a layer that was moved or cast since runs on torch's loops where those are faster. Another
class for the layer (a hook in `__init__`, a metaclass, a new `torch.nn.LSTM`) would be in every
pickle, be missed by who imported the name before, and stay where the layer no longer gains.
"""

from __future__ import annotations

import functools
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from recur import engine
from recur.engine.cpu import embedding as loops
from recur.engine.cpu.arrays import all_plain
from recur.engine.cpu.onlookers import watched
from recur.layers import casting, embedding
from recur.layers.parameters import outline
from recur.layers.recurrent import Recurrent
from recur.layers.report import LEFT, Patch, Swap
from recur.layers.seen import seen
from recur.layers.taking import OURS, RECURRENT, kind_of, too_short, why_not_called

# Whose frames are not the program's.
_INNER = ("torch", "recur")
_COPY = "(a copy, or from a file)"
_UNCALLED = "its own forward, which has not called torch's"
_IDLE = "no call of it has been worth taking"
_lock = threading.RLock()


@dataclass
class _On:
    """What is there while a patch is on."""

    patch: Patch | None = None
    leave: frozenset[str] = frozenset()
    # What was said last of each layer that lives.
    rows: weakref.WeakKeyDictionary[nn.Module, Swap] = field(
        default_factory=weakref.WeakKeyDictionary
    )
    # Those that recur's loops have walked.
    walked: weakref.WeakSet[nn.Module] = field(default_factory=weakref.WeakSet)
    # By class and name: what torch has, and what stands in its place.
    replaced: dict[tuple[type[nn.Module], str], tuple[Any, Any]] = field(default_factory=dict)


_on = _On()


def patch(leave: Iterable[str] | None = None) -> Patch:
    """Puts every `torch.nn.RNN`, `LSTM`, `GRU` and `Embedding` of the program on recur's loops.

    Layers made before and after, in the program and in libraries, and what is derived from them as
    far as it calls torch's `forward`. Their classes, parameters, copies and files stay torch's. A
    call goes to torch's own loops where those are faster, or are what is wanted: on a GPU, under
    tracers, exporters and `torch.compile`, and for what the table in docs/accelerate.md lists.

    Args:
        leave: classes ("LSTM", a subclass of the program's own) and places ("train.py:12") whose
            layers are to stay as they are.

    Returns:
        What was met: a row for each place where a layer was made, which grows with the program;
        `print` shows a table. `with recur.patch():` takes the patch back at its end. A second call
        changes nothing but what `leave` says, and returns the same object.
    """
    with _lock:
        if _on.patch is None:
            _on.patch = Patch(unpatch)
            for theirs in OURS:
                _replace(theirs, "__init__", _noting(theirs))
                _replace(theirs, "forward", _forward(theirs))
        if leave is not None:
            _on.leave = frozenset([leave] if isinstance(leave, str) else leave)
        return _on.patch


def unpatch() -> None:
    """Gives torch's classes back what they had; without a patch it does nothing."""
    with _lock:
        for (theirs, name), (original, ours) in _on.replaced.items():
            # What was put there since calls ours, which passes everything on from now on.
            if vars(theirs).get(name) is ours:
                setattr(theirs, name, original)
        _on.replaced.clear()
        _on.rows.clear()
        _on.walked.clear()
        _on.leave = frozenset()
        _on.patch = None


def is_patched(kind: type[nn.Module]) -> bool:
    """Whether layers of this class are walked by recur's loops where these are faster."""
    replaced = (ours for (_, name), (_, ours) in _on.replaced.items() if name == "forward")
    return any(getattr(kind, "forward", None) is ours for ours in replaced)


def why_left(layer: nn.Module) -> str | None:
    """Why a layer of a patched class has torch's loops; None if it has recur's."""
    return _left(layer) or why_not_called(layer)


def _replace(theirs: type[nn.Module], name: str, ours: Callable[..., Any]) -> None:
    _on.replaced[theirs, name] = vars(theirs)[name], ours
    setattr(theirs, name, ours)


def _noting(theirs: type[nn.Module]) -> Callable[..., None]:
    init: Any = vars(theirs)["__init__"]

    @functools.wraps(init)
    def noting(self: Any, *args: Any, **options: Any) -> None:
        init(self, *args, **options)
        if _on.patch is not None and not isinstance(self, OURS[theirs]):
            _made(self, theirs, _place(self))

    return noting


def _forward(theirs: type[nn.Module]) -> Callable[..., Any]:
    original: Any = vars(theirs)["forward"]
    made = _of_tokens(original) if theirs is nn.Embedding else _of_sequences(original, theirs)
    # TorchScript compiles the function that this wraps, and looks names up where this one would.
    place = vars(sys.modules[theirs.__module__])
    put = types.FunctionType(
        made.__code__, place, argdefs=made.__defaults__, closure=made.__closure__
    )
    return functools.wraps(original)(put)


def _of_sequences(original: Any, theirs: type[nn.Module]) -> types.FunctionType:
    compiling, walk, taken = torch.compiler.is_compiling, Recurrent.forward, _taken

    def forward(self: Any, input: Any, hx: Any = None) -> Any:  # noqa: A002 - torch's name
        # First: a compiler knows the answer, and need not look at the rest.
        view = None if compiling() else taken(self, theirs, input, hx)
        return original(self, input, hx) if view is None else walk(view, input, hx)

    return cast(types.FunctionType, forward)


def _of_tokens(original: Any) -> types.FunctionType:
    compiling, looked_up = torch.compiler.is_compiling, _looked_up

    def forward(self: Any, input: Any) -> Any:  # noqa: A002 - torch's name
        rows = None if compiling() else looked_up(self, input)
        return original(self, input) if rows is None else rows

    return cast(types.FunctionType, forward)


def _taken(layer: nn.RNNBase, theirs: Any, given: Any, hx: Any) -> Recurrent | None:
    """The layer as recur's loops see it, if this call is for them; what decides is noted."""
    if _on.patch is None or watched() or isinstance(layer, Recurrent):
        return None
    x = given.data if isinstance(given, PackedSequence) else given
    states = tuple(hx) if isinstance(hx, tuple | list) else () if hx is None else (hx,)
    # Whatever else it is given, torch's forward has the words for it.
    if x is None or not all_plain((x, *states, *layer._parameters.values())):
        return None
    if x.dim() not in (2, 3):
        return None
    view = seen(layer, RECURRENT[theirs])
    problem = _problem(view, x, states)
    reason = _left(layer) or why_not_called(layer, problem)
    if reason is None:
        reason = too_short(problem, _steps(layer, given))
        # Beside calls that were long enough it is no news.
        if reason is not None and layer in _on.walked:
            return None
    _called(layer, theirs, reason)
    return view if reason is None else None


def _steps(layer: nn.RNNBase, given: Tensor | PackedSequence) -> int:
    if isinstance(given, PackedSequence):
        return len(given.batch_sizes)
    return given.shape[1 if layer.batch_first and given.dim() == 3 else 0]


def _problem(view: Recurrent, x: Tensor, states: tuple[Tensor, ...]) -> engine.Problem:
    """What this call poses, as the engine will see it."""
    weights = outline(view)
    dtype = casting.autocast_type(weights.w_ih) if torch._C._is_any_autocast_enabled() else None
    if dtype is None:
        return engine.Problem.of(view.cell, weights, x, states)
    return engine.Problem.of(view.cell, weights)._replace(dtype=dtype, input_dtype=dtype)


def _looked_up(layer: nn.Embedding, tokens: Any) -> Tensor | None:
    if _on.patch is None or isinstance(layer, embedding.Embedding):
        return None
    if type(tokens) is not Tensor or tokens.numel() < loops.FEW:
        return None
    left = _left(layer)
    rows = None if left else embedding.quick(layer, tokens)
    if not watched():
        reason = None if rows is not None else left or why_not_called(layer)
        _called(layer, nn.Embedding, reason)
    return rows


def _left(layer: nn.Module, place: str = _COPY) -> str | None:
    """Why the layer stays, if the program asked for that by its class or its place."""
    if not _on.leave:
        return None
    noted = _on.rows.get(layer)
    names = {type(layer).__name__, kind_of(layer), place if noted is None else noted.path}
    return LEFT if names & _on.leave else None


def _made(layer: nn.Module, theirs: Any, place: str) -> None:
    """Writes down a new layer, by what its class and its weights are now."""
    own = type(layer).forward is not theirs.forward
    reason = _left(layer, place) or why_not_called(layer) or (_UNCALLED if own else _IDLE)
    _note(layer, place, theirs, reason)


def _called(layer: nn.Module, theirs: Any, reason: str | None) -> None:
    """Writes down what is done with the layer in a call, if that is news."""
    before = _on.rows.get(layer)
    if reason is None and layer not in _on.walked:
        _on.walked.add(layer)
    if before is None or before.about != (reason or _about(theirs)):
        _note(layer, _COPY if before is None else before.path, theirs, reason)


def _note(layer: nn.Module, place: str, theirs: Any, reason: str | None) -> None:
    patch, before = _on.patch, _on.rows.get(layer)
    if patch is not None:
        row = Swap(place, kind_of(layer), reason is None, reason or _about(theirs))
        _on.rows[layer] = row
        patch.met(row, before)


def _about(theirs: Any) -> str:
    return f"recur.{theirs.__name__}"


def _place(layer: nn.Module) -> str:
    """Where the program makes the layer: "train.py:12", or "package/file.py:12" in a package."""
    frame = sys._getframe(2)
    while frame.f_back is not None and _inside(frame, layer):
        frame = frame.f_back
    module, file = frame.f_globals.get("__name__", ""), Path(frame.f_code.co_filename)
    depth = module.count(".") + 1 + (file.name == "__init__.py")
    return f"{Path(*file.parts[-depth:]).as_posix()}:{frame.f_lineno}"


def _inside(frame: types.FrameType, layer: nn.Module) -> bool:
    """Whether it is torch's, recur's, or a constructor of a class derived from torch's."""
    if frame.f_globals.get("__name__", "").partition(".")[0] in _INNER:
        return True
    code = frame.f_code
    own = code.co_name == "__init__" and code.co_argcount > 0
    return own and frame.f_locals.get(code.co_varnames[0]) is layer
