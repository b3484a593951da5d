"""The classic tutorial's Keras script: `fit` of Keras on each backend, and with recur in it.

What `python -m recur.keras script.py` makes of it, beside the same script on Keras' own loops and
on the backends that it can be run on otherwise: an epoch of `fit` over batches of 32 real reviews,
padded in front to 500 words, with the script's model, loss, metric and optimizer, as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from peer import KINDS, Kind, Peer, Tell, running
from reviews import BATCH, UNITS, WORDS, reviews
from table import milliseconds, table, times

from recur.bench import Runner, in_turns
from recur.messages import FailedError

LAYERS = ("SimpleRNN", "LSTM", "GRU")
BATCHES = 10  # of an epoch
CHECKED = 50  # steps whose losses are compared before anything is timed
ALLOWED = 1e-4
RECUR, TORCH = "Keras with recur", "Keras on torch"
OWN = tuple(
    Kind(name, "", "keras_worker.py", {"KERAS_BACKEND": "torch"}) for name in (RECUR, TORCH)
)
PEERS = tuple(kind for kind in KINDS if kind.environment != "onnx")


def measure(full: bool, tell: Tell) -> str:
    """Returns the table."""
    # Each step its own batch: what sees a batch again learns it by heart, and then two trainings
    # of Keras drift apart by more than this, once a weight of one has been changed by 1e-7.
    data = reviews(BATCH * CHECKED)
    arrays = {
        "tokens": data.padded.numpy().astype(np.int32),
        "targets": data.targets.numpy()[:, 0].astype(np.int64),
    }
    rows, worst = [], 0.0
    with running(tell, (*OWN, *PEERS)) as sides:
        for layer in LAYERS:
            runners, losses = {}, {}
            for side in sides:
                made = side.make("fit", _settings(layer, side), arrays)
                runners[side.name], losses[side.name] = _a_batch(made), made["losses"]
            worst = max(worst, _difference(layer, losses[RECUR], losses[TORCH]))
            found = in_turns(runners, seconds=8.0 if full else 2.0)
            rows.append(_row(layer, found))
            tell(f"keras, {', '.join(rows[-1])}")
    return "\n\n".join(
        [
            "A batch of `fit` in ms, and how many times as fast Keras with recur in it is. The "
            f"losses of the first {CHECKED} steps differ from those of Keras on torch by at most "
            f"{worst:.0e}.",
            table(["layer", f"{RECUR}, ms", TORCH, *(kind.name for kind in PEERS)], rows),
        ]
    )


def _settings(layer: str, side: Peer) -> dict[str, Any]:
    sizes = {"words": WORDS, "size": UNITS, "batch": BATCH, "steps": CHECKED, "fitted": BATCHES}
    return {"layer": layer, "patched": side.name == RECUR, **sizes}


def _a_batch(made: Mapping[str, Any]) -> Runner:
    fit: Runner = made["runners"]["fit"]
    return lambda calls: [seconds / BATCHES for seconds in fit(calls)]


def _difference(layer: str, ours: Any, theirs: Any) -> float:
    """The greatest difference of two losses of the same step.

    Raises:
        FailedError: it is more than float32 explains.
    """
    difference = float(np.abs(ours - theirs).max())
    if difference > ALLOWED:
        raise FailedError(f"{layer}: the losses differ by {difference:.1e} with recur.")
    return difference


def _row(layer: str, found: Mapping[str, float]) -> list[str]:
    ours = found[RECUR]
    names = [TORCH, *(kind.name for kind in PEERS)]
    others = [
        f"{milliseconds(found[name])} ({times(found[name] / ours)})" if name in found else "-"
        for name in names
    ]
    return [layer, milliseconds(ours), *others]
