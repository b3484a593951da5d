"""The examples in README and docs run as they stand; the commands they show exist."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest

from recur.scripts.words import parse

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def commands(page: Path) -> list[list[str]]:
    """The words of every `recur` command in the page's shell blocks."""
    lines = [
        line.removeprefix("$ ")
        for language in ("sh", "console")
        for block in blocks(page, language)
        for line in block.replace("\\\n", " ").splitlines()
    ]
    words = [shlex.split(line, comments=True) for line in lines if "recur " in line]
    # Variables before the command are the shell's.
    return [w[w.index("recur") + 1 :] for w in words if "recur" in w]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_examples_run(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {"__name__": page.stem}
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), scope)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist_with_their_options(page, capsys):
    from recur.cli import main
    from recur.cli.application import COMMANDS
    from recur.scripts import asked_for

    for words in commands(page):
        if asked_for(words, COMMANDS):  # somebody's program
            assert parse(words, "recur").program
            continue
        name = words[:2] if words[0] == "train" else words[:1]
        assert main([*name, "--help"]) == 0, words
        shown = capsys.readouterr().out + of_run(words)
        for option in (word for word in words if word.startswith("--")):
            assert option.split("=")[0] in shown, f"recur {' '.join(words)}: no {option}"


def of_run(words) -> str:
    """The options that a run's task adds to a command; pages call a run runs/TASK-1."""
    from recur import tasks
    from recur.tasks.options import kinds

    named = next((tasks.find(n) for n in tasks.described() if f"runs/{n}-1" in words), None)
    if named is None or words[0] not in ("predict", "evaluate"):
        return ""
    own = kinds(named.answering) if words[0] == "predict" else named.reading
    return " ".join(f"--{name.replace('_', '-')}" for name in own)


EXAMPLES = {
    "one_to_one": r"accuracy on points it never saw: (0\.9[5-9]|1\.0)",
    "many_to_one": r"accuracy on brackets of other strings: (0\.9[5-9]|1\.0)",
    "one_to_many": r"38 thirty-eight\n(.*\n)*72 seventy-two\n",
    "many_to_many": r"123,456,789 \+ 987,654,321 = 1,111,111,110\n",
}
"""What the script for each of the four types prints, whose data are made."""


def test_the_four_examples_run_and_learn(capsys):
    for name, said in EXAMPLES.items():
        runpy.run_path(str(ROOT / "examples" / f"{name}.py"))
        assert re.search(said, capsys.readouterr().out), name
    others = {path.stem for path in (ROOT / "examples").glob("*.py")} - EXAMPLES.keys()
    assert others == {"imdb"}, "which needs its data"


def test_links_lead_somewhere():
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
