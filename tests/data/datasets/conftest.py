"""One cache for all tests of datasets, never the user's own: an archive is unpacked once."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def cache_of_the_tests(monkeypatch, shared_cache):
    monkeypatch.setenv("RECUR_CACHE", str(shared_cache))
