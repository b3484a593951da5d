"""How often a decoder reads the true last token while it learns, and how often its own.

With teacher forcing it always reads the true one, which makes learning quick and may leave it
helpless after a mistake of its own. Scheduled sampling begins with the true tokens and goes over to
its own (S. Bengio et al., "Scheduled sampling", arXiv:1506.03099). A schedule gives the ratio of
true tokens by the number n of batches that were learnt from so far.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from recur.messages import real, whole

Schedule = Callable[[int], float]


def linear_decay(batches: int, *, last: float = 0.0) -> Schedule:
    """From 1 in a straight line to `last`, which is reached after so many batches.

    Raises:
        InputError: batches below 1, or a last ratio that is none.
    """
    whole("batches", batches)
    check_ratio("last", last)
    return lambda n: max(last, 1 - (1 - last) * n / batches)


def exponential_decay(k: float) -> Schedule:
    """The ratio k ** n, for k above 0 and below 1.

    Raises:
        InputError: another k.
    """
    k = real("k", k, lambda k: 0 < k < 1, "above 0 and below 1")
    return lambda n: math.exp(n * math.log(k))


def inverse_sigmoid_decay(k: float) -> Schedule:
    """The ratio k / (k + exp(n / k)): it falls to a half after k log(k) batches. k is at least 1.

    Raises:
        InputError: another k.
    """
    k = real("k", k, lambda k: 1 <= k < math.inf, "a number of at least 1")
    # Far out the exponential is too large for a float, and the ratio 0.
    return lambda n: k / (k + math.exp(n / k)) if n / k < 700 else 0.0


def check_ratio(what: str, ratio: float) -> float:
    """Returns a ratio from 0 to 1.

    Raises:
        InputError: if it is none.
    """
    return real(what, ratio, lambda r: 0 <= r <= 1, "a ratio from 0 to 1")
