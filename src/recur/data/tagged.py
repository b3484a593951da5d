"""Files of words with tags: CoNLL-U, and columns with a word a line (CoNLL-2003 and its like).

CoNLL-U: https://universaldependencies.org/format.html. What is no word there (ranges such as 1-2,
empty nodes such as 1.1) is passed over. In columns, a blank line ends a sentence, and a line that
begins with -DOCSTART- a document.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from recur.data import packed
from recur.data.records.tagged import Sentence, TaggedSentences
from recur.data.splits import Splits
from recur.files import PathLike
from recur.messages import InputError, count, listed, must, shown

CONLLU = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
"""The columns of CoNLL-U, in order."""
FORM = CONLLU.index("form")
TAGS = ("upos", "xpos", "feats", "deprel")
"""Those that are tags."""
NOTHING = "_"
"""What stands where CoNLL-U has nothing to say."""
DOCUMENT = "-DOCSTART-"
PARTS = {"train": ("train",), "validation": ("dev", "valid", "testa"), "test": ("test", "testb")}
"""How the names of files say which part of a folder they are."""

_ID = re.compile(r"\d+(?P<no_word>[-.]\d+)?")
_SPAN = re.compile(r"O|[BIESLU]-\S+")

Lines = list[tuple[int, str]]


def read_tagged(path: PathLike, word: int = 1) -> Splits[TaggedSentences]:
    """Reads a file, plain or packed (.gz, .xz, .bz2, .zip), or a folder of the parts.

    Args:
        path: the file; or a folder with files whose names hold train, dev (or valid) and test.
        word: the column of the words, from 1; of CoNLL-U it is always FORM.

    Raises:
        InputError: if it cannot be read, or holds something else.
    """
    name = Path(path).name
    if not os.path.isdir(path):
        return Splits(parse(text_of(path), name, word), about=name)
    files = _parts(Path(path))
    parts = {part: parse(text_of(file), file.name, word) for part, file in files.items()}
    return Splits(parts["train"], parts.get("validation"), parts.get("test"), about=name)


def text_of(path: PathLike) -> str:
    """The UTF-8 text of a file, unpacked if it is packed.

    Raises:
        InputError: if it cannot be read.
    """
    content, _ = packed.unpacked(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        todo = "Save it as UTF-8."
        raise InputError(must(str(path), "UTF-8 text", error.reason, todo)) from error


def parse(text: str, name: str, word: int = 1) -> TaggedSentences:
    """Reads sentences with all their columns of tags: those of CoNLL-U, or others by number.

    Args:
        text: of the file.
        name: what messages call it.
        word: the column of the words, from 1; of CoNLL-U it is always FORM.

    Raises:
        InputError: if it holds something else.
    """
    form = form_of(text)
    if form == "conllu":
        return _conllu(text, name)
    blocks = _of_columns(text, name, by_tabs=form == "tabs")
    wide = max((len(fields) for block in blocks for _, fields in block), default=0)
    if wide < 2:
        expected = "CoNLL-U, or lines with a word and its tag, blank ones between sentences"
        got = f"{count(wide, 'column')}" if wide else "no words"
        raise InputError(must(name, expected, got))
    at = _word(word, wide, name)
    others = [column for column in range(wide) if column != at]
    sentences, document = [], ""
    for block in blocks:
        if block[0][1][0] == DOCUMENT:
            document = f"document {block[0][0]}"
        rows = [fields for _, fields in block if fields[0] != DOCUMENT]
        if rows:
            sentences.append(_sentence(rows, at, others, document))
    return TaggedSentences(sentences, tuple(str(column + 1) for column in others))


def form_of(text: str) -> str:
    """How a text holds words: "conllu", "tabs", "spaces" (both columns), "words" or "text".

    "words" is a word a line. Columns with spaces between are told from text by what they end with:
    tags of spans (B-PER, O), or by a line -DOCSTART-.
    """
    lines = [line.rstrip("\r") for line in text.split("\n") if line.strip()]
    first = next((line for line in lines if not line.startswith("#")), "").split("\t")
    if len(first) == len(CONLLU) and _ID.fullmatch(first[0]):
        return "conllu"
    if any("\t" in line for line in lines):
        return "tabs"
    fields = [_between_spaces(line) for line in lines]
    if lines and all(len(each) == 1 for each in fields):
        return "words" if len(lines) > 1 else "text"
    spans = all(len(each) > 1 and _SPAN.fullmatch(each[-1]) for each in fields)
    return "spaces" if lines and (spans or lines[0].startswith(DOCUMENT)) else "text"


def blocks_of(text: str) -> list[str]:
    """The sentences of a text in columns or CoNLL-U, each as it stands there."""
    return ["\n".join(line for _, line in block) for block in _blocks(text)]


def asked(block: str, name: str, word: int) -> Sentence | None:
    """A sentence to be tagged, from a block of lines; None where there are no words in it.

    Args:
        block: lines of CoNLL-U, or columns, which may be one.
        name: what messages call it.
        word: the column of the words.

    Raises:
        InputError: if it is something else.
    """
    form = form_of(block)
    if form == "conllu":
        lines = next(_blocks(block))
        rows = [row for row in _rows(lines, name) if row is not None]
        return Sentence(tuple(row[FORM] for row in rows), lines=tuple(line for _, line in lines))
    by_tabs = form == "tabs"
    rows = [fields for part in _of_columns(block, name, by_tabs=by_tabs) for _, fields in part]
    rows = [fields for fields in rows if fields[0] != DOCUMENT]
    if not rows:
        return None
    at = _word(word, len(rows[0]), name)
    return Sentence(tuple(fields[at] for fields in rows))


def written(sentence: Sentence, columns: Sequence[str], tags: Sequence[Sequence[str]]) -> str:
    """A sentence with tags, as CoNLL-U; where they are of no column of it, a word a line with tabs.

    Args:
        sentence: the words; what else a CoNLL-U file said of them stays as it is.
        columns: the names of the columns.
        tags: of each column, a tag for each word.

    Returns:
        lines, with a blank one at the end.
    """
    if not set(columns) <= set(CONLLU):
        rows = ["\t".join(row) for row in zip(sentence.words, *tags, strict=True)]
    else:
        rows = list(_retagged(sentence, [CONLLU.index(name) for name in columns], tags))
    return "\n".join([*rows, "", ""])


def _retagged(
    sentence: Sentence, columns: Sequence[int], tags: Sequence[Sequence[str]]
) -> Iterator[str]:
    lines = sentence.lines or _lines_of(sentence)
    word = 0
    for line in lines:
        fields = line.split("\t")
        found = _ID.fullmatch(fields[0])
        if len(fields) == len(CONLLU) and found and not found["no_word"]:
            for column, each in zip(columns, tags, strict=True):
                fields[column] = each[word]
            word += 1
            line = "\t".join(fields)
        yield line


def _lines_of(sentence: Sentence) -> Iterator[str]:
    """CoNLL-U of a text that was cut into words here: what no space follows is said to be so."""
    if sentence.text:
        yield f"# text = {' '.join(sentence.text.split())}"
    at = 0
    for number, word in enumerate(sentence.words, start=1):
        at = max(sentence.text.find(word, at), at) + len(word)
        tight = at < len(sentence.text) and not sentence.text[at].isspace()
        misc = "SpaceAfter=No" if tight else NOTHING
        yield "\t".join([str(number), word, *[NOTHING] * 7, misc])


def _parts(folder: Path) -> dict[str, Path]:
    """The files of the parts of a folder, by part."""
    there = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    found: dict[str, Path] = {}
    for file in there:
        words = re.split(r"[^a-z]+", file.name.lower())
        for part, names in PARTS.items():
            if not set(names) & set(words):
                continue
            if part in found:
                got = f"{found[part].name} and {file.name}"
                todo = "Name a file, or leave one of them in the folder."
                raise InputError(must(f"the {part} part in {folder}", "one file", got, todo))
            found[part] = file
    if "train" not in found:
        got = listed((p.name for p in there[:5]), "and") or "nothing"
        expected = "a file with train in its name, and perhaps ones with dev and test"
        raise InputError(must(f"the folder {folder}", expected, got))
    return found


def _blocks(text: str) -> Iterator[Lines]:
    """Lines with their numbers, in blocks that blank lines part."""
    block: Lines = []
    # Not splitlines(): words may hold other ends of lines, such as U+2028.
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.rstrip("\r")
        if line.strip():
            block.append((number, line))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _conllu(text: str, name: str) -> TaggedSentences:
    sentences, document = [], ""
    places = [CONLLU.index(column) for column in TAGS]
    for block in _blocks(text):
        started = [line for _, line in block if re.match(r"#\s*newdoc\b", line)]
        if started:
            document = f"{block[0][0]}: {started[0]}"
        rows = [row for row in _rows(block, name) if row is not None]
        if rows:
            sentences.append(_sentence(rows, FORM, places, document))
    records = TaggedSentences(sentences, TAGS)
    said = [column for n, column in enumerate(TAGS) if _says(records.tags(n))]
    if not said:
        got = f"{NOTHING!r} in all of them"
        raise InputError(must(f"the columns {listed(TAGS, 'and')} of {name}", "of tags", got))
    return records.chosen(said, name)


def _says(tags: Sequence[Sequence[str]]) -> bool:
    return any(tag != NOTHING for sentence in tags for tag in sentence)


def _sentence(
    rows: Sequence[Sequence[str]], word: int, tags: Sequence[int], document: str
) -> Sentence:
    columns = tuple(tuple(sys.intern(row[column]) for row in rows) for column in tags)
    return Sentence(tuple(row[word] for row in rows), columns, document)


def _rows(block: Lines, name: str) -> Iterator[list[str] | None]:
    """The fields of each word; None for a range or an empty node."""
    for number, line in block:
        if line.startswith("#"):
            continue
        fields = line.split("\t")
        found = _ID.fullmatch(fields[0])
        if len(fields) != len(CONLLU) or not found:
            expected = "a number and nine more columns, with tabs between"
            raise InputError(must(f"line {number} of {name}", expected, repr(shown(line, str))))
        yield None if found["no_word"] else fields


def _of_columns(text: str, name: str, *, by_tabs: bool) -> list[list[tuple[int, list[str]]]]:
    """Fields with the numbers of their lines, in blocks; as many fields in every line."""
    found = [
        [(number, line.split("\t") if by_tabs else _between_spaces(line)) for number, line in block]
        for block in _blocks(text)
    ]
    first = next(((n, f) for block in found for n, f in block if f[0] != DOCUMENT), None)
    for number, fields in (pair for block in found for pair in block):
        if first is None or fields[0] == DOCUMENT:
            continue
        if len(fields) != len(first[1]):
            expected = f"of {count(len(first[1]), 'column')}, as line {first[0]}"
            raise InputError(must(f"line {number} of {name}", expected, len(fields)))
        if "" in fields:
            got = repr("\t".join(fields))
            raise InputError(must(f"line {number} of {name}", "without an empty column", got))
    return found


def _between_spaces(line: str) -> list[str]:
    """Not what other spaces part: a word may hold one, as 1 000 does in French."""
    return [field for field in line.split(" ") if field]


def _word(column: int, wide: int, name: str) -> int:
    """The place of the words, from 0."""
    if not 1 <= column <= wide:
        what = f"the column of the words in {name}"
        raise InputError(must(what, f"a number from 1 to {wide}", column))
    return column - 1
