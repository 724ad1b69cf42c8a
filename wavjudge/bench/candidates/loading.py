"""The Python object that MODULE:NAME stands for; and where it stands for none, which one was meant."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from wavjudge.clients.spec import hide_secrets
from wavjudge.errors import SpecError, pip_install
from wavjudge.nearest import listed, nearest

EXAMPLE: Final = "my_model:answer"
_HOW = "MODULE is a .py file of the working directory without its .py (a dot for each folder), and NAME stands in it"
_PARENTHESES = re.compile(r"\(.*\)$")
_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages"})
_LOOKED_AT = 500
"""Entries of the working directory that are looked at for a module that was meant."""


def load(name: str, kind: str = "python:") -> Callable[..., Any]:
    """The callable that MODULE:NAME names; modules of the working directory come first, as for a script there.

    kind: what stands before it where the user writes it; empty for an option of its own.
    """
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute) or not _is_dotted(module) or not _is_dotted(attribute):
        raise _misspelt(name, kind)
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    found = _named(_imported(module, attribute, kind), module, attribute, kind)
    if not callable(found):
        raise SpecError(f"got {name!r}, which is {_a(type(found).__name__)}, expected a function",
                        todo=_others(sys.modules[module], module, attribute, kind))  # fmt: skip
    return found  # type: ignore[no-any-return]


def taking(function: Callable[..., Any], name: str, *given: str, kind: str = "python:") -> Callable[..., Any]:
    """The function, if it can be called with what it will be given (the names of its arguments, in order).

    >>> taking(lambda: 1, "m:f", "turn")
    Traceback (most recent call last):
    ...
    wavjudge.errors.SpecError: got the function m:f, which is written m:f(), expected one that takes 1 argument: f(turn)
    What to do: let it take 1 argument: def f(turn)
    """
    own = name.rpartition(":")[2].rpartition(".")[2]
    call = f"{own}({', '.join(given)})"
    if inspect.isclass(function) and not _is_made_from(function, given):
        raise SpecError(f"got the class {name}, expected a function that is called as {call}",
                        todo=f"make one of it in the module, model = {own}(), with a method __call__(self, "
                             f"{', '.join(given)}), and write {kind}{name.partition(':')[0]}:model")  # fmt: skip
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise SpecError(f"got the function {name}, which yields its answer in pieces, expected one that returns it",
                        todo="collect the pieces, and return the whole answer once")  # fmt: skip
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):  # of something built in, nobody knows
        return function
    with suppress(TypeError):
        signature.bind(*given)
        return function
    count = f"{len(given)} argument{'s' if len(given) != 1 else ''}"
    method = list(signature.parameters)[:1] == ["self"]
    todo = "make an object of its class in the module, and name that object's method" if method else ""
    raise SpecError(f"got the function {name}, which is written {name}{_plain(signature)}, expected one that takes "
                    f"{count}: {call}", todo=todo or f"let it take {count}: def {call}")  # fmt: skip


def _is_made_from(function: type, given: tuple[str, ...]) -> bool:
    """A class that holds an answer and is made from what is given: only a subclass of what an answer may be."""
    return issubclass(function, str | bytes | tuple | dict) and bool(given)


def _plain(signature: inspect.Signature) -> str:
    """The arguments without their types."""
    bare = [one.replace(annotation=inspect.Parameter.empty) for one in signature.parameters.values()]
    return str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))[:200]


def _is_dotted(name: str) -> bool:
    """Whether a name may be one of modules, of which import_module takes some that `import` does not (my-model)."""
    return all(part and not set(part) & set("/\\()'\" \t*") for part in name.split(".")) and not name.endswith(".py")


def _a(name: str) -> str:
    return f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"


def _imported(module: str, attribute: str, kind: str) -> Any:
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:  # an import runs foreign code, which may raise anything
        lacking = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
        if lacking and (module == lacking or module.startswith(f"{lacking}.")):
            raise _absent(module, attribute, kind) from error
        why = hide_secrets(f"{type(error).__name__}: {error}")
        todo = f"mend it; `{sys.executable} -c 'import {module}'` shows where"
        if lacking:
            todo = f"install {lacking.partition('.')[0]} for the Python that runs wavjudge ({sys.executable}), such as "
            todo += pip_install(lacking.partition(".")[0])
        raise SpecError(f"got the module {module!r}, which cannot be imported ({why})", todo=todo) from error


def _absent(module: str, attribute: str, kind: str) -> SpecError:
    """A module that is not there: one of like name, or the very name that stands in another one."""
    here = list(_modules())
    near = nearest(module, here, 0.7)
    if swapped := next((one for one in here if one == attribute.partition(".")[0]), None):
        near, attribute = swapped, module
    if "." in module and (above := module.rpartition(".")[0]) in here:
        near, attribute = above, module.rpartition(".")[2]  # my_model.answer:x, or pkg.modul
    meant = f"did you mean {kind}{near}:{attribute}?" if near else f"modules of the working directory: {listed(here)};"
    return SpecError(f"got the module {module!r}, which is not there, expected {kind}MODULE:NAME",
                     todo=f"{meant} {_HOW}")  # fmt: skip


def _misspelt(name: str, kind: str) -> SpecError:
    """Of what is no MODULE:NAME (a path, a call, a dot for the colon): the nearest that is one."""
    whole, colon, attribute = name.partition(":")
    if Path(whole).is_absolute() and Path(whole).is_relative_to(Path.cwd()):
        whole = str(Path(whole).relative_to(Path.cwd()))
    attribute = _PARENTHESES.sub("", attribute)
    module = _PARENTHESES.sub("", _as_module(whole))
    if not colon and _file(module) is None and (above := module.rpartition(".")[0]) and _file(above) is not None:
        module, attribute = above, module.rpartition(".")[2]
    file = _file(module)
    names = [] if file is None else list(_functions(file))
    if not attribute and len(names) == 1:
        attribute = names[0]
    near = module if file is not None else nearest(module, list(_modules()), 0.7)
    problem = f"got {name!r}, expected MODULE:NAME, such as {EXAMPLE}"
    if Path(whole).is_absolute():
        folder = Path(whole).parent
        return SpecError(problem, todo=f"write {kind}{Path(whole).stem}:{attribute or 'NAME'} in the folder {folder}: "
                                       "modules are looked for in the working directory")  # fmt: skip
    if near and attribute:
        return SpecError(problem, todo=f"did you mean {kind}{near}:{attribute}? {_HOW}")
    if near:
        told = f", of which {file or near} has {listed(names)}" if names else ""
        return SpecError(problem, todo=f"write {kind}{near}:NAME{told}; {_HOW}")
    return SpecError(problem, todo=f"write {kind}{EXAMPLE}; {_HOW}")


def _as_module(path: str) -> str:
    """A path as the module that it is.

    >>> _as_module("./models/answer.py"), _as_module("answer")
    ('models.answer', 'answer')
    """
    plain = path.replace("\\", "/").removeprefix("./").removesuffix(".py").strip("/")
    return plain.replace("/", ".")


def _file(module: str) -> Path | None:
    """The file of a module of the working directory."""
    stem = Path(*module.split(".")) if module.strip(".") else Path()
    return next((one for one in (stem.with_name(f"{stem.name}.py"), stem / "__init__.py") if one.is_file()), None) \
        if stem.name else None  # fmt: skip


def _modules() -> Iterator[str]:
    """The modules of the working directory, and of the folders in it."""
    seen = 0
    for file in (*sorted(Path().glob("*.py")), *sorted(Path().glob("*/*.py"))):
        if seen >= _LOOKED_AT or set(file.parts) & _SKIPPED or file.parts[0].startswith("."):
            continue
        seen += 1
        yield ".".join((file.parent if file.name == "__init__.py" else file.with_suffix("")).parts)


def _functions(file: Path) -> Iterator[str]:
    """The functions of a file, which is read and not run."""
    with suppress(SyntaxError, ValueError, OSError):
        for node in ast.parse(file.read_bytes()).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
                yield node.name


def _named(module: Any, name: str, attribute: str, kind: str) -> Any:
    found = module
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except Exception as error:  # a property of somebody's may raise anything
            raise SpecError(f"got {attribute!r}, which the module {name!r} does not have",
                            todo=_others(module, name, attribute, kind)) from error  # fmt: skip
    return found


def _others(module: Any, name: str, attribute: str, kind: str) -> str:
    """What the module has in its place: the nearest, or all."""
    there = [one for one, value in vars(module).items()
             if callable(value) and not one.startswith("_") and getattr(value, "__module__", name) == name]  # fmt: skip
    if near := nearest(attribute, there):
        return f"did you mean {kind}{name}:{near}?"
    return f"write {kind}{name}:NAME; {name} has {listed(there)}"
