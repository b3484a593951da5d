"""Recur's layers inside a model of `torch.nn`, and back.

A layer is swapped by changing its class: the object stays what it is. So its parameters, buffers,
hooks and mode, the optimizers and modules that share them, and every reference that the program
holds elsewhere go on as they were, and the model itself may be the layer. A new object in the old
one's place would lose whatever is not known to be copied, and can only be put where a parent
registers its children.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, cast

from torch import nn
from torch.nn.utils import parametrize

from recur.layers import quantizing
from recur.layers.report import Acceleration, Swap
from recur.layers.taking import OURS, concerns, kind_of, theirs_of, why_not
from recur.messages import InputError, must

THEIRS = {ours: theirs for theirs, ours in OURS.items()}
MARK = "_swapped_by_recur"  # see `recur.layers.graphs.OneNode`


def accelerate(model: nn.Module) -> Acceleration:
    """Swaps every `torch.nn.RNN`, `LSTM`, `GRU` and `Embedding` in `model` for recur's, in place.

    The layers become `recur.LSTM` and so on, and stay the objects that they are: parameters,
    `state_dict`, optimizers, tied weights, hooks, parametrizations, mode and type are untouched,
    and results agree within float error. `model` may itself be such a layer. Layers held in plain
    attributes, lists, tuples and dicts of a module are found too. A second call changes nothing.

    Not swapped, with the reason in the report: what recur would not make faster (a GPU, LSTMs in
    half precision, sparse embeddings, cells, which walk one step), and what it cannot know to be
    the same (subclasses that use names of recur's for their own, layers whose `forward` was
    replaced, quantized ones, TorchScript, recurrent layers and cells of the program's own).
    Call it when the model is on its device.

    What is made of the model is what would have been: `torch.jit.trace`, `torch.export` and
    `torch.onnx.export` write torch's own operators, and `torch.jit.script` and torch's quantization
    restore the layers of what they are given first.

    Returns:
        A report; `print` shows the path of each layer, its class, and what became of it.

    Raises:
        InputError: `model` is no `torch.nn.Module`.
    """
    return Acceleration(tuple(_swap(path, layer) for path, layer in _layers(model)))


def restore(model: nn.Module) -> tuple[str, ...]:
    """Gives every layer that `accelerate` swapped its class back, in place.

    Layers that were recur's from the start stay so.

    Returns:
        The paths of the layers restored.

    Raises:
        InputError: `model` is no `torch.nn.Module`.
    """
    restored = []
    for path, layer in _layers(model):
        theirs = _theirs(parametrize.type_before_parametrizations(layer))
        if vars(layer).pop(MARK, False) and theirs is not None:
            _become(layer, theirs)
            restored.append(path)
    return tuple(restored)


def _swap(path: str, layer: nn.Module) -> Swap:
    before, kind = parametrize.type_before_parametrizations(layer), kind_of(layer)
    reason = why_not(layer)
    if reason is not None:
        return Swap(path, kind, swapped=False, about=reason)
    _become(layer, OURS[before] if before in OURS else _derived(before))
    vars(layer)[MARK] = True
    about = f"recur.{OURS[theirs_of(before)].__name__}"
    about += "" if before in OURS else f", with what {before.__name__} adds"
    return Swap(path, kind, swapped=True, about=about)


def _theirs(now: type[nn.Module]) -> type[nn.Module] | None:
    derived_from: type[nn.Module] | None = vars(now).get(_BEFORE)
    return THEIRS.get(now) if derived_from is None else derived_from


_BEFORE = "_before"


@functools.cache
def _derived(before: Any) -> type[nn.Module]:
    """A class of the same methods, which come before recur's as they did before torch's.

    Copies and pickles name the program's class, for this one can be imported from nowhere.
    """
    ours = OURS[theirs_of(before)]

    def reduce(layer: Any, protocol: int) -> tuple[Any, ...]:
        return _again, (before,), layer.__getstate__()

    names: dict[str, Any] = {_BEFORE: before, "__reduce_ex__": reduce}
    for name in ("__module__", "__qualname__", "__doc__"):
        names[name] = getattr(before, name)
    return cast(type[nn.Module], type(before)(before.__name__, (before, ours), names))


def _again(before: Any) -> nn.Module:
    made = _derived(before)
    return made.__new__(made)


def _become(layer: nn.Module, wanted: type[nn.Module]) -> None:
    """Changes the class; that of a parametrized layer is its own, a subclass made by torch."""
    if parametrize.is_parametrized(layer):
        made = type(layer)
        wanted = cast(type[nn.Module], type(made.__name__, (wanted,), dict(vars(made))))
    layer.__class__ = wanted


def _layers(model: object) -> Iterator[tuple[str, nn.Module]]:
    if not isinstance(model, nn.Module):
        todo = "Give the network that it holds." if hasattr(model, "fit") else ""
        raise InputError(must("model", "a torch.nn.Module", type(model).__name__, todo))
    found = [each for each in _reach(model, "", set()) if concerns(each[1])]
    for path, layer in found:
        # A network named after the layer that it holds is none.
        around = not isinstance(layer, tuple(OURS)) and any(_within(p, path) for p, _ in found)
        if not around:
            yield path, layer


def _within(inner: str, path: str) -> bool:
    return inner != path and (not path or inner.startswith((f"{path}.", f"{path}[")))


def _reach(module: nn.Module, path: str, seen: set[int]) -> Iterator[tuple[str, nn.Module]]:
    """Every module once, those that are not registered too."""
    if id(module) in seen:
        return
    seen.add(id(module))
    yield path, module
    for name, child in [*module.named_children(), *_unregistered(module)]:
        yield from _reach(child, f"{path}.{name}" if path else name, seen)


def _unregistered(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, value in vars(module).items():
        if name in _OF_EVERY_MODULE:
            continue
        if isinstance(value, dict):
            held = [(f"{name}[{key!r}]", each) for key, each in value.items()]
        elif isinstance(value, list | tuple):
            held = [(f"{name}[{index}]", each) for index, each in enumerate(value)]
        else:
            held = [(name, value)]
        yield from ((where, each) for where, each in held if isinstance(each, nn.Module))


_OF_EVERY_MODULE = frozenset(vars(nn.Module()))

quantizing.restore_first(restore)
