"""A program, found and executed as Python does it.

Source: the documentation of Python's command line, of `runpy`, and of `__main__`. A script's folder
comes first on `sys.path`, a module's is the folder where one is; the module `__main__` is the
program's; and what goes wrong in it is shown without what lies below it.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import io
import os
import pkgutil
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import BuiltinImporter, ModuleSpec, SourceFileLoader, SourcelessFileLoader
from types import CodeType, ModuleType, TracebackType
from typing import Any, NamedTuple

from recur.messages import InputError
from recur.scripts.words import INPUT, Request

_HERE = os.path.dirname(os.path.abspath(__file__))
HIDDEN = set[str]()
"""Files of other rooms whose frames no traceback of the program shows."""


class MissingError(InputError):
    """There is no such program, or it cannot be run."""


class Program(NamedTuple):
    """What Python runs, and what it says about it.

    Attributes:
        argument: the first of `sys.argv`.
        code: compiles it.
        names: what the module `__main__` begins with.
    """

    argument: str
    code: Callable[[], CodeType]
    names: dict[str, Any]


def execute(request: Request) -> None:
    """Runs a program as `__main__`; what it raises is raised.

    Raises:
        MissingError: if there is no such program.
    """
    try:
        sys.argv[:] = [request.program, *request.arguments]
        program = find(request)
        sys.argv[0] = program.argument
        main = ModuleType("__main__")
        vars(main).update(program.names, __builtins__=builtins)
        sys.modules["__main__"] = main
        exec(program.code(), vars(main))
    except BaseException:
        sys.excepthook = _shown_by(sys.excepthook)
        raise


def find(request: Request) -> Program:
    """Finds a program, and puts its folder first on `sys.path`.

    Raises:
        MissingError: if there is none.
    """
    if request.is_module:
        _put_first(os.getcwd())
        sys.argv[0] = "-m"  # while it is looked for
        return _module(request.program)
    if request.program == INPUT:
        _put_first("")
        return _standard_input()
    if pkgutil.get_importer(request.program) is not None:
        return _folder(request.program)
    return _script(request.program)


def _script(path: str) -> Program:
    try:
        with io.open_code(path) as file:
            content = file.read()
    except FileNotFoundError as error:
        raise MissingError(f"There is no script {path}. Check the path.") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise MissingError(f"The script {path} cannot be read: {why}.") from error
    _put_first(os.path.dirname(os.path.realpath(path)))
    whole = os.path.join(os.getcwd(), path)

    def code() -> CodeType:
        compiled: CodeType | None = pkgutil.read_code(io.BytesIO(content))
        return compiled or compile(content, whole, "exec", dont_inherit=True)

    kind = SourcelessFileLoader if path.endswith(".pyc") else SourceFileLoader
    return Program(path, code, _names(whole, None, None, kind("__main__", whole)))


def _standard_input() -> Program:
    def code() -> CodeType:
        return compile(sys.stdin.buffer.read(), "<stdin>", "exec", dont_inherit=True)

    return Program(INPUT, code, _names("<stdin>", None, None, BuiltinImporter))


def _folder(path: str) -> Program:
    """A folder or a zip file with a `__main__` in it."""
    whole = os.path.abspath(path)
    importer = pkgutil.get_importer(whole)
    spec = None if importer is None else importer.find_spec("__main__")
    if spec is None:
        raise MissingError(
            f"{path} holds no __main__.py, so it is no program. Give a script in it."
        )
    sys.path[:] = [whole, *sys.path[int(not sys.flags.safe_path) :]]
    return _of_spec(path, spec)


def _module(name: str) -> Program:
    spec = _spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = _spec(f"{name}.__main__")
        if spec is None:
            raise MissingError(f"{name} is a package without a __main__. Give a module in it.")
    if spec is None:
        hint = f"A script is run without -m: {name}" if name.endswith(".py") else "Check the name"
        raise MissingError(f"There is no module {name} in {os.getcwd()} nor installed. {hint}.")
    return _of_spec(spec.origin or name, spec)


def _spec(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            return None  # it, or the package that it is in; not what that imports
        raise
    except ValueError:  # an empty name, or what was made without a spec
        return None


def _of_spec(argument: str, spec: ModuleSpec) -> Program:
    loader: Any = spec.loader

    def code() -> CodeType:
        compiled: CodeType | None = None
        if hasattr(loader, "get_code"):
            compiled = loader.get_code(spec.name)
        if compiled is None:
            raise MissingError(f"{spec.name} is not written in Python, so it cannot be run.")
        return compiled

    return Program(argument, code, _names(spec.origin, spec, spec.parent, loader, spec.cached))


def _names(
    file: str | None,
    spec: ModuleSpec | None,
    package: str | None,
    loader: Any,
    cached: str | None = None,
) -> dict[str, Any]:
    return {
        "__file__": file,
        "__spec__": spec,
        "__package__": package,
        "__loader__": loader,
        "__cached__": cached,
        "__annotations__": {},
    }


def _put_first(folder: str) -> None:
    """In the place of the folder that Python put there for us; with `-P` it put none."""
    if not sys.flags.safe_path:
        sys.path[0] = folder


def _shown_by(hook: Callable[..., Any]) -> Callable[..., Any]:
    """What shows an error that nothing caught, such as `sys.excepthook`, with ours left out."""

    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        trace = _theirs(trace)
        hook(kind, error.with_traceback(trace), trace)

    return show


def _theirs(trace: TracebackType | None) -> TracebackType | None:
    """A traceback from the program on, without our frames further up."""
    frames = []
    while trace is not None:
        frames.append(trace)
        trace = trace.tb_next
    codes = [each.tb_frame.f_code for each in frames]
    below = codes.index(execute.__code__) + 1 if execute.__code__ in codes else 0
    following = None
    for each in reversed(list(_without_ours(frames[below:]))):
        each.tb_next, following = following, each
    return following


def _without_ours(frames: list[TracebackType]) -> Iterator[TracebackType]:
    """Leaves out what is ours, and what Python's import does for us."""
    ours = True
    for each in frames:
        file = each.tb_frame.f_code.co_filename
        ours = file in HIDDEN or os.path.dirname(file) == _HERE or (ours and _imports(file))
        if not ours:
            yield each


def _imports(file: str) -> bool:
    return file.startswith("<frozen importlib") or file == importlib.__file__
