"""`--threads`: on how many threads a command computes."""

from __future__ import annotations

from typing import Annotated

import typer

from recur.cli.words import read
from recur.messages import whole

MOST = 1024

Threads = Annotated[
    str,
    typer.Option("--threads", metavar="N", help="threads that compute (default: torch's choice)"),
]


def use_threads(word: str) -> None:
    """Sets the number of threads; an empty word leaves it as it is.

    Raises:
        InputError: if the word is no whole number from 1 to `MOST`.
    """
    if not word:
        return
    number = whole("--threads", read("--threads", word, int), most=MOST)
    import torch

    torch.set_num_threads(number)
