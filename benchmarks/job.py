"""The reference job: a whole training step of the classic tutorial, and training through `fit`.

A batch of 32 reviews, padded in front to 500 words; embedding of 10,000 x 32, one recurrent layer
of 32 units, one score, Adam. "step": forward, backward and optimizer on one batch, in the way that
each library's guide writes a fast loop by hand. "fit": recur.fit over batches of real reviews,
with the accuracy, shuffling, the gradient's norm and the guard against NaN. "lengths": the same
reviews with their lengths and in buckets, through recur.fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from peer import KINDS, Peer, Tell, running
from reviews import BATCH, Reviews, TorchModel, model_of, reviews
from table import milliseconds, table, times
from torch import nn

import recur
from recur.bench import Runner, in_turns, timed
from recur.messages import FailedError

CELLS = ("rnn", "lstm", "gru")
BATCHES = 20  # of a fit
CHECKED = 10  # steps whose losses are compared before anything is timed
EPSILON = 1e-8  # Adam's
LOSS = "binary_crossentropy_with_logits"

PEERS = tuple(kind for kind in KINDS if kind.environment != "onnx")  # those that train
XLA = "step with XLA"
COLUMNS = ("recur", "torch.nn", *(kind.name for kind in PEERS), "TensorFlow with XLA")


def measure(full: bool, tell: Tell) -> str:
    """Returns the tables."""
    data = reviews(BATCH * BATCHES)
    steps, fits = [], []
    with running(tell, PEERS) as peers:
        for cell in CELLS:
            found = _times(cell, data, peers, full)
            steps.append(_step_row(cell, found))
            fits.append(_fit_row(cell, found))
            tell(f"job, {cell}: {', '.join(f'{n} {milliseconds(s)} ms' for n, s in found.items())}")
    fitted = [name for name in found if name.endswith(" fit")]
    return "\n\n".join(
        [
            "One step: the time of each, and how many times as fast recur is.",
            table(["cell", "recur, ms", *COLUMNS[1:]], steps),
            "A batch through `recur.fit`, in ms. With lengths and buckets the work is the "
            f"{data.share:.0%} of the padded steps that exist.",
            table(
                ["cell", "step", "fit", "over a step", "fit, lengths", "gain", *fitted],
                fits,
            ),
        ]
    )


def _times(cell: str, data: Reviews, peers: Sequence[Peer], full: bool) -> dict[str, float]:
    torch.manual_seed(0)
    model = model_of(cell)
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    models: dict[str, nn.Module] = {"recur": model}
    for batch_first in (True, False):
        name = "torch.nn, batch first" if batch_first else "torch.nn"
        models[name] = TorchModel(cell, batch_first)
        models[name].load_state_dict(weights)
    steps = {name: step_by_hand(each, data) for name, each in models.items()}
    losses = {name: [step() for _ in range(CHECKED)] for name, step in steps.items()}
    runners = {name: timed(step) for name, step in steps.items()}
    for peer in peers:
        made = _made(peer, cell, data, weights)
        losses[peer.name] = list(made["losses"])
        runners[peer.name] = made["runners"]["step"]
        if XLA in made["runners"]:
            runners[COLUMNS[-1]] = made["runners"][XLA]
        if full:
            runners[f"{peer.name} fit"] = _a_batch(made["runners"]["fit"])
    _check(cell, losses)
    runners["fit"] = _fit(cell, data.padded, data)
    runners["lengths"] = _fit(cell, data.ragged, data)
    found = in_turns(runners, seconds=3.0 if full else 0.5)
    found["torch.nn"] = min(found["torch.nn"], found.pop("torch.nn, batch first"))
    return found


def step_by_hand(model: nn.Module, data: Reviews) -> Callable[[], float]:
    """Forward, backward and optimizer, as one writes them by hand; returns the loss."""
    tokens, targets = data.padded[:BATCH].contiguous(), data.targets[:BATCH]
    optimizer = torch.optim.Adam(model.parameters(), eps=EPSILON, fused=True)

    def step() -> float:
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(tokens), targets)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return loss.item()

    return step


def _fit(cell: str, x: Any, data: Reviews) -> Runner:
    model = model_of(cell)
    optimizer = torch.optim.Adam(model.parameters(), eps=EPSILON, fused=True)

    def run(calls: int) -> list[float]:
        seconds = []
        for _ in range(calls):
            history = recur.fit(
                model,
                x,
                data.targets,
                loss=LOSS,
                metrics=["accuracy"],
                optimizer=optimizer,
                batch_size=BATCH,
                progress=False,
            )
            seconds.append(history.seconds[0] / BATCHES)
        return seconds

    return run


def _made(peer: Peer, cell: str, data: Reviews, weights: Mapping[str, Any]) -> dict[str, Any]:
    arrays = {"tokens": data.padded.numpy().astype(np.int32), "targets": data.targets.numpy()}
    settings = {"cell": cell, "batch": BATCH, "steps": CHECKED, "epsilon": EPSILON}
    return peer.make("job", settings, arrays | {n: value.numpy() for n, value in weights.items()})


def _a_batch(run: Runner) -> Runner:
    return lambda calls: [seconds / BATCHES for seconds in run(calls)]


def _check(cell: str, losses: Mapping[str, Sequence[float]]) -> None:
    """All learn the same: the first loss is equal, and the later ones to a tenth of what is learnt.

    Keras' layers have one bias where torch's have two, so that theirs moves half as far a step.
    """
    wanted = np.array(losses["torch.nn"])
    allowed = 1e-4 + 0.1 * np.abs(wanted - wanted[0])
    for name, found in losses.items():
        if not (np.abs(np.array(found) - wanted) <= allowed).all():
            raise FailedError(f"{name} and torch.nn differ in the losses of the job, {cell}.")


def _step_row(cell: str, found: Mapping[str, float]) -> list[str]:
    ours = found["recur"]
    others = [
        f"{milliseconds(found[name])} ({times(found[name] / ours)})" if name in found else "-"
        for name in COLUMNS[1:]
    ]
    return [cell, milliseconds(ours), *others]


def _fit_row(cell: str, found: Mapping[str, float]) -> list[str]:
    fits = [milliseconds(value) for name, value in found.items() if name.endswith(" fit")]
    return [
        cell,
        *(milliseconds(found[name]) for name in ("recur", "fit")),
        f"{found['fit'] / found['recur'] - 1:+.0%}",
        milliseconds(found["lengths"]),
        times(found["fit"] / found["lengths"]),
        *fits,
    ]
