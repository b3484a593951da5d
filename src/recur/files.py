"""Files, whole or not at all.

The only module that opens a file for writing. A file is written beside its place under another
name, flushed to the disk, then renamed: a reader sees the old file or the new one, never half of
one, and a full disk or a kill in the middle leaves the old one as it was.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import math
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from recur.messages import FailedError, InputError, must, shown

CHECKSUM = "sha256"
"""The key of the checksum in a safetensors file's metadata."""

MOST_DIGITS = 300
"""Of a whole number in a JSON file: no float has more before its point."""

LONGEST_NAME = 100
"""Bytes of a name that a picture's file is called after."""
_UNSAFE = re.compile(r"[^\w-]")

PathLike = str | os.PathLike[str]


@contextlib.contextmanager
def replacing(path: PathLike) -> Iterator[Path]:
    """Yields a temporary path in the same folder; renames it to `path` if the block succeeds.

    For writers that want a file name of their own (a figure, a download). The temporary name ends
    like the final one, since such writers read the format from it.

    Raises:
        FailedError: if the file cannot be written; what was at `path` before is still there.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=f".part{path.suffix}", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise _not_written(path, error) from error
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise _not_written(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


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
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    # Tensors that share memory (tied weights, views) are refused by the format: each gets its own.
    seen: set[int] = set()
    for name, tensor in plain.items():
        if tensor.numel() and tensor.untyped_storage().data_ptr() in seen:
            plain[name] = tensor.clone()
        seen.add(plain[name].untyped_storage().data_ptr())
    write_bytes(path, save(plain, {**(metadata or {}), CHECKSUM: _checksum(plain)}))


def read_text(path: PathLike) -> str:
    """Reads a UTF-8 text file (a byte-order mark is dropped).

    Raises:
        InputError: if there is no such file, it is a folder, it cannot be read, or it is not UTF-8.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}. Check the path.") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder. Give the path of a file in it.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(
            f"{path} is not UTF-8 text: line {line} has the byte 0x{content[error.start]:02x}. "
            "Save the file as UTF-8 and try again."
        ) from error


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
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _not_written(path: Path, error: OSError) -> FailedError:
    why = error.strerror or str(error)
    kept = " The file that was there before is unchanged." if os.path.exists(path) else ""
    return FailedError(f"{path} could not be written: {why}.{kept}")
