"""Recur's layers inside a model of `torch.nn`, and back.

A layer is swapped by changing its class: the object stays what it is. So its parameters, buffers,
hooks and mode, the optimizers and modules that share them, and every reference that the program
holds elsewhere go on as they were, and the model itself may be the layer. A new object in the old
one's place would lose whatever is not known to be copied, and can only be put where a parent
registers its children.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from typing import Any, cast

from torch import jit, nn
from torch.nn.utils import parametrize

from recur import engine
from recur.engine import reference
from recur.layers import embedding
from recur.layers.cells import RecurrentCell
from recur.layers.embedding import Embedding
from recur.layers.gru import GRU
from recur.layers.lstm import LSTM
from recur.layers.recurrent import Recurrent
from recur.layers.report import Acceleration, Swap
from recur.layers.rnn import RNN
from recur.messages import InputError, listed, must

OURS: dict[type[nn.Module], type[nn.Module]] = {
    nn.RNN: RNN,
    nn.LSTM: LSTM,
    nn.GRU: GRU,
    nn.Embedding: Embedding,
}
THEIRS = {ours: theirs for theirs, ours in OURS.items()}
# What a subclass may define of what torch's layers have, and still compute the same.
HARMLESS = {
    *("__init__", "__init_subclass__", "__class_getitem__", "__doc__", "__module__", "__dict__"),
    *("__annotations__", "__weakref__", "__constants__", "__repr__", "extra_repr"),
    *("reset_parameters", "flatten_parameters"),
}
# Why a cell of torch.nn stays.
ONE_STEP = "it walks one step, which torch's own does faster; recur's layers gain over a sequence"
# In the layer's `__dict__`, so that copies and pickles can be restored too.
MARK = "_swapped_by_recur"


def accelerate(model: nn.Module) -> Acceleration:
    """Swaps every `torch.nn.RNN`, `LSTM`, `GRU` and `Embedding` in `model` for recur's, in place.

    The layers become `recur.LSTM` and so on, and stay the objects that they are: parameters,
    `state_dict`, optimizers, tied weights, hooks, parametrizations, mode and type are untouched,
    and results agree within float error. `model` may itself be such a layer. Layers held in plain
    attributes, lists, tuples and dicts of a module are found too. A second call changes nothing.

    Not swapped, with the reason in the report: what recur would not make faster (a GPU, half
    precision, sparse embeddings, cells, which walk one step), and what it cannot know to be the
    same (subclasses that do more than add to a layer, layers whose `forward` was replaced,
    quantized ones, TorchScript).
    Call it when the model is on its device.
    Torch's quantization and `torch.jit.script` know torch's layers only: call `restore` first.

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
    before = parametrize.type_before_parametrizations(layer)
    place = "torch.nn" if before.__module__.startswith("torch.nn.modules.") else before.__module__
    kind = f"{place}.{before.__qualname__}"
    reason = _reason_to_keep(layer, before)
    if reason is not None:
        return Swap(path, kind, swapped=False, about=reason)
    wanted = _ours(before)
    _become(layer, wanted)
    if isinstance(layer, Recurrent):
        choice = engine.choose(layer.problem())
        if choice.path.name == reference.name:
            _become(layer, before)
            return Swap(path, kind, swapped=False, about=choice.declined[0][1])
    vars(layer)[MARK] = True
    about = f"recur.{next(ours for ours in OURS.values() if issubclass(wanted, ours)).__name__}"
    about += "" if before in OURS else f", with what {before.__name__} adds"
    return Swap(path, kind, swapped=True, about=about)


def _ours(before: Any) -> type[nn.Module]:
    return OURS[before] if before in OURS else _derived(before)


def _theirs(now: type[nn.Module]) -> type[nn.Module] | None:
    derived_from: type[nn.Module] | None = vars(now).get(_BEFORE)
    return THEIRS.get(now) if derived_from is None else derived_from


_BEFORE = "_before"


@functools.cache
def _derived(before: Any) -> type[nn.Module]:
    """A class of the same methods, which come before recur's as they did before torch's.

    Copies and pickles name the program's class, for this one can be imported from nowhere.
    """
    ours = next(ours for theirs, ours in OURS.items() if issubclass(before, theirs))

    def reduce(layer: Any, protocol: int) -> tuple[Any, ...]:
        return _again, (before,), layer.__getstate__()

    names: dict[str, Any] = {_BEFORE: before, "__reduce_ex__": reduce}
    for name in ("__module__", "__qualname__", "__doc__"):
        names[name] = getattr(before, name)
    return cast(type[nn.Module], type(before)(before.__name__, (before, ours), names))


def _again(before: Any) -> nn.Module:
    made = _derived(before)
    return made.__new__(made)


def _changed(layer: nn.Module, theirs: type[nn.Module]) -> list[str]:
    """What the layer of a subclass has of its own under names that recur's layer has."""
    before, ours = parametrize.type_before_parametrizations(layer), OURS[theirs]
    own = itertools.takewhile(lambda each: each is not theirs, before.__mro__)
    named = {name for each in own for name in vars(each)}.intersection(dir(ours))
    hidden = set(vars(layer)).intersection(dir(ours)).difference(dir(theirs))
    return sorted((named | hidden) - HARMLESS)


def _reason_to_keep(layer: nn.Module, before: type[nn.Module]) -> str | None:
    if isinstance(layer, Recurrent | RecurrentCell | Embedding):
        return "it is recur's already"
    if isinstance(layer, jit.ScriptModule):
        return "it is compiled by TorchScript; accelerate the model, then call torch.jit.trace"
    if before.__module__.startswith("torch.ao."):
        return "it is quantized, or prepared for that"
    if isinstance(layer, nn.RNNCellBase):
        return ONE_STEP
    if before not in OURS:
        reason = _reason_to_keep_a_subclass(layer, before)
        if reason is not None:
            return reason
    if "forward" in vars(layer):
        return "its forward was replaced by the program"
    if isinstance(layer, nn.Embedding):
        return embedding.declines(layer)
    return None


def _reason_to_keep_a_subclass(layer: nn.Module, before: type[nn.Module]) -> str | None:
    parent = next((theirs for theirs in OURS if issubclass(before, theirs)), None)
    if parent is None:
        return "it is a recurrent layer of the program's own; derive it from recur.LSTM, GRU or RNN"
    changed = _changed(layer, parent)
    if not changed:
        return None
    return (
        f"it is a subclass of torch.nn.{parent.__name__} with its own {listed(changed, 'and')}, "
        f"which may compute something else; derive it from recur.{parent.__name__}"
    )


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
    return (found for found in _reach(model, "", set()) if _concerns(found[1]))


def _concerns(layer: nn.Module) -> bool:
    if isinstance(layer, (*OURS, nn.RNNBase, nn.RNNCellBase)):
        return True
    names = [theirs.__name__ for theirs in OURS]
    if isinstance(layer, jit.ScriptModule):
        return layer.original_name in names
    return type(layer).__module__.startswith("torch.ao.") and type(layer).__name__ in names


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
