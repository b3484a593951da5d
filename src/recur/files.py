"""Files, whole or not at all.

The only module that opens a file for writing. A file is written beside its place under another
name, flushed to the disk, then renamed, and the folder flushed: a reader sees the old file or the
new one, never half of one, and a full disk, a kill or a power cut in the middle leaves the old one
as it was.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import errno
import hashlib
import io
import json
import math
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from recur import locks
from recur.messages import FailedError, InputError, must, shown

if TYPE_CHECKING:
    import torch

CHECKSUM = "sha256"
"""The key of the checksum in a safetensors file's metadata."""

MOST_DIGITS = 300
"""Of a whole number in a JSON file: no float has more before its point."""

LONGEST_NAME = 100
"""Bytes of a name that a picture's file is called after."""
_UNSAFE = re.compile(r"[^\w-]")

# Names of what this process was given open: standard input, and what <(command) of a shell makes.
_OPEN_ALREADY = re.compile(r"/dev/stdin|(/dev|/proc/(self|\d+))/fd/\d+")

PathLike = str | os.PathLike[str]

_LOCK = ".lock"
# What `replacing` writes to before it renames; an earlier recur had the letters from `tempfile`.
_HALF = re.compile(r"\.[a-z0-9_]{8}\.part(\..*)?")


def path_of(given: PathLike) -> Path:
    """The path that a user means: ~ is the home folder.

    Raises:
        InputError: if nothing can be there, such as under a name that is too long.
    """
    if not os.fspath(given):
        raise InputError("An empty text is no path; the folder where you are is '.'.")
    path = Path(given)
    try:
        path = path.expanduser()
        os.lstat(path)
    except (ValueError, RuntimeError) as error:  # a zero byte; no home folder
        raise InputError(f"{str(given)!r} cannot be a path: {error}.") from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise InputError(f"{path} cannot be a path: {error.strerror}.") from error
    return path


def beside(path: PathLike, other: PathLike) -> Path:
    """Returns another file, which belongs to that of `path`: where it is named, or beside it.

    Both may have been moved into another folder together.
    """
    moved = Path(path).with_name(Path(other).name)
    return moved if moved.is_file() and not Path(other).is_file() else Path(other)


def make_folder(path: Path) -> None:
    """Makes a folder, and those above it, so that a power cut does not take them away again.

    Raises:
        OSError: if it cannot be made.
    """
    if os.path.isdir(path):
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    _flush_folder(path.parent)


@contextlib.contextmanager
def replacing(path: PathLike) -> Iterator[Path]:
    """Yields a temporary path in the same folder; renames it to `path` if the block succeeds.

    For writers that want a file name of their own (a figure, a download). The temporary name ends
    like the final one, since such writers read the format from it.

    Raises:
        FailedError: if the file cannot be written; what was at `path` before is still there.
    """
    path = path_of(path)
    temporary = path.with_name(f".{secrets.token_hex(4)}.part{path.suffix}")
    try:
        make_folder(path.parent)
        held = locks.hold(temporary, fresh=True)
    except OSError as error:
        raise _not_written(path, error) from error
    assert held is not None  # nobody else knows its name
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        if os.name == "nt":  # which renames no file that is open
            held.release()
        temporary.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise _not_written(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)
        held.release()


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[locks.Held]:
    """Makes a folder and holds it while the block runs; a process that is killed lets go of it.

    What killed processes left half-written there is removed.

    Yields:
        What is held: it says whether the folder is still where it was.

    Raises:
        FailedError: if another training holds the folder, or it cannot be written.
    """
    lock = folder / _LOCK
    try:
        make_folder(folder)
        held = locks.hold(lock)
    except OSError as error:
        raise _not_written(folder, error) from error
    if held is None:
        todo = "Wait until it has ended, or choose another folder."
        raise FailedError(f"Another training is under way in {folder}. {todo}")
    try:
        sweep(folder)
        yield held
    finally:
        if held.is_there():
            lock.unlink(missing_ok=True)
        held.release()


def sweep(folder: Path) -> None:
    """Removes what killed processes left half-written in a folder; not what is being written."""
    for path in folder.iterdir():
        if _HALF.fullmatch(path.name) and locks.left_behind(path):
            path.unlink(missing_ok=True)


def is_litter(path: Path) -> bool:
    """Whether a file is one that a killed process may leave behind."""
    return path.name == _LOCK or _HALF.fullmatch(path.name) is not None


def remove_empty(folder: Path) -> bool:
    """Removes a folder that holds nothing; returns whether it is gone, or was never there."""
    with contextlib.suppress(OSError):
        folder.rmdir()
    return not os.path.lexists(folder)


def write_bytes(path: PathLike, content: bytes) -> None:
    """Writes `content` to `path`, whole or not at all.

    Raises:
        FailedError: if the file cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: PathLike, content: str) -> None:
    """Writes UTF-8 text; see `write_bytes`."""
    write_bytes(path, content.encode("utf-8"))


def write_json(path: PathLike, content: object) -> None:
    """Writes JSON, indented, keys in the order given; NaN and infinities are refused."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def write_csv(path: PathLike, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Writes a CSV file with one header line."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, buffer.getvalue())


def write_tensors(
    path: PathLike, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Writes tensors as a safetensors file (any device; stored as they are, contiguous).

    The metadata get a checksum of the tensors, which `read_tensors` checks.
    """
    from safetensors.torch import save

    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    # Tensors that share memory (tied weights, views) are refused by the format: each gets its own.
    seen: set[int] = set()
    for name, tensor in plain.items():
        if tensor.numel() and tensor.untyped_storage().data_ptr() in seen:
            plain[name] = tensor.clone()
        seen.add(plain[name].untyped_storage().data_ptr())
    write_bytes(path, save(plain, {**(metadata or {}), CHECKSUM: _checksum(plain)}))


def existing_folder(path: PathLike, what: str) -> Path:
    """Returns the path of a folder that is there.

    Raises:
        InputError: if it is not there, or no folder; `what` says what it was to be.
    """
    path = path_of(path)
    if not path.is_dir():
        raise InputError(f"There is no {what} {path}. Check the path.")
    return path


def read_text(path: PathLike, encoding: str | None = None) -> str:
    """Reads a text file (a byte-order mark is dropped).

    Args:
        path: the file.
        encoding: as Python names it; empty: UTF-8, or UTF-16 where a byte-order mark says so; None:
            the same, where nobody can choose another.

    Raises:
        InputError: as `read_bytes`, and if it is not text of that encoding.
    """
    return decoded(read_bytes(path), path, encoding)


def decoded(content: bytes, path: PathLike, encoding: str | None = None) -> str:
    """Returns the text that a file's content is; arguments and errors as `read_text`."""
    name = encoding or _marked(content)
    try:
        return content.decode(name).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        what = "UTF-8" if name.startswith("utf-8") else name
        choice = "" if encoding is None else ", or name its encoding (often cp1252),"
        todo = f"Save the file as UTF-8{choice} and try again."
        byte = content[error.start : error.start + 1].hex() or "end"
        raise InputError(
            f"{path} is not {what} text: line {line} has the byte 0x{byte}. {todo}"
        ) from error
    except (LookupError, ValueError):
        todo = "Give one such as utf-8, cp1252 or utf-16."
        raise InputError(must("encoding", "one that Python knows", repr(name), todo)) from None


def read_bytes(path: PathLike) -> bytes:
    """Reads a file, or a pipe that the shell holds open (/dev/stdin, /dev/fd/63).

    Raises:
        InputError: if there is no such file, it is a folder or a device, or it cannot be read.
    """
    path = path_of(path)
    try:
        _refuse_endless(path)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}. Check the path.") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder. Give the path of a file in it.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error


def _refuse_endless(path: Path) -> None:
    """Refuses what may never end, or never begin: devices, and pipes that nobody may write to."""
    kind = path.stat().st_mode
    if stat.S_ISREG(kind) or stat.S_ISDIR(kind) or _OPEN_ALREADY.fullmatch(os.path.abspath(path)):
        return
    what = "pipe" if stat.S_ISFIFO(kind) else "device or a socket"
    raise InputError(f"{path} is a {what} and no file: reading it may never end. Give a file.")


def _marked(content: bytes) -> str:
    """The encoding that a byte-order mark names; UTF-8 without one."""
    marks = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32"}
    marks |= {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
    return next((name for mark, name in marks.items() if content.startswith(mark)), "utf-8-sig")


def read_json(path: PathLike) -> Any:
    """Reads a JSON file.

    Raises:
        InputError: as `read_text`, and as `parse_json`.
    """
    return parse_json(read_text(path), str(path))


def parse_json(text: str, what: str, *, finite: bool = True) -> Any:
    """Reads JSON from a text.

    Args:
        text: the text.
        what: what the message calls it.
        finite: NaN and infinities, which JSON does not have and Python writes, are refused.

    Raises:
        InputError: if it is not JSON, or holds a number that no computer counts with, or lists
            within lists without end.
    """
    number = _finite if finite else float
    try:
        return json.loads(text, parse_int=_whole, parse_float=number, parse_constant=number)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{what} is damaged: it is not JSON from line {error.lineno} on ({error.msg})."
        ) from error
    except ValueError as error:
        raise InputError(f"{what} is damaged: it holds {error}.") from error
    except RecursionError as error:
        raise InputError(f"{what} is damaged: it is nested too deeply.") from error


def read_tensors(path: PathLike) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Reads a safetensors file: the tensors (on the CPU) and the metadata.

    Files of other programs, which carry no checksum, are read as well.

    Raises:
        InputError: if there is no such file or it is damaged.
    """
    path = path_of(path)
    if not os.path.isfile(path):
        raise InputError(f"There is no file {path}. Check the path.")
    try:
        with safe_open(str(path), framework="pt", device="cpu") as stored:
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
            metadata = dict(stored.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} is damaged: {error}. Restore it from a copy.") from error
    if metadata.pop(CHECKSUM, "") not in ("", _checksum(tensors)):
        raise InputError(f"{path} is damaged: its checksum differs. Restore it from a copy.")
    return tensors, metadata


def safe_name(name: str) -> str:
    """Returns a name, of a metric or anything that a file may hold, as one that a file may have.

    Letters, digits, "_" and "-" stay. Anything else, such as what leads to other folders, becomes
    "_"; a checksum then keeps two such names apart. No name out of a file becomes part of a path
    by another way.
    """
    safe = _UNSAFE.sub("_", name)
    if safe == name and 0 < len(name.encode()) <= LONGEST_NAME:
        return name
    short = safe.encode()[:LONGEST_NAME].decode(errors="ignore")
    return f"{short}-{hashlib.sha256(name.encode(errors='replace')).hexdigest()[:8]}"


def safe_file_name(name: str) -> str:
    """Returns the name of a file as one that a file may have; its ending, such as .mid, stays."""
    stem, ending = os.path.splitext(name)
    plain = ending[1:].isascii() and ending[1:].isalnum()
    return safe_name(stem) + ending if plain else safe_name(name)


def differences(
    found: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]
) -> list[str]:
    """Says of tensors that were read how they differ from those that they shall take the place of.

    Nothing beyond this line looks at shapes and types again: torch's compiled loops read and write
    as much memory as the expected tensor has.

    Args:
        found: by name.
        expected: by name; only their shapes and types are looked at. The type of a single number
            with a fraction does not matter: it is converted.

    Returns:
        a sentence for each difference.
    """
    have, want = ({n: _kind(t) for n, t in each.items()} for each in (found, expected))
    return [
        must(name, want.get(name, "left out"), have.get(name, "missing"))
        for name in sorted(have.keys() | want.keys())
        if have.get(name) != want.get(name)
    ]


def _kind(tensor: torch.Tensor) -> str:
    if not tensor.dim() and tensor.is_floating_point():
        return "a single number"
    return f"{tensor.dtype} of shape {tuple(tensor.shape)}".removeprefix("torch.")


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number of {len(digits):,} digits")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {shown(digits, str)}, which is not finite")
    return number


def _checksum(tensors: Mapping[str, torch.Tensor]) -> str:
    import torch

    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _flush_folder(folder: Path) -> None:
    """So that a renamed file has its new name after a power cut."""
    if os.name == "nt":  # which opens no folder
        return
    with contextlib.suppress(OSError):  # the file is whole; some systems do not flush folders
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _not_written(path: Path, error: OSError) -> FailedError:
    why = error.strerror or str(error)
    kept = " The file that was there before is unchanged." if os.path.isfile(path) else ""
    return FailedError(f"{path} could not be written: {why}.{kept}")
