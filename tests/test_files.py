"""Files, whole or not at all: failing writers, a full disk, and what is read back."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import signal
import subprocess
import sys
import threading

import pytest
import torch
from safetensors.torch import save

from recur import files
from recur.messages import FailedError, InputError

resource = pytest.importorskip("resource", reason="limits on a file's size are POSIX's")


@pytest.fixture
def place(tmp_path):
    """A file with something in it, alone in its folder."""
    path = tmp_path / "folder" / "result.txt"
    path.parent.mkdir()
    path.write_text("before")
    return path


def untouched(path):
    return path.read_text() == "before" and os.listdir(path.parent) == [path.name]


@contextlib.contextmanager
def files_at_most(size):
    """What a full disk does, by a limit on the size of files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_is_written_is_there_and_nothing_else(place):
    files.write_bytes(place, b"\x00after")
    assert place.read_bytes() == b"\x00after"
    assert os.listdir(place.parent) == [place.name]


def test_folders_on_the_way_are_made(tmp_path):
    files.write_text(tmp_path / "a" / "b" / "c.txt", "é")
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == "é".encode()


def test_the_permissions_are_those_of_any_new_file(tmp_path):
    files.write_text(tmp_path / "ours.txt", "")
    (tmp_path / "plain.txt").write_text("")
    assert (tmp_path / "ours.txt").stat().st_mode == (tmp_path / "plain.txt").stat().st_mode


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_writer_that_fails_leaves_the_old_file_and_no_litter(place, stop):
    def write():
        with files.replacing(place) as temporary:
            temporary.write_text("half of")
            raise stop

    with pytest.raises(stop):
        write()
    assert untouched(place)


def test_a_writer_may_take_the_file_away(place):
    """A writer that deletes its file has failed, however it says so."""
    with (
        pytest.raises(FailedError, match="could not be written: No such file"),
        files.replacing(place) as temporary,
    ):
        temporary.unlink()
    assert untouched(place)


def test_the_temporary_name_ends_as_the_final_one_and_is_hidden(place):
    with files.replacing(place.with_suffix(".png")) as temporary:
        assert temporary.suffix == ".png"
        assert temporary.name.startswith(".")
        assert temporary.parent == place.parent


@pytest.mark.parametrize(
    "write",
    [
        lambda path: files.write_bytes(path, bytes(9000)),
        lambda path: files.write_text(path, "a" * 9000),
        lambda path: files.write_json(path, ["a"] * 9000),
        lambda path: files.write_csv(path, ["a"], [[1]] * 9000),
        lambda path: files.write_tensors(path, {"w": torch.zeros(9000)}),
    ],
    ids=["bytes", "text", "json", "csv", "tensors"],
)
def test_a_full_disk_is_one_sentence_and_costs_nothing(place, write):
    with files_at_most(4096), pytest.raises(FailedError) as caught:
        write(place)
    assert str(caught.value) == (
        f"{place} could not be written: {os.strerror(errno.EFBIG)}. The file that was there "
        "before is unchanged."
    )
    assert untouched(place)
    with files_at_most(4096), pytest.raises(FailedError) as caught:
        write(place.with_name("new"))
    assert str(caught.value).endswith(f"could not be written: {os.strerror(errno.EFBIG)}.")
    assert untouched(place)


def test_the_mask_of_the_process_is_never_touched(tmp_path, monkeypatch):
    """For a moment other threads would make files that everybody may write."""
    monkeypatch.setattr(os, "umask", None)
    files.write_text(tmp_path / "x", "")


def test_the_folder_is_flushed_after_the_rename_and_after_a_folder_is_made(tmp_path, monkeypatch):
    """Or a power cut takes the new name away again."""
    seen, real = [], os.fsync
    replace = type(tmp_path).replace

    def fsync(handle):
        seen.append(os.readlink(f"/proc/self/fd/{handle}"))
        real(handle)

    def renamed(path, target):
        seen.append(str(target))
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(type(tmp_path), "replace", renamed)
    files.write_text(tmp_path / "a" / "b" / "x", "")
    *made, half, name, after = seen
    assert made == [str(tmp_path), str(tmp_path / "a")]
    assert half.startswith(str(tmp_path / "a" / "b" / "."))
    assert (name, after) == (str(tmp_path / "a" / "b" / "x"), str(tmp_path / "a" / "b"))


def test_a_path_from_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    files.write_text("~/x", "mine")
    assert files.read_text("~/x") == (tmp_path / "x").read_text() == "mine"


@pytest.mark.parametrize("path", ["a" * 300, "a/" * 3000, "a\0b"])
def test_what_cannot_be_a_path_is_a_sentence(path):
    with pytest.raises(InputError, match=r"cannot be a path: .*\.$"):
        files.path_of(path)


def test_a_folder_is_held_by_one_and_a_killed_process_lets_go(tmp_path):
    place = tmp_path / "run"
    with files.alone_in(place) as held:
        assert held.is_there()
        with pytest.raises(FailedError, match="Another training is under way in"):
            files.alone_in(place).__enter__()
        child = os.fork()
        if not child:  # it outlives what forked it, as a killed training's helpers do
            os._exit(held.is_there())
        assert os.waitpid(child, 0)[1] == 0
    assert os.listdir(place) == []
    child = os.fork()
    if not child:
        with files.alone_in(place):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert os.listdir(place) == [".lock"]
    with files.alone_in(place):
        pass
    assert os.listdir(place) == []


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path):
    for name in (".u6lb1nyo.part.png", ".0a1b2c3d.part", ".u6lb1nyo.part.", "a.part", ".other"):
        (tmp_path / name).write_text("")
    with files.replacing(tmp_path / "mine.png") as temporary:
        with files.alone_in(tmp_path):
            assert {path.name for path in tmp_path.iterdir()} == {
                temporary.name, ".lock", "a.part", ".other"
            }  # fmt: skip
        temporary.write_text("whole")
    assert sorted(os.listdir(tmp_path)) == [".other", "a.part", "mine.png"]


def test_a_folder_that_is_moved_is_noticed_and_another_lock_is_left_alone(tmp_path):
    place = tmp_path / "run"
    with files.alone_in(place) as held:
        place.rename(tmp_path / "moved")
        assert not held.is_there()
        with files.alone_in(place) as another:
            held.release()
            assert another.is_there()


def test_a_place_where_no_file_can_be(place):
    with pytest.raises(FailedError, match=r"result.txt.below could not be written: "):
        files.write_text(place / "below", "x")
    with pytest.raises(FailedError, match="could not be written: Is a directory"):
        files.write_text(place.parent, "x")
    assert untouched(place)


def test_a_process_that_is_killed_leaves_the_old_file(place):
    program = (
        "import os, sys; from recur import files\n"
        "with files.replacing(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half of')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, place], check=False)
    assert ended.returncode == -9
    assert place.read_text() == "before"


def test_a_reader_sees_the_old_file_or_the_new_one(place):
    texts = {"before", "a" * 10_000, "b" * 20_000}
    seen, done = set(), threading.Event()

    def read():
        while not done.is_set():
            seen.add(place.read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(25):
        files.write_text(place, "a" * 10_000)
        files.write_text(place, "b" * 20_000)
    done.set()
    reader.join()
    assert seen <= texts
    assert os.listdir(place.parent) == [place.name]


def test_json_both_ways(tmp_path):
    content = {"b": [1, 2.5, None, True], "a": "é", "": {}}
    files.write_json(tmp_path / "x.json", content)
    assert files.read_json(tmp_path / "x.json") == content
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert text.startswith('{\n  "b": [') and text.endswith("}\n") and "é" in text  # noqa: PT018


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_json_has_no_nan(place, number):
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(place, {"loss": number})
    assert untouched(place)


def test_csv_as_the_standard_library_reads_it(tmp_path):
    import csv

    rows = [["a,b", 1.5], ['say "x"', None], ["two\nlines", 0.1 + 0.2]]
    files.write_csv(tmp_path / "x.csv", ["name", "value"], rows)
    with (tmp_path / "x.csv").open(newline="", encoding="utf-8") as stored:
        header, *back = csv.reader(stored)
    assert header == ["name", "value"]
    assert back == [["a,b", "1.5"], ['say "x"', ""], ["two\nlines", "0.30000000000000004"]]


def test_text_without_the_mark_of_some_editors(tmp_path):
    (tmp_path / "x.txt").write_bytes(b"\xef\xbb\xbfname\n")
    assert files.read_text(tmp_path / "x.txt") == "name\n"


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"^There is no file .*missing\. Check the path\.$"):
        files.read_text(tmp_path / "missing")
    with pytest.raises(InputError, match=r"is a folder\. Give the path of a file in it\.$"):
        files.read_text(tmp_path)
    (tmp_path / "x").write_text("")
    with pytest.raises(InputError, match=r"cannot be read: Not a directory\.$"):
        files.read_text(tmp_path / "x" / "y")
    with pytest.raises(InputError, match=r"cannot be a path: File name too long\.$"):
        files.read_text(tmp_path / ("x" * 300))


def test_what_is_not_utf_8_is_named_by_line_and_byte(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"name\nJos\xc3\xa9\nCaf\xe9\nend\n")
    with pytest.raises(InputError) as caught:
        files.read_text(path)
    assert str(caught.value) == (
        f"{path} is not UTF-8 text: line 3 has the byte 0xe9. Save the file as UTF-8 and try again."
    )


@pytest.mark.parametrize("content", ["", "{", '{"a": 1,}', '{"a": 1}\n{"b"', "nul", '"\x01"'])
def test_damaged_json(tmp_path, content):
    path = tmp_path / "x.json"
    path.write_text(content)
    line = content.count("\n") + 1
    with pytest.raises(InputError, match=rf"x.json is damaged: it is not JSON from line {line} on"):
        files.read_json(path)


TENSORS = {
    "single": torch.linspace(0, 1, 6).reshape(2, 3),
    "double": torch.linspace(0, 1, 3, dtype=torch.float64),
    "half": torch.linspace(0, 1, 3, dtype=torch.bfloat16),
    "integers": torch.arange(4),
    "flags": torch.tensor([True, False]),
    "bytes": torch.arange(3, dtype=torch.uint8),
    "number": torch.tensor(2.5),
    "nothing": torch.zeros(0, 3),
    "nan": torch.tensor([torch.nan, torch.inf]),
    "turned": torch.arange(6.0).reshape(2, 3).t(),
    "spread": torch.ones(1).expand(3),
    "learned": torch.nn.Parameter(torch.ones(2)),
}


def test_tensors_both_ways(tmp_path):
    path = tmp_path / "x.safetensors"
    files.write_tensors(path, TENSORS, {"units": "32"})
    stored, metadata = files.read_tensors(path)
    assert metadata == {"units": "32"}
    assert stored.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert stored[name].dtype == tensor.dtype
        assert not stored[name].requires_grad
        torch.testing.assert_close(stored[name], tensor.detach(), rtol=0, atol=0, equal_nan=True)


def test_tensors_that_share_memory(tmp_path):
    """Tied weights, views of one another, and parts of one tensor: each its own in the file."""
    w = torch.arange(6.0)
    shared = {
        "a": w,
        "tied": w,
        "start": w[:2],
        "end": w[3:],
        "middle": w[1:5],
        "square": w.view(2, 3),
    }
    files.write_tensors(tmp_path / "x.safetensors", shared)
    stored, _ = files.read_tensors(tmp_path / "x.safetensors")
    for name, tensor in shared.items():
        assert torch.equal(stored[name], tensor), name
    assert torch.equal(w, torch.arange(6.0))


def test_tensors_from_another_program_have_no_checksum(tmp_path):
    (tmp_path / "x.safetensors").write_bytes(save({"w": torch.ones(2)}))
    stored, metadata = files.read_tensors(tmp_path / "x.safetensors")
    assert torch.equal(stored["w"], torch.ones(2))
    assert metadata == {}


def test_any_damage_to_a_tensor_file_is_seen(tmp_path):
    """Cut off anywhere, or a byte changed anywhere: one sentence, never other numbers."""
    path = tmp_path / "x.safetensors"
    tensors = {"w": torch.linspace(0, 1, 5), "b": torch.ones(1)}
    files.write_tensors(path, tensors, {"units": "32"})
    whole = path.read_bytes()
    sentence = r"x.safetensors is damaged: .*\. Restore it from a copy\.$"
    for end in range(0, len(whole), 7):
        path.write_bytes(whole[:end])
        with pytest.raises(InputError, match=sentence):
            files.read_tensors(path)
    for at in range(0, len(whole), 3):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x15]) + whole[at + 1 :])
        try:
            stored, _ = files.read_tensors(path)
        except InputError as error:
            assert "is damaged" in str(error)  # noqa: PT017
            continue
        # What remains are bytes that the tensors do not depend on: other metadata, a space.
        assert stored.keys() == tensors.keys()
        assert all(torch.equal(stored[k], tensors[k]) for k in tensors)


def test_no_tensor_file(tmp_path):
    with pytest.raises(InputError, match=r"^There is no file .*none\. Check the path\.$"):
        files.read_tensors(tmp_path / "none")
    with pytest.raises(InputError, match=r"^There is no file "):
        files.read_tensors(tmp_path)
    (tmp_path / "x").write_text(json.dumps({"not": "tensors"}))
    with pytest.raises(InputError, match=r"is damaged: .* Restore it from a copy"):
        files.read_tensors(tmp_path / "x")


def test_an_encoding_may_be_marked_or_named(tmp_path):
    path = tmp_path / "a.csv"
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        path.write_bytes("größer €".encode(encoding))
        assert files.read_text(path) == "größer €"
    path.write_bytes("größer €".encode("cp1252"))
    assert files.read_text(path, "cp1252") == "größer €"
    with pytest.raises(InputError, match=r"or name its encoding \(often cp1252\), and try again"):
        files.read_text(path, "")
    with pytest.raises(InputError, match=r"a\.csv is not utf-16 text: line 1 has the byte 0x"):
        files.read_text(path, "utf-16")


def test_what_may_never_end_is_refused(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, kind in (("/dev/zero", "device"), (pipe, "pipe")):
        with pytest.raises(InputError, match=f"{path} is a {kind}.* and no file: .*Give a file."):
            files.read_text(path)


def test_a_pipe_that_the_shell_holds_open_is_read():
    reader, writer = os.pipe()
    try:
        os.write(writer, b"given")
        os.close(writer)
        assert files.read_text(f"/dev/fd/{reader}") == "given"
    finally:
        os.close(reader)


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_texts_that_are_no_path(path):
    for use in (files.path_of, files.read_text, lambda p: files.write_text(p, "")):
        with pytest.raises(InputError, match=r"is no path|cannot be a path"):
            use(path)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("tagged.conllu", "tagged.conllu"),
        ("song-1.mid", "song-1.mid"),
        ("none", "none"),
        ("../../a.mid", r"______a-\w{8}\.mid"),
        ("a.b/c", r"a_b_c-\w{8}"),
        (".hidden", r"_hidden-\w{8}"),
    ],
)
def test_the_name_of_a_file_keeps_its_ending_and_leads_nowhere(name, safe):
    assert re.fullmatch(safe, files.safe_file_name(name))
