"""How a batch is given to a model."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from recur.data.sequences import Batch, changed
from recur.layers.scores import LinearScores
from recur.messages import InputError, listed, must
from recur.training.carried import detached

Call = Callable[[Batch], Any]


def takes_lengths(model: nn.Module) -> bool:
    """Whether the model's forward has a parameter `lengths`, or passes any on."""
    parameters = _parameters(model)
    return any(p.name == "lengths" or p.kind is p.VAR_KEYWORD for p in parameters)


def takes_targets(model: nn.Module) -> bool:
    """Whether the model's forward has a parameter `targets`: it learns to write what follows."""
    return any(p.name == "targets" for p in _parameters(model))


def aligned(model: nn.Module) -> bool:
    """Whether step t of the outputs belongs to step t of the input; a model may say that it isn't.

    Where it isn't, the input's lengths say nothing of which targets exist.
    """
    return bool(getattr(getattr(model, "_orig_mod", model), "aligned", True))


def _parameters(model: nn.Module) -> list[inspect.Parameter]:
    inner = getattr(model, "_orig_mod", model)  # what torch.compile has wrapped
    return list(inspect.signature(inner.forward).parameters.values())


def check_model(model: Any) -> None:
    """Raises an InputError unless it is a module."""
    if not isinstance(model, nn.Module):
        got = f"the class {model.__name__}" if isinstance(model, type) else repr(model)
        raise InputError(must("model", "a torch.nn.Module", got))


class Caller:
    """`batch -> outputs`, where how the model is called is decided once.

    The batch is moved to the model's device, and numbers with a fraction take the type of its
    parameters. Targets are given where the forward takes them (teacher forcing).

    Attributes:
        state: with `carries`, the state at the end of the last batch, detached: what a batch that
            goes on begins with.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        carries: bool = False,
        names: Sequence[str] | None = (),
        scored: bool = True,
    ) -> None:
        """Looks at the model's forward.

        Args:
            model: the model.
            carries: the state is given to the model and kept.
            names: of its outputs, in their order, if it has several: it may return a dict or a
                tuple of them; None: whatever it returns, if it is one tensor or a dict.
            scored: False where nobody needs scores: a forward that takes `scored` is told, and may
                give `LinearScores` for them.

        Raises:
            InputError: no model; with `carries`, one that takes no state, or reads from the end.
        """
        check_model(model)
        self.model, self.device = model, device_of(model)
        known = {p.name for p in _parameters(model)}
        self._with_lengths, self._with_targets = takes_lengths(model), takes_targets(model)
        self._with_reset, self._asked = "reset" in known, "return_state" in known
        self._unscored = not scored and "scored" in known
        self._dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), None)
        self._carried = next((name for name in ("state", "hx") if name in known), "")
        self.carries, self.names = carries, names
        self.state: Any = None
        self._before: Any = None
        self._unproven = False
        if carries and not self._carried:
            raise InputError(
                f"truncate needs a model whose forward takes a state (`state` or `hx`) and returns "
                f"(outputs, state); {type(model).__name__} takes none. recur.ManyToMany does."
            )
        # Where the layers that take the state are known.
        if carries and getattr(getattr(model, "recurrent", model), "bidirectional", False):
            todo = "Read from the end, a piece would begin with a state from before it."
            raise InputError(must("bidirectional", "False with truncate", True, todo))

    def __call__(self, batch: Batch) -> Any:
        """Returns the outputs, a dict where they have names.

        What the model returns besides is kept or an error.
        """
        self._before = self.state if batch.goes_on else None
        return self._walk(batch, self._before)

    def added_loss(self) -> Tensor | None:
        """What the model adds to the loss of the batch that it was called with; mostly nothing."""
        added = getattr(self.model, "added_loss", None)
        return added if isinstance(added, Tensor) and added.requires_grad else None

    def go_on_with(self, state: Any) -> None:
        """Takes a state that came out of a file, which may be another model's."""
        self.state, self._unproven = state, state is not None

    def again(self) -> Call:
        """What repeats the last call, from the state with which that began."""
        before = self._before
        return lambda batch: self._walk(batch, before)

    def _walk(self, batch: Batch, state: Any) -> Any:
        dtype = self._dtype if batch.x.is_floating_point() else None
        x = batch.x.to(self.device, dtype, non_blocking=True)
        options: dict[str, Any] = {n: part.to(self.device) for n, part in batch.also.items()}
        if self._with_lengths and batch.lengths is not None:
            options["lengths"] = batch.lengths
        if self._with_targets and batch.y is not None:
            options["targets"] = changed(batch.y, lambda y: y.to(self.device))
        if batch.reset is not None:
            if not self._with_reset:
                raise InputError(
                    "A document ends inside a row, and the model's forward takes no `reset` with "
                    "which its state would begin anew there. recur.ManyToMany does."
                )
            options["reset"] = batch.reset.to(self.device)
        if self._unscored:
            options["scored"] = False
        if self.carries:
            return self._carrying(x, state, options)
        return self._outputs(self.model(x, **options))

    def _outputs(self, found: Any) -> Any:
        """What the model returned, as what it should be."""
        if self.names:
            return _by_name(found, self.names)
        if isinstance(found, Tensor | LinearScores) or (
            self.names is None and isinstance(found, Mapping)
        ):
            return found
        if isinstance(found, Mapping):
            todo = "Give loss a dict with a loss for each."
            raise InputError(must("what the model returns", "a tensor", "a dict", todo))
        raise InputError(
            f"The model must return a tensor; got {type(found).__name__}. Recurrent layers "
            "return (outputs, state) unless they are made with return_sequences=True or False."
        )

    def _carrying(self, x: Tensor, state: Any, options: dict[str, Any]) -> Any:
        if self._asked:
            options["return_state"] = True
        result = self._called(x, options | {self._carried: state})
        kinds = (Mapping, tuple) if self.names else (Tensor, LinearScores)
        if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[0], kinds):
            got = type(result).__name__
            raise InputError(must("what a model with truncate returns", "(outputs, state)", got))
        self.state = detached(result[1])
        return self._outputs(result[0])

    def _called(self, x: Tensor, options: dict[str, Any]) -> Any:
        try:
            result = self.model(x, **options)
        except (RuntimeError, TypeError, ValueError, AttributeError, LookupError) as error:
            if not self._unproven:
                raise
            got = f"one that it refuses ({error})"
            raise InputError(must("the carried state to go on with", "the model's", got)) from error
        self._unproven = False
        return result


def _by_name(found: Any, names: Sequence[str]) -> dict[str, Tensor]:
    """Several outputs of a model."""
    if isinstance(found, tuple | list) and len(found) == len(names):
        found = dict(zip(names, found, strict=True))
    if not isinstance(found, Mapping):
        got = f"{type(found).__name__} of {len(found)}" if isinstance(found, tuple | list) else ""
        expected = f"a dict or a tuple of its outputs {listed(names, 'and')}"
        raise InputError(must("what the model returns", expected, got or type(found).__name__))
    chosen: dict[str, Any] = {name: found.get(name) for name in names}
    for name, output in chosen.items():
        if not isinstance(output, Tensor):
            kept = listed(found, "and") if name not in found else type(output).__name__
            raise InputError(must(f"the output {name!r} of the model", "a tensor", kept))
    return chosen


def caller(
    model: nn.Module,
    *,
    carries: bool = False,
    names: Sequence[str] | None = (),
    scored: bool = True,
) -> Caller:
    """Returns what calls the model; see `Caller`."""
    return Caller(model, carries=carries, names=names, scored=scored)


def device_of(model: nn.Module) -> torch.device:
    """Where the model's parameters are; the CPU if it has none."""
    return next((p.device for p in model.parameters()), torch.device("cpu"))


def with_targets_on(batch: Batch, device: torch.device) -> Batch:
    """Moves targets and weights; lengths stay where they are: layers take them from anywhere."""
    if batch.weight is not None:
        batch = batch._replace(weight=batch.weight.to(device, non_blocking=True))
    if batch.y is None or (isinstance(batch.y, Tensor) and batch.y.device == device):
        return batch
    return batch._replace(y=changed(batch.y, lambda y: y.to(device, non_blocking=True)))
