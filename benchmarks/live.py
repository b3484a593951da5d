"""How many rows a second `recur watch` judges, on one thread, out of a pipe that is always full.

    python benchmarks/live.py [--rows 100000] [--units 32]

For both ways, small networks are trained on the data that are made; then their test parts are
written into a pipe over and over, and read, judged and printed to nowhere. A figure of rows a
second, and one of this process's own processor time, are figures of this machine.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import torch

import recur
from recur.bench import machine
from recur.data.datasets import made_sensors, made_traffic
from recur.data.records.readings import Readings
from recur.run.watching import watch


def text_of(name: str) -> tuple[bytes, bytes]:
    """The header and the rows of a test part, as CSV."""
    test: Any = (made_traffic if name == "made-traffic" else made_sensors).load().test
    readings = isinstance(test, Readings)
    rows = test.values.round(4) if readings else zip(*test.columns.values(), strict=True)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(list(test.columns))
    writer.writerows(rows)
    header, _, rest = out.getvalue().partition("\n")
    return f"{header}\n".encode(), rest.encode()


def measure(run: recur.Run, name: str, rows: int) -> tuple[int, float, float]:
    """Rows judged, and seconds of the clock and of the processor."""
    header, rest = text_of(name)
    out, into = os.pipe()

    def write() -> None:
        with os.fdopen(into, "wb") as pipe:
            pipe.write(header)
            for _ in range(-(-rows // rest.count(b"\n"))):
                pipe.write(rest)

    writer = threading.Thread(target=write)
    clock, processor, judged = time.perf_counter(), time.process_time(), 0
    writer.start()
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        for answers in watch(run, out):
            print("\n".join(map(str, answers)), file=nowhere, flush=True)
            judged += len(answers)
    writer.join()
    os.close(out)
    return judged, time.perf_counter() - clock, time.process_time() - processor


def main() -> None:
    """Measures both ways."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--units", type=int, default=32)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(machine())
    for name, way in (("made-traffic", "with labels"), ("made-sensors", "without labels")):
        with tempfile.TemporaryDirectory() as folder:
            options = {"data": name, "units": given.units, "epochs": 1}
            run = recur.train("anomaly", out=Path(folder) / "run", progress=False, **options)
            rows, clock, processor = measure(run, name, given.rows)
        print(
            f"{way:<15} {rows:,} rows: {rows / clock:,.0f} a second, "
            f"{rows / processor:,.0f} a second of processor time"
        )


if __name__ == "__main__":
    main()
