"""A live stream: one step of time at a call, the state kept between calls."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from recur import engine
from recur.layers.checks import tensor
from recur.layers.recurrent import Recurrent
from recur.messages import InputError, must, whole


class Stream:
    """Walks a recurrent layer along a live stream, a step at a call, for inference.

    After the first call nothing is allocated on the CPU: states are updated in place, and the
    result is the top layer's own state. Clone it to keep it beyond the next call. Dropout between
    layers is off, no gradient is recorded. Weights changed in place, as by an optimizer or
    `load_state_dict`, are seen by the next call; those that a parametrization computes are computed
    once. Not for several Python threads at once. A copy (`copy.copy`, with the same weights;
    `copy.deepcopy`, with weights of its own) or a pickle stands where the stream stood, and goes on
    apart from it.

    Example:
        >>> layer = recur.GRU(3, 8)
        >>> stream = recur.Stream(layer)
        >>> for x in torch.randn(100, 3):
        ...     y = stream(x)

    Args:
        layer: `recur.RNN`, `LSTM` or `GRU`, of any number of layers, in one direction.
        batch_size: streams walked side by side; None for one without an axis for it: `x` is then
            (features,) and the result (units,).

    Attributes:
        state: as the layer's `hx`: h (layers, batch, R), for an LSTM the pair (h, c); it may be
            written to. R is `proj_size` if there is one, else `hidden_size`.

    Raises:
        InputError: something else than a layer, or one in two directions.
    """

    def __init__(self, layer: Recurrent, batch_size: int | None = None) -> None:
        if not isinstance(layer, Recurrent):
            raise InputError(
                must(
                    "layer",
                    "a recur.RNN, LSTM or GRU",
                    type(layer).__name__,
                    "recur.accelerate makes one of a layer of torch.nn.",
                )
            )
        if layer.bidirectional:
            raise InputError(
                "A stream has no end to walk back from: layer must be in one direction; got "
                "bidirectional=True."
            )
        if batch_size is not None:
            whole("batch_size", batch_size)
        rows = 1 if batch_size is None else batch_size
        self._cell, self._options = layer.cell, layer.options()
        self._weights = [_held(layer.weights(index, 0)) for index in range(layer.num_layers)]
        like = self._weights[0].w_hh.detach()
        self._state = tuple(
            like.new_zeros(layer.num_layers, rows, size) for size in layer.state_sizes
        )
        self._shape = (rows, layer.input_size) if batch_size is not None else (layer.input_size,)
        self._lay_out()

    def _lay_out(self) -> None:
        """Makes ready what is bound to the place of the states in memory."""
        h = self._state[0]
        self._dtype, self._device = h.dtype, h.device
        x = h.new_zeros(h.shape[1], self._shape[-1])
        self._take = engine.stepper(self._cell, self._weights, self._state, x, self._options)
        self._output = h[-1] if len(self._shape) > 1 else h[-1][0]

    def __getstate__(self) -> dict[str, Any]:
        """For deep copies and pickles: all but what is bound to a place in memory."""
        bound = ("_take", "_output")
        return {name: value for name, value in vars(self).items() if name not in bound}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        vars(self).update(kept)
        self._lay_out()

    def __copy__(self) -> Stream:
        """A stream at the same place, with the same weights and a state of its own."""
        twin = type(self).__new__(type(self))
        twin.__setstate__(
            {**self.__getstate__(), "_state": tuple(state.clone() for state in self._state)}
        )
        return twin

    @property
    def state(self) -> Any:
        """The states, live: see the class."""
        return self._state if len(self._state) > 1 else self._state[0]

    def __call__(self, x: Tensor) -> Tensor:
        """Takes one step.

        Args:
            x: (batch, features), or (features,) without a batch.

        Returns:
            The output (batch, R) or (R,): the state h of the top layer, overwritten by the next
            call.

        Raises:
            InputError: another shape, type or device than the layer's.
        """
        if (
            tensor("x", x).shape != self._shape
            or x.dtype is not self._dtype
            or x.device != self._device
        ):
            raise InputError(
                must(
                    "x",
                    f"{self._dtype} of the shape {tuple(self._shape)} on {self._device}",
                    f"{x.dtype} of the shape {tuple(x.shape)} on {x.device}",
                )
            )
        if not x.is_contiguous():
            x = x.contiguous()
        self._take(x)
        return self._output

    def reset(self, rows: Any = None) -> None:
        """Starts anew from zero states.

        Args:
            rows: None for all, or which: a bool tensor (batch,), a list of numbers, a slice.

        Raises:
            InputError: rows that there are not.
        """
        for state in self._state:
            try:
                state[:, slice(None) if rows is None else rows] = 0
            except (IndexError, TypeError) as error:
                expected = f"None, or some of the {state.shape[1]} rows of the stream"
                raise InputError(must("rows", expected, rows)) from error


def _held(weights: engine.Weights) -> engine.Weights:
    """The weights to hold: what was computed from others is cut off from the graph of that."""
    held: list[Any] = [w if w is None or w.is_leaf else w.detach() for w in weights]
    return engine.Weights(*held)
