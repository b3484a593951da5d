"""Programs that we did not write, a file for each field; `all_programs` lists them.

Each has its own defaults but for the number of steps, and data that packages bring along or that is
made. They live in environments of their own, whose requirements are in this folder.
"""

from __future__ import annotations

from strangers import acting, forecasting, others, recommending, series, words
from strangers.program import Program


def all_programs() -> list[Program]:
    """Every program, in the order of the table."""
    fields = (forecasting, series, words, recommending, acting, others)
    return [program for field in fields for program in field.PROGRAMS]
