"""Peers: other libraries, each a process in an environment of its own.

Two frameworks in one process fight over its threads, so each has its own (`peers/`), made by
`make bench-peers`. This side sends it arrays in a file and asks it, turn by turn, to run.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from recur.bench import Case, Inputs, Runner
from recur.messages import FailedError

ROOT = Path(__file__).parent.parent
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Kind:
    """Which peers there are.

    Attributes:
        name: its column in the tables.
        environment: its folder below .peers, and its requirements in peers/; "" is our own.
        worker: its file in peers/.
        variables: what its process finds in the environment.
    """

    name: str
    environment: str
    worker: str
    variables: Mapping[str, str]


KINDS = (
    Kind("Keras on JAX", "keras-jax", "keras_worker.py", {"KERAS_BACKEND": "jax"}),
    Kind("Keras on TensorFlow", "keras-tf", "keras_worker.py", {"KERAS_BACKEND": "tensorflow"}),
    Kind("onnxruntime", "onnx", "onnx_worker.py", {}),
)
"""All there are."""


class Peer:
    """A running worker."""

    def __init__(self, kind: Kind, python: Path) -> None:
        self.name = kind.name
        self._temporary = tempfile.TemporaryDirectory()
        self._folder = Path(self._temporary.name)
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", **kind.variables}
        with (self._folder / "errors").open("wb") as errors:
            self._process = subprocess.Popen(
                [python, Path(__file__).parent / "peers" / kind.worker],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **quiet},
                text=True,
            )
        self.versions: str = self._answer()["versions"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()  # closes the pipes
        self._temporary.cleanup()

    def make(
        self, what: str, settings: Mapping[str, Any], arrays: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Has a work made; returns its results, and its runners under "runners".

        Raises:
            FailedError: if the peer cannot make it.
        """
        folder = self._folder
        np.savez(folder / "arrays.npz", **arrays)
        asked = {
            "make": what,
            "settings": settings,
            "arrays": str(folder / "arrays.npz"),
            "results": str(folder / "results.npz"),
        }
        calls = self._ask(asked)["calls"]
        with np.load(folder / "results.npz") as results:
            return {**results, "runners": {call: partial(self._run, call) for call in calls}}

    def _run(self, call: str, calls: int) -> list[float]:
        seconds: list[float] = self._ask({"run": call, "calls": calls})["seconds"]
        return seconds

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.send_signal(signal.SIGCONT)
        with suppress(BrokenPipeError):  # it has ended: what it said last comes instead
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        try:
            return self._answer()
        finally:
            # Threads that spin after their work, as onnxruntime's do for some time, would take a
            # core from whoever has the next turn.
            self._process.send_signal(signal.SIGSTOP)

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            said = (self._folder / "errors").read_text(errors="replace").strip().splitlines()
            raise FailedError(f"{self.name} ended: {said[-1] if said else 'without a word'}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise FailedError(f"{self.name}: {answer['error']}")
        return answer


@contextmanager
def running(tell: Tell, kinds: tuple[Kind, ...] = KINDS) -> Iterator[list[Peer]]:
    """Starts the peers that are installed; says which are not."""
    with ExitStack() as stack:
        peers = []
        for kind in kinds:
            folder = ROOT / ".peers" / kind.environment
            if kind.environment and not (folder / ".ready").exists():
                tell(f"{kind.name}: not installed, left out (`make bench-peers` installs it)")
                continue
            python = folder / "bin" / "python" if kind.environment else Path(sys.executable)
            peers.append(stack.enter_context(Peer(kind, python)))
            tell(f"{kind.name}: {peers[-1].versions}")
        yield peers


class PeerSide:
    """A layer of a peer, as a side of `recur.bench.compare`."""

    def __init__(self, peer: Peer, case: Case, inputs: Inputs) -> None:
        self.name = peer.name
        arrays = {"x": inputs.x, "gradient": inputs.gradient, **inputs.weights}
        self._made = peer.make(
            "layer", case.to_json(), {name: value.numpy() for name, value in arrays.items()}
        )
        self.runners: Mapping[str, Runner] = self._made.pop("runners")

    def results(self) -> Mapping[str, Tensor]:
        """As `recur.bench.Side.results`."""
        return {name: torch.from_numpy(value) for name, value in self._made.items()}


def tell(line: str) -> None:
    """Says what is under way, on standard error."""
    print(line, file=sys.stderr, flush=True)
