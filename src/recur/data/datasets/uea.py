"""Recordings of the UEA archive in its .ts format, in the official split.

A. Bagnall et al., "The UEA multivariate time series classification archive, 2018",
arXiv:1811.00075.
"""

from __future__ import annotations

from recur.data.datasets.source import Source
from recur.data.records.recording_files import of_ts
from recur.data.records.recordings import Recordings, opened
from recur.data.splits import Splits


def sources(name: str, file: str, title: str, size: str) -> tuple[Source, Source]:
    """Where the training part and the test part of a set are; the package aeon carries some."""
    train, test = (
        Source(
            name=name,
            title=title,
            task="activity",
            licence="free for research (UEA archive)",
            homepage=f"https://www.timeseriesclassification.com/description.php?Dataset={file}",
            size=size,
            local=(f"{file}_{part}.ts.gz", f"{file}_{part}.ts"),
            package=("aeon", f"datasets/data/{file}/{file}_{part}.ts", "aeon==1.6.0"),
        )
        for part in ("TRAIN", "TEST")
    )
    return train, test


def official(train: Source, test: Source) -> Splits[Recordings]:
    """The official parts.

    Raises:
        FailedError: if a file cannot be had.
        InputError: if it is damaged.
    """
    parts = [opened(of_ts(source.find()), train.title) for source in (train, test)]
    return Splits(parts[0], test=parts[1], about=train.title)
