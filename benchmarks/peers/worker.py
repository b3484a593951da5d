"""The loop of a worker: one line of JSON in, one line of JSON out, until standard input ends.

Workers run in environments of their own, without recur, so this file and those beside it import
only the standard library, numpy and the peer. A work is made once, then run as often as it is
asked to, so that the peers and recur take turns.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


class Work(NamedTuple):
    """What a worker has made ready.

    Attributes:
        results: what is checked before anything is timed.
        calls: what can be timed, by name; a call returns when its work is done.
    """

    results: Callable[[], Arrays]
    calls: Mapping[str, Callable[[], object]]


Maker = Callable[[Mapping[str, Any], Arrays], Work]


def serve(makers: Mapping[str, Maker], versions: str) -> None:
    """Answers requests.

    {"make": NAME, "settings": {...}, "arrays": FILE, "results": FILE} -> {"calls": [...]}
    {"run": NAME, "calls": N} -> {"seconds": [...]}
    """
    # Whatever a library prints goes to standard error; the answers have this door for themselves.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def answer(content: Mapping[str, Any]) -> None:
        print(json.dumps(content), file=answers, flush=True)

    answer({"versions": versions})
    work: Work | None = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "make" in request:
                work = None  # the memory of the one before
                with np.load(request["arrays"]) as arrays:
                    work = makers[request["make"]](request["settings"], dict(arrays))
                results: dict[str, Any] = dict(work.results())
                np.savez(request["results"], **results)
                answer({"calls": list(work.calls)})
            else:
                assert work is not None
                answer({"seconds": _run(work.calls[request["run"]], request["calls"])})
        except Exception as error:  # said by the benchmark, which goes on without this peer
            answer({"error": f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"})


def _run(call: Callable[[], object], calls: int) -> list[float]:
    seconds = []
    for _ in range(calls):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds
