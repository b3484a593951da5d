"""A corpus larger than the memory that a training allows itself, read from disk by `fit`."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Values of a corpus of 96 MB; the process may take 32 MB more than it has with torch loaded.
STEPS, FEATURES, ROOM = 12_000, 2_000, 32 << 20

SCRIPT = """
import resource, sys
import numpy as np
import torch
from torch.utils.data import IterableDataset
import recur
from recur.data.documents import Documents

kind, path, steps, features, room = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
torch.set_num_threads(1)
torch.manual_seed(0)
model = recur.ManyToMany(inputs=features, outputs=1, units=2, cell="gru")


def mapped():
    return np.memmap(path, dtype=np.float32, mode="r", shape=(steps, features))


class Files(IterableDataset):
    def __iter__(self):
        for start in range(0, steps, 150):
            part = np.array(mapped()[start : start + 150])
            yield part, part[:, :1]


def data(steps):
    return Documents(mapped()[:steps], mapped()[:steps, :1])


given = dict(loss="mse", truncate=40, batch_size=8, progress=False, seed=0)
recur.fit(model, data(2_000), **given)  # torch takes what it needs for itself

with open("/proc/self/status") as status:
    taken = next(int(line.split()[1]) << 10 for line in status if line.startswith("VmData"))
# Mapped files do not count as data; what is read from them does.
resource.setrlimit(resource.RLIMIT_DATA, (taken + room, taken + room))
try:
    np.array(mapped())
    print("the limit does not hold")
except MemoryError:
    pass
history = recur.fit(model, Files() if kind == "iterable" else data(steps), **given)
scores = recur.evaluate(model, Files() if kind == "iterable" else data(steps), loss="mse",
                        truncate=40, batch_size=8)
print(history.loss[0] > scores["loss"] > 0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: RLIMIT_DATA")
@pytest.mark.parametrize("kind", ["memmap", "iterable"])
def test_a_corpus_larger_than_memory(kind, tmp_path):
    path = tmp_path / "corpus"
    with path.open("wb") as file:
        file.truncate(STEPS * FEATURES * 4)
    write = "import sys, numpy as np; m = np.memmap(sys.argv[1], np.float32, 'r+');"
    write += "r = np.random.default_rng(0);"
    write += "[m[i:i + 1_000_000].__setitem__(slice(None), r.random(1_000_000, np.float32))"
    write += " for i in range(0, len(m), 1_000_000)]"
    subprocess.run([sys.executable, "-c", write, str(path)], check=True)
    assert path.stat().st_size > 2.5 * ROOM
    words = [kind, str(path), str(STEPS), str(FEATURES), str(ROOM)]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == "True"
