"""A piece of Python in a process of its own, which prints one JSON object."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


def alone(program: str, *arguments: object) -> dict[str, Any]:
    """Runs a program with arguments; returns what it printed.

    Raises:
        CalledProcessError: if it fails.
    """
    words = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
