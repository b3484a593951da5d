"""What several rooms' tests share: poisoned memory, fixed seeds, and how hypothesis searches."""

from __future__ import annotations

import random
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings

TOYS = Path(__file__).parent / "toy"

# The problems here are small: a second thread costs more than it gives, on a busy machine most.
torch.set_num_threads(1)

# The same examples on every run; `pytest --hypothesis-profile=search` looks for new ones.
COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("recur", max_examples=25, derandomize=True, **COMMON)
settings.register_profile("search", max_examples=500, **COMMON)
settings.load_profile("recur")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Tests leave the user's cache of datasets alone; one of their own serves the whole run."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECUR_CACHE", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def heard_interrupt():
    """Ctrl-C is heard as in the foreground: jobs in the background begin with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def keras_3_6():
    """The folder of an older Keras, to come first on the path of a process of its own."""
    folder = Path(sys.prefix) / "keras-3.6"
    if not (folder / "keras").is_dir():
        pytest.skip(f"Keras 3.6 is not in {folder}; `make setup` puts it there")
    return folder


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def poisoned_memory():
    """Fresh memory comes up as NaN: a result that was never written cannot look right."""
    filled = torch.utils.deterministic.fill_uninitialized_memory
    deterministic = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = True
    yield
    torch.utils.deterministic.fill_uninitialized_memory = filled
    torch.use_deterministic_algorithms(deterministic, warn_only=warned)


@pytest.fixture(autouse=True)
def fixed_seeds():
    """Every test starts from the same random state, whatever ran before it."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture
def counting(monkeypatch, tmp_path):
    """A tiny task, added as any task is: by a file in the folder. Runs go below `tmp_path`."""
    from recur import tasks

    monkeypatch.setattr(tasks, "__path__", [*tasks.__path__, str(TOYS)])
    monkeypatch.chdir(tmp_path)
    for found in (tasks.every, tasks.described):
        found.cache_clear()
    yield tasks.find("counting")
    for found in (tasks.every, tasks.described):
        found.cache_clear()
    sys.modules.pop("recur.tasks.counting")
