"""The ways to write a sequence, by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from torch import Tensor

from recur.decoding.beam import beam_search
from recur.decoding.greedy import greedy_search
from recur.decoding.sampling import sample
from recur.decoding.stepping import Decoded, Step
from recur.messages import InputError, did_you_mean, listed, one_of

SEARCHES: dict[str, Callable[..., Decoded]] = {
    "greedy": greedy_search,
    "beam": beam_search,
    "sample": sample,
}


def decode(search: str, step: Step, state: Any, start: Tensor, **how: Any) -> Decoded:
    """Calls `greedy_search`, `beam_search` or `sample` by name: "greedy", "beam" or "sample".

    Raises:
        InputError: an unknown name, arguments that this search does not have, or lacks, or that
            do not fit.
        FailedError: log-probabilities of NaN.
    """
    function = SEARCHES[one_of("search", search, SEARCHES)]
    parameters = inspect.signature(function).parameters.values()
    options = {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}
    for name in how:
        if name not in options:
            hint = did_you_mean(name, options) or f"It has {listed(options, 'and')}."
            raise InputError(f"The search {search!r} has no argument {name!r}. {hint}")
    for name, option in options.items():
        if option.default is option.empty and name not in how:
            raise InputError(f"The search {search!r} needs the argument {name!r}.")
    return function(step, state, start, **how)
