"""What functions do, in a sentence: docstrings of packages that recur itself needs.

The first line of a docstring says in a sentence what the paragraphs below it explain, by the
conventions of Python (PEP 257). NetworkX, NumPy, SymPy and PyTorch are installed with recur, so
that these texts are on every machine; which there are depends on their versions.
"""

from __future__ import annotations

import importlib.util
import re
import zlib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from recur import files
from recur.data.datasets.source import Source
from recur.data.records.pairs import Pairs
from recur.data.splits import Splits
from recur.messages import InputError

SOURCE = Source(
    name="docstrings",
    title="Docstrings of NetworkX, NumPy, SymPy and PyTorch: explanations and their first lines",
    task="summarize",
    licence="BSD 3-clause, each of the four",
    homepage="https://peps.python.org/pep-0257/",
    size="0.5 MB",
    package=("torch", "__init__.py", "torch"),
)
RECORDS = Pairs
PACKAGES = ("networkx", "numpy", "sympy", "torch")
SHORTEST, LONGEST = 3, 20
"""Words of a first line."""
LEAST = 12
"""Words of an explanation."""
TENTHS = 10
"""A module's name says in which tenth its docstrings are: the last is tested on, that before it
validated on. So they stay in their part whatever the version, and no module is in two."""
_PROSE = re.compile(r"[A-Z][^=<>{}\[\]|\\_>]*\.")
_ROLE = re.compile(r":[a-z:]+:`~?([^`<]*)[^`]*`")
_DOCSTRING = re.compile(r':[ \t]*\n[ \t]+[rR]?"""(.*?)"""', re.DOTALL)
"""What follows the colon of a function or a class: parsing all programs would take minutes."""
_SECTION = r"(?:Args|Arguments|Returns?|Raises|Examples?|Notes?):|\w[\w ]*\s+---"
_PARAGRAPH = re.compile(rf"\n\s*\n|\n\s*(?={_SECTION})")
_NO_PROSE = re.compile(_SECTION)


def load() -> Splits[Pairs]:
    """Returns explanations with their first lines, each first line once.

    Kept are paragraphs of prose: sections (Parameters, Examples), formulas and programs end an
    explanation. Marks of reStructuredText are left out, and tests.

    Raises:
        FailedError: if PyTorch is not installed.
    """
    SOURCE.find()
    parts: list[dict[str, str]] = [{}, {}, {}]
    seen: set[str] = set()
    for package in PACKAGES:
        for module, path in _modules(package):
            tenth = zlib.crc32(module.encode()) % TENTHS
            for said, meant in _explained(path):
                if seen.isdisjoint({said, meant}):
                    seen |= {said, meant}
                    parts[max(tenth - TENTHS + 3, 0)][meant] = said
    train, validation, test = (Pairs(list(part), list(part.values())) for part in parts)
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES if _there(name))
    return Splits(train, validation, test, about=f"docstrings of {versions}")


def _there(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def _modules(package: str) -> Iterator[tuple[str, Path]]:
    """The modules of a package by name, without its tests."""
    folder = _there(package)
    for path in sorted(folder.rglob("*.py")) if folder else []:
        parts = path.relative_to(folder.parent).with_suffix("").parts if folder else ()
        if not any("test" in part for part in parts):
            yield ".".join(parts), path


def _explained(path: Path) -> Iterator[tuple[str, str]]:
    """The first line of each docstring of a file, and the explanation."""
    try:
        program = files.read_text(path)
    except InputError:  # in another encoding
        return
    for match in _DOCSTRING.finditer(program):
        first, *others = (_plain(each) for each in _PARAGRAPH.split(match[1]))
        text = " ".join(_prose(others))
        few = SHORTEST <= len(first.split()) <= LONGEST
        if few and _PROSE.fullmatch(first) and len(text.split()) >= LEAST:
            yield first, text


def _prose(paragraphs: list[str]) -> Iterator[str]:
    for paragraph in paragraphs:
        if _NO_PROSE.match(paragraph) or not _PROSE.fullmatch(paragraph):
            return
        yield paragraph


def _plain(text: str) -> str:
    return " ".join(_ROLE.sub(r"\1", text).replace("`", "").replace("*", "").split())
