"""What a whole set of answers is worth, by the scores that a field compares its work with.

A file a field, thin over the packages that the field itself uses, so that a number means what it
means elsewhere; `yardsticks` and `forecasts` are what a model has to beat. Every function gives
`Scores`: numbers by name, and how they were computed. The packages are imported where they are
used; `pip install 'recur[scores]'` brings them.
"""

from recur.scoring import (
    anomalies,
    captions,
    classes,
    forecasts,
    linear,
    summaries,
    tags,
    thresholds,
    translation,
    words,
    yardsticks,
)
from recur.scoring.scores import Scores

__all__ = [
    "Scores",
    "anomalies",
    "captions",
    "classes",
    "forecasts",
    "linear",
    "summaries",
    "tags",
    "thresholds",
    "translation",
    "words",
    "yardsticks",
]
