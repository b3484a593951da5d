"""Docstrings: what is an explanation, and that modules stay in their parts."""

from __future__ import annotations

from recur.data.datasets import docstrings

PROGRAM = '''
def one(
    x,
) -> int:
    """Count the *words* of a text.

    Each word of the text is counted by :func:`~nltk.tokenize`, but for ``marks`` and blanks.

    Numbers are words too.
    Returns: a number.

    Parameters
    ----------
    x : str
        The text is what is read here, all of it.
    """


class Two:
    r"""Too short.

    Each word of the text is counted by it, but for marks, blanks and other words.
    """

def three():
    """Solve the equation of motion.

    The equation x = 3 is solved here and no other one is, for it is a formula.
    """
'''


def test_paragraphs_of_prose_explain_the_first_line(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    explanation = "Each word of the text is counted by nltk.tokenize, but for marks and blanks. "
    found = list(docstrings._explained(tmp_path / "program.py"))
    assert found == [("Count the words of a text.", f"{explanation}Numbers are words too.")]
    (tmp_path / "program.py").write_bytes(PROGRAM.encode("utf-8") + b"\xff")
    assert list(docstrings._explained(tmp_path / "program.py")) == []


def test_a_module_keeps_its_part_whatever_else_there_is(tmp_path, monkeypatch):
    folder = tmp_path / "networkx"
    folder.mkdir()
    for number in range(40):
        text = PROGRAM.replace("words*", f"words* {number}").replace("Each word", f"Word {number}")
        (folder / f"m{number}.py").write_text(text)
    (folder / "test_m.py").write_text(PROGRAM)
    monkeypatch.setattr(docstrings, "_there", lambda name: folder if name == "networkx" else None)
    whole = docstrings.load()
    assert len(whole.train) + len(whole.validation) + len(whole.test) == 40
    assert len(whole.train) > len(whole.test) > 0
    for number in range(0, 40, 2):
        (folder / f"m{number}.py").unlink()
    half = docstrings.load()
    for name in ("train", "validation", "test"):
        part, before = getattr(half, name), getattr(whole, name)
        assert part.targets == [text for text in before.targets if text in {*part.targets}]
    assert len(half.train) + len(half.validation) + len(half.test) == 20


def test_no_text_is_there_twice():
    found = docstrings.load()
    parts = (found.train, found.validation, found.test)
    assert all(len(part) > 50 for part in parts)
    for texts in ([*part.sources] for part in parts), ([*part.targets] for part in parts):
        every = [text for part in texts for text in part]
        assert len(set(every)) == len(every)
