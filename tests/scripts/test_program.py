"""A program run by recur does what it does when Python runs it: output, errors, status."""

from __future__ import annotations

import json
import py_compile
import zipfile

import pytest

FACTS = """
'''What it is.'''
import os, pickle, sys
class Point:
    x: int = 1
def f(x: Point): ...
print(__name__, __file__, __package__, __doc__, __spec__ and __spec__.name, type(__loader__))
print(sys.argv, sys.path[0], os.getcwd(), sys.flags)
print(f.__annotations__ == {"x": Point}, sys.modules["__main__"].Point is Point)
print(type(pickle.loads(pickle.dumps(Point()))) is Point, type(__builtins__))
"""
INSIDE = "from . import other\nfrom .other import X\nprint(X, other.__name__)\n" + FACTS
BROKEN = "def f(n):\n    return 1 / n\n\ntry:\n    f(0)\nexcept ZeroDivisionError:\n    f(0)\n"
SHOWN = (
    "import sys\nsys.excepthook = lambda kind, error, trace: print(kind, trace.tb_lineno)\n1 / 0"
)
FILES = {
    "one.py": FACTS,
    "in a folder/two.py": "import beside\n" + FACTS,
    "in a folder/beside.py": "print('beside')",
    "package/__init__.py": "",
    "package/__main__.py": INSIDE,
    "package/inside.py": INSIDE,
    "package/other.py": "X = 1",
    "folder/__main__.py": "import beside\n" + FACTS,
    "folder/beside.py": "print('beside')",
    "broken.py": BROKEN,
    "unwritten.py": "x = (\n",
    "shown.py": SHOWN,
    "left.py": "import atexit, sys\natexit.register(print, 'end')\nsys.exit(7)",
    "sentence.py": "raise SystemExit('It went wrong.')",
    "interrupted.py": "raise KeyboardInterrupt",
    "old.py": "import warnings\nwarnings.warn('old', DeprecationWarning)\n",
    "failing/__init__.py": "1 / 0",
    "failing/inside.py": "",
    "lost.py": "import not_there_at_all",
}
CASES = {
    "script": ["one.py", "a", "-b", "--report"],
    "script in a folder": ["./in a folder/two.py"],
    "module": ["-m", "package.inside", "-m", "x"],
    "package": ["-m", "package"],
    "folder": ["folder", "a"],
    "zip": ["folder.zip"],
    "compiled": ["one.pyc"],
    "standard input": ["-", "a"],
    "error": ["broken.py"],
    "error in a module": ["-m", "failing.inside"],
    "no such import": ["lost.py"],
    "no Python": ["unwritten.py"],
    "own hook": ["shown.py"],
    "status": ["left.py"],
    "sentence": ["sentence.py"],
    "Ctrl-C": ["interrupted.py"],
    "warning": ["old.py"],
}


@pytest.mark.parametrize("words", CASES.values(), ids=CASES.keys())
def test_it_does_what_it_does_by_python(run, written, tmp_path, words):
    written(FILES)
    py_compile.compile(str(tmp_path / "one.py"), str(tmp_path / "one.pyc"))
    with zipfile.ZipFile(tmp_path / "folder.zip", "w") as packed:
        for name in ("__main__.py", "beside.py"):
            packed.write(tmp_path / "folder" / name, name)
    stdin = FACTS if words[0] == "-" else None
    status, printed, errors, _ = run(*words, stdin=stdin)
    found = run("-m", "doors", *words, stdin=stdin)
    if words[0] == "-m" or "no Python" in words:
        # Python shows its own frames below a module's.
        errors = [line for line in errors if "runpy" not in line]
    assert found[:3] == (status, printed, errors)
    assert found[3] == ["The program has not imported colorsys."]


MISSING = {
    "gone.py": "There is no script gone.py. Check the path.",
    "-m gone": "There is no module gone in {here} nor installed. Check the name.",
    "-m gone.inside": "There is no module gone.inside in {here} nor installed. Check the name.",
    "-m one.py": (
        "There is no module one.py in {here} nor installed. A script is run without -m: one.py."
    ),
    "-m empty": "empty is a package without a __main__. Give a module in it.",
    "-m math": "math is not written in Python, so it cannot be run.",
    "empty": "empty holds no __main__.py, so it is no program. Give a script in it.",
    "--report": "test needs a program: a script, or -m and a module.",
    "--leave": "--leave needs the name of a layer.",
    "-m": "-m needs the name of a module.",
    "--repot one.py": (
        "test has no option --repot. It takes --report, --leave NAME and -m MODULE; "
        "Python's go before -m."
    ),
}


def test_what_is_not_there_is_said_in_a_sentence(written, tmp_path, monkeypatch, capsys):
    from recur import scripts
    from recur.scripts import running

    written({"one.py": "", "empty/__init__.py": ""})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    monkeypatch.setattr("sys.argv", ["test"])
    monkeypatch.setattr("sys.meta_path", list(__import__("sys").meta_path))
    monkeypatch.setattr(running.children, "begin_with", lambda *_: None)
    monkeypatch.setattr(running, "after", lambda *_: None)
    door = scripts.Door("test", "How.", "colorsys", None, None, lambda asked: None)
    monkeypatch.setattr("sys.excepthook", None)
    for words, sentence in MISSING.items():
        assert scripts.main(door, words.split()) == 2, words
        assert capsys.readouterr().err == f"recur: {sentence.format(here=tmp_path)}\n"


PROCESSES = """
import multiprocessing, sys
import colorsys
from apple import CORE
class Point:
    pass
def inner(queue):
    queue.put((colorsys.put_in, __name__, type(Point()).__module__, sys.argv, CORE))
if __name__ == "__main__":
    print(colorsys.put_in)
    for kind in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context(kind)
        queue = context.Queue()
        process = context.Process(target=inner, args=(queue,))
        process.start()
        print(kind, *queue.get(timeout=60))
        process.join()
"""


@pytest.mark.parametrize("words", [["many.py"], ["-m", "many"]], ids=["script", "module"])
def test_processes_of_the_program_have_it_too(run, written, words, tmp_path):
    written({"many.py": PROCESSES, "apple.py": "CORE = 5"})
    status, printed, errors, said = run("-m", "doors", "--leave", "LSTM", *words, "x")
    assert (status, errors) == (0, [])
    first, *others = printed.splitlines()
    assert first == "1"
    assert {line.split()[0] for line in others} >= {"spawn", "fork"}
    for line in others:
        module = "__main__" if line.startswith("fork ") else "__mp_main__"
        argument = words[-1] if words[0] != "-m" else str(tmp_path / "many.py")
        assert line.split(None, 1)[1] == f"1 {module} {module} ['{argument}', 'x'] 5"
    assert said == ["Put in, without LSTM."]


def test_it_is_put_in_before_what_is_ours_and_once(run, written):
    program = "import fruit, sys\nfrom fruit.pear import pear, colorsys\nimport fruit.pear\n"
    program += "print(colorsys.put_in, pear, fruit.pear.pear is pear, fruit.pear.__spec__.name)\n"
    inside = "import fruit.pear\nimport colorsys\nfrom fruit.pear import pear\n"
    written(
        {
            "program.py": program,
            "fruit/__init__.py": "",
            "fruit/pear.py": "print('pear')\nimport colorsys\npear = object.__name__",
            "fruit/inside.py": inside,
        }
    )
    status, printed, errors, _ = run("-m", "doors", "program.py")
    assert (status, printed, errors) == (0, "pear\n1 object True fruit.pear\n", [])


def test_the_command_line_tells_programs_from_commands(tmp_path, monkeypatch, written):
    from recur.cli.application import COMMANDS
    from recur.scripts import asked_for

    written({"train": "", "plain": "", "folder/__main__.py": "", "runs/config.json": "{}"})
    monkeypatch.chdir(tmp_path)
    programs = ["x.py", "./train", "plain", "folder", "-m", "-", "--report", "--leave=x", "a/b"]
    others = ["train", "trian", "--help", "--version", "runs", "--leve", ""]
    assert [word for word in programs if not asked_for([word], COMMANDS)] == []
    assert [word for word in others if asked_for([word], COMMANDS)] == []
    assert not asked_for([], COMMANDS)


def test_the_commands_are_these():
    from typer.main import get_command

    from recur.cli.application import COMMANDS, application

    assert sorted(COMMANDS) == sorted(get_command(application()).commands)


def test_the_commands_stay_quick_and_programs_bring_no_torch(run, written):
    modules = "import sys, json; print(json.dumps([m in sys.modules for m in ('torch', 'numpy')]))"
    written({"program.py": modules})
    status, printed, errors, said = run("-m", "recur", "program.py")
    assert (status, errors) == (0, [])
    assert json.loads(printed) == [False, False]
    assert said == ["The program has not imported torch."]


def test_without_words_it_says_how_it_is_used(capsys):
    from recur import scripts
    from recur.scripts.pytorch import DOOR

    for words in ([], ["--help"]):
        assert scripts.main(DOOR, words) == 0
        assert "Usage: python -m recur [--report]" in capsys.readouterr().out
