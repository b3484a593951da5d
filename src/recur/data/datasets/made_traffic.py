"""Connections that look like those of a small network, with attacks among them: made, not measured.

Each row is drawn by itself, by the rules below, so that a score on it says that things work and
nothing about real networks. Two kinds of attacks are in the test part alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from recur.data.datasets.source import Source
from recur.data.records.connections import Connections
from recur.data.splits import Splits

SOURCE = Source(
    name="made-traffic",
    title="connections made by rules",
    task="anomaly",
    licence="made here",
    homepage="https://www.unb.ca/cic/datasets/nsl.html",
    size="0.0 MB",
    package=("recur", "data/datasets/made_traffic.py", "recur"),
)
RECORDS = Connections
USUAL = "normal"
NUMBER = 8000
"""Rows to learn from; half as many to test on."""
SEED = 113
NOTE = (
    "These connections are made by rules: the score says little about real networks. The attacks "
    "tunnel and slow-scan are in the test part alone."
)
SERVICES = {"http": (6.0, 9.0), "dns": (3.8, 4.8), "smtp": (7.5, 5.5), "ssh": (7.0, 7.5)}
"""Each with the means of the logarithms of the bytes sent and received."""
KNOWN = ("flood", "scan", "guess", "leak", "worm")
UNKNOWN = ("tunnel", "slow-scan")


def load() -> Splits[Connections]:
    """Returns the connections: a third of them attacks, of kinds that differ between the parts.

    Raises:
        FailedError: never, where recur is installed.
    """
    SOURCE.find()
    chance = np.random.default_rng(SEED)
    train = _rows(chance, NUMBER, KNOWN)
    test = _rows(chance, NUMBER // 2, KNOWN + UNKNOWN)
    return Splits(train, test=test, about="connections made by rules", notes=(NOTE,))


def _rows(chance: np.random.Generator, number: int, kinds: tuple[str, ...]) -> Connections:
    labels = [
        USUAL if chance.random() < 2 / 3 else kinds[int(chance.integers(len(kinds)))]
        for _ in range(number)
    ]
    rows = [{**_usual(chance), **_attack(label, chance)} for label in labels]
    columns = {
        name: np.array([row[name] for row in rows], dtype=object if symbol else np.float64)
        for name, symbol in ((name, isinstance(cell, str)) for name, cell in rows[0].items())
    }
    places = [f"row {row}" for row in range(1, number + 1)]
    return Connections(columns, labels, USUAL, places)


def _usual(chance: np.random.Generator) -> dict[str, Any]:
    service = list(SERVICES)[int(chance.choice(4, p=[0.5, 0.3, 0.12, 0.08]))]
    sent, received = SERVICES[service]
    return {
        "protocol": "udp" if service == "dns" else "tcp",
        "service": service,
        "flag": "SF" if chance.random() < 0.95 else "REJ",
        "duration": round(float(chance.exponential(0.1 if service == "dns" else 4.0)), 2),
        "bytes_sent": float(int(chance.lognormal(sent, 0.7))),
        "bytes_received": float(int(chance.lognormal(received, 0.9))),
        "failed_logins": float(chance.random() < 0.03 and service == "ssh"),
        "connections": float(1 + chance.poisson(4)),
        "same_service": round(float(chance.beta(6, 2)), 2),
        "same_host": round(float(chance.beta(3, 3)), 2),
    }


def _attack(kind: str, chance: np.random.Generator) -> Mapping[str, Any]:
    """What an attack changes of a usual row."""
    many = float(20 + chance.poisson(60))
    match kind:
        case "flood":
            same = round(float(chance.beta(20, 1)), 2)
            silent = {"flag": "S0", "bytes_sent": 0.0, "bytes_received": 0.0}
            return {**silent, "connections": many, "same_service": same, "duration": 0.0}
        case "scan":
            few = round(float(chance.beta(1, 8)), 2)
            flag = "REJ" if chance.random() < 0.8 else "SF"
            return {"flag": flag, "connections": many, "same_service": few, "bytes_received": 0.0}
        case "guess":
            tries = float(1 + chance.poisson(2))
            return {"service": "ssh", "protocol": "tcp", "failed_logins": tries}
        case "leak":
            return {"bytes_sent": float(int(chance.lognormal(11, 1.0)))}
        case "worm":
            apart = round(float(chance.beta(1, 8)), 2)
            return {"service": "smtp", "protocol": "tcp", "same_host": apart, "connections": many}
        case "tunnel":
            sent = float(int(chance.lognormal(7.5, 0.5)))
            return {"service": "dns", "protocol": "udp", "bytes_sent": sent, "duration": 9.0}
        case "slow-scan":
            few = round(float(chance.beta(1, 8)), 2)
            return {"flag": "REJ", "same_service": few, "bytes_received": 0.0}
    return {}
