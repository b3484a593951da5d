"""The way to a file: the user's folder, the cache, the address, a package. With a real server."""

from __future__ import annotations

import dataclasses
import hashlib
import socket
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from recur import FailedError, InputError
from recur.data.datasets.source import Remote, Source, cache_folder, download

CONTENT = b"date,x\n2026-01-01,1\n" * 20_000
SHA256 = "sha256:" + hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves /whole.csv; /broken.csv ends halfway; all else is not there."""

    def do_GET(self) -> None:
        if self.path not in ("/whole.csv", "/broken.csv"):
            self.send_error(404)
            return
        self.server.asked += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT if self.path == "/whole.csv" else CONTENT[: len(CONTENT) // 2])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        serving.asked = 0
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        serving.url = f"http://127.0.0.1:{serving.server_port}"
        yield serving
        serving.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def places(monkeypatch, tmp_path, own_cache):
    """An empty cache and an empty folder of the user's."""
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("RECUR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("RECUR_DATA", str(tmp_path / "data"))
    return tmp_path


def source(url: str = "", **more) -> Source:
    remote = Remote(url, len(CONTENT), SHA256) if url else None
    return Source(
        name="toy",
        title="A toy",
        task="forecast",
        licence="public domain",
        homepage="https://example.org/toy",
        size="0.4 MB",
        local=("toy.csv",),
        remote=remote,
        **more,
    )


def test_a_file_is_fetched_once(server):
    toy = source(f"{server.url}/whole.csv")
    assert toy.status() == f"fetched from {server.url}/whole.csv"
    path = toy.find()
    assert path == cache_folder() / "whole.csv"
    assert path.read_bytes() == CONTENT
    assert toy.find() == path
    assert toy.status() == f"here: {path}"
    assert server.asked == 1


def test_a_cache_that_is_damaged_or_cannot_be_written_costs_time_only(server, places, monkeypatch):
    toy = source(f"{server.url}/whole.csv")
    toy.find().write_bytes(CONTENT[:-1])
    assert toy.status().startswith("fetched from")
    assert toy.find().read_bytes() == CONTENT
    (places / "file").write_text("no folder")
    monkeypatch.setenv("RECUR_CACHE", str(places / "file" / "cache"))
    assert toy.find().read_bytes() == CONTENT
    assert server.asked == 3


@pytest.mark.parametrize("folder", ["toy", "."])
def test_the_folder_of_the_user_comes_first(server, places, folder):
    toy = source(f"{server.url}/whole.csv")
    toy.find()
    own = places / "data" / folder / "toy.csv"
    own.parent.mkdir(exist_ok=True)
    own.write_bytes(b"mine")
    assert toy.find() == own


def test_a_folder_may_have_another_dash(places):
    toy = dataclasses.replace(source(), name="toy-set")
    own = places / "data" / "toy_set" / "toy.csv"
    own.parent.mkdir()
    own.write_bytes(b"mine")
    assert toy.find() == own


def test_a_package_that_carries_it():
    # Any file of an installed package will do.
    toy = source(package=("pooch", "core.py", "pooch"))
    assert toy.find().name == "core.py"
    assert toy.status().startswith("here: ")
    missing = source(package=("no_such_package", "x.csv", "no-such-package"))
    assert missing.status() == "comes with: pip install no-such-package"
    message = r"the package no-such-package is not installed\. To use it, install it with: pip"
    with pytest.raises(FailedError, match=message):
        missing.find()


def leftovers() -> list[str]:
    return [path.name for path in cache_folder().iterdir()] if cache_folder().exists() else []


def test_a_download_that_breaks_off_leaves_nothing(server):
    with pytest.raises(FailedError, match=r"/broken\.csv (cannot be reached|is not the file)"):
        download(Remote(f"{server.url}/broken.csv", len(CONTENT), SHA256))
    assert leftovers() == []
    # The next try starts clean.
    assert download(Remote(f"{server.url}/whole.csv", len(CONTENT), SHA256)).stat().st_size > 0


def test_a_file_that_is_another_one_leaves_nothing(server):
    remote = Remote(f"{server.url}/whole.csv", len(CONTENT), "sha256:" + 64 * "0")
    with pytest.raises(FailedError, match=r"/whole\.csv is not the file it should be"):
        download(remote)
    assert leftovers() == []


def test_found_nowhere_says_the_address_the_size_and_where_to_put_it(server):
    toy = source(f"{server.url}/none.csv")
    with pytest.raises(FailedError) as caught:
        toy.find()
    text = str(caught.value)
    assert "The dataset 'toy' (A toy) cannot be had" in text
    assert f"{server.url}/none.csv answers with the error 404" in text
    assert f"get it from {server.url}/none.csv (0.4 MB)" in text
    assert "put toy.csv or none.csv into a folder toy/" in text
    assert "set RECUR_DATA to the folder that holds toy/" in text


def test_no_network_is_found_out_quickly(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/whole.csv"
        with pytest.raises(FailedError, match=r"cannot be reached \(ConnectionError\)"):
            download(Remote(url, len(CONTENT), SHA256))


def test_a_cache_that_cannot_be_written_is_not_called_a_network(server, places, monkeypatch):
    (places / "file").write_text("not a folder")
    monkeypatch.setenv("RECUR_CACHE", str(places / "file" / "cache"))
    # Nor can the folder that takes its place.
    monkeypatch.setattr(tempfile, "mkdtemp", lambda **_: str(places / "file" / "cache"))
    with pytest.raises(FailedError, match=r"cannot be saved in .*cache: Not a directory"):
        download(Remote(f"{server.url}/whole.csv", len(CONTENT), SHA256))


def test_what_nobody_may_fetch():
    toy = source(how="ask for it at https://example.org/toy")
    assert toy.status().startswith("put toy.csv into the folder that RECUR_DATA names")
    with pytest.raises(
        FailedError, match=r"no address .* To use it, ask for it at .*, put toy\.csv"
    ):
        toy.find()


def test_a_folder_that_is_none(monkeypatch, places):
    monkeypatch.setenv("RECUR_DATA", str(places / "typo"))
    with pytest.raises(InputError, match=r"the variable RECUR_DATA must be a folder; got .*typo"):
        source().find()


def test_without_variables_the_cache_is_the_one_of_the_user(monkeypatch):
    monkeypatch.delenv("RECUR_CACHE")
    monkeypatch.delenv("RECUR_DATA")
    assert cache_folder().name == "recur"
    assert source().here() is None
