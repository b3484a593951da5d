"""Keras' loop over time, `RNN.inner_loop`, on the engine.

The same arguments, results and meaning in every Keras 3: a step that a mask leaves out carries the
state through, and its output repeats the one before unless `zero_output_for_mask`; with
`go_backwards` outputs come in the order of the walk; masks of dropout are the cell's own, drawn by
Keras, so that a seed drops the same units.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor

from recur import engine
from recur.engine import Options, Problem, Weights, reference
from recur.engine.cpu.onlookers import watched
from recur.keras import cells, taking
from recur.keras.notes import Notes

Results = tuple[Tensor, Tensor, list[Any]]


class _Part(NamedTuple):
    """One cell of a layer; there are several where cells are stacked."""

    kind: cells.Taken
    cell: Any
    weights: Weights
    state: tuple[Tensor, ...]  # each (batch, units)


def replacements(keras: ModuleType, notes: Notes) -> Iterator[tuple[type, str, Callable[..., Any]]]:
    """The methods to replace: of which class, by name, and with what."""
    layers = keras.layers
    for owner in (layers.RNN, layers.SimpleRNN, layers.LSTM, layers.GRU):
        if "inner_loop" in vars(owner):
            yield owner, "inner_loop", _inner_loop(vars(owner)["inner_loop"], notes)


def _inner_loop(before: Callable[..., Results], notes: Notes) -> Callable[..., Results]:
    @functools.wraps(before)
    def inner_loop(
        self: Any, sequences: Any, initial_state: Any, mask: Any, training: bool = False
    ) -> Results:
        if not _is_tensor(sequences) or watched():
            # Keras works out shapes, or somebody traces and has to see plain operators.
            return before(self, sequences, initial_state, mask, training=training)
        call = taking.Walk(self, sequences, initial_state, _flags(mask), bool(training))
        found = notes.left(self) or _parts(call)
        if isinstance(found, str):
            notes.note(self, found)
            return before(self, sequences, initial_state, mask, training=training)
        notes.note(self, None)
        return _walk(call, found)

    return inner_loop


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor) and value.device.type != "meta"


def _parts(call: taking.Walk) -> list[_Part] | str:
    """The layer's cells with their weights and states, or why the engine cannot walk them."""
    reason = taking.why_not_walked(call)
    if reason is not None:
        return reason
    layer = call.layer
    states = list(call.state) if taking.is_stacked(layer) else [call.state]
    parts = []
    for cell, given in zip(taking.each_cell(layer), states, strict=True):
        kind = cells.taken(cell)
        weights = cells.read(kind, cell)
        parts.append(_Part(kind, cell, weights, _state(layer, given, weights)))
    return _choice(parts, call.sequences) or parts


def _state(layer: Any, given: Any, weights: Weights) -> tuple[Tensor, ...]:
    state = given if isinstance(given, list | tuple) else (given,)
    # Keras writes the new states over a stateful layer's before a backward pass has read them.
    copy = bool(layer.stateful)
    return tuple(s.to(weights.w_hh.dtype, copy=copy) for s in state)


def _choice(parts: list[_Part], sequences: Tensor) -> str | None:
    """Why the engine's fast paths decline a part."""
    x = _numbers(sequences, parts)
    for part in parts:
        keeps = Options(keep=x) if part.cell.recurrent_dropout else engine.NOTHING
        problem = Problem.of(part.kind.cell, part.weights, x, part.state, keeps)
        choice = engine.choose(problem)
        if choice.path.name == reference.name:
            return choice.declined[0][1]
    return None


def _numbers(sequences: Tensor, parts: list[_Part]) -> Tensor:
    """Whole numbers as the weights' type; they take part in products."""
    if sequences.is_floating_point():
        return sequences
    return sequences.to(parts[0].weights.w_ih.dtype)


def _flags(mask: Any) -> Any:
    return mask[0] if isinstance(mask, list | tuple) else mask


def _exists(flags: Tensor | None) -> Tensor | None:
    """The steps that exist, (time, batch)."""
    if flags is None:
        return None
    flags = flags[..., 0] if flags.dim() == 3 else flags
    return flags.bool().t().contiguous()


def _walk(call: taking.Walk, parts: list[_Part]) -> Results:
    """The last output, all outputs in the order of the walk, and the final states."""
    layer, exists = call.layer, _exists(call.flags)
    walked, finals = _through(call, parts, exists)
    last = finals[-1][0]
    states: list[Any] = finals[0]
    if taking.is_stacked(layer):
        states = [s if len(s) > 1 else s[0] for s in finals]
    if exists is not None:
        exists = exists.flip(0) if layer.go_backwards else exists
        there = exists[-1] if layer.zero_output_for_mask else exists.any(0)
        last = torch.where(there.unsqueeze(1), last, 0)
    if not layer.return_sequences:
        return last, last.unsqueeze(1), states
    outputs = walked.transpose(0, 1)
    if layer.go_backwards:
        outputs = outputs.flip(1)
    if exists is not None and not layer.zero_output_for_mask:
        outputs = _repeated(outputs, exists.t())
    return last, outputs, states


def _through(
    call: taking.Walk, parts: list[_Part], exists: Tensor | None
) -> tuple[Tensor, list[list[Tensor]]]:
    """What the last cell puts out (time, batch, units), if that is wanted; every cell's states."""
    layer, training = call.layer, call.training
    sequences = _numbers(call.sequences, parts)
    x = sequences.transpose(0, 1)
    finals: list[list[Tensor]] = []
    for index, part in enumerate(parts):
        first = sequences[:, 0] if index == 0 else x[0]
        weights, x = _drop_inputs(part, x, first, training)
        outputs, final = engine.scan_layer(
            part.kind.cell,
            x,
            tuple(s.unsqueeze(0) for s in part.state),
            (weights,),
            mask=exists,
            reverse=layer.go_backwards,
            outputs=layer.return_sequences or index + 1 < len(parts),
            options=_options(part, training),
        )
        finals.append([s.squeeze(0) for s in final])
        if outputs is not None:
            x = outputs
    return x, finals


def _repeated(outputs: Tensor, exists: Tensor) -> Tensor:
    """Where a step does not exist, the output before it; zeros before the first."""
    steps = torch.arange(outputs.shape[1], device=outputs.device)
    latest = torch.where(exists, steps, -1).cummax(1).values.unsqueeze(2)
    found = outputs.gather(1, latest.clamp(min=0).expand(-1, -1, outputs.shape[2]))
    return torch.where(latest >= 0, found, 0)


def _drop_inputs(part: _Part, x: Tensor, first: Tensor, training: bool) -> tuple[Weights, Tensor]:
    """The input without what the cell drops, and the weights that read it."""
    weights = part.weights
    if not training or not part.cell.dropout:
        return weights, x
    kept = part.cell.get_dropout_mask(first)
    if isinstance(kept, Tensor):
        return weights, x * kept
    # One for each gate: each gate reads a copy of its own, so the matrix is block-diagonal.
    kept = [kept[gate] for gate in part.kind.order or range(len(kept))]
    blocks: Tensor = torch.block_diag(*weights.w_ih.chunk(len(kept)))  # type: ignore[no-untyped-call]
    return weights._replace(w_ih=blocks), torch.cat([x * each for each in kept], dim=-1)


def _options(part: _Part, training: bool) -> Options:
    if not training or not part.cell.recurrent_dropout:
        return engine.NOTHING
    kept = part.cell.get_recurrent_dropout_mask(part.state[0])
    if isinstance(kept, Tensor):
        return Options(keep=kept.unsqueeze(0))
    kept = [kept[gate] for gate in part.kind.order or range(len(kept))]
    return Options(keep=torch.stack(kept, dim=1).unsqueeze(0))
