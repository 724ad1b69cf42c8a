"""The words of a command, looked at before anything is asked: the program, its script, what its places are called."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from wavjudge.errors import SpecError
from wavjudge.nearest import listed, meant, nearest, of_path

PLACES: Final = ("question", "answer", "conversation")
_SYNONYMS = {
    "input": "question", "in": "question", "wav": "question", "audio": "question", "prompt": "question",
    "input_audio": "question", "output": "answer", "out": "answer", "response": "answer", "reply": "answer",
    "output_audio": "answer", "history": "conversation", "context": "conversation", "json": "conversation",
}  # fmt: skip
_IN_BRACES = re.compile(r"(?<![${])\{([A-Za-z_][\w -]*)\}")
_OF_BRACES = frozenset({"sh", "bash", "zsh", "dash", "awk", "gawk", "mawk", "sed", "perl", "jq", "find", "xargs"})
"""Programs to whose own language braces belong."""
_OF_A_SHELL = frozenset({"&&", "||", "|", ";", "&", ">", ">>", "<", "2>", "2>&1", "&>"})
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.S)
_INTERPRETERS = re.compile(r"(?:python|pypy|node|bash|sh|zsh|ruby|perl|Rscript)[\d.]*(?:\.exe)?")
_PYTHON = re.compile(r"(?:python|pypy)[\d.]*(?:\.exe)?")
_FLAG = re.compile(r"-[bBdEhiIOPqRsSuvVx]+")
_RUNS = {".py": "python ", ".sh": "sh ", ".js": "node ", ".pl": "perl ", ".rb": "ruby "}
_PROBE = (
    "import importlib.util as u, json, pkgutil, sys\n"
    "sys.path.insert(0, '')\n"
    "try: there = u.find_spec(sys.argv[1]) is not None\n"
    "except ModuleNotFoundError: there = False\n"
    "except BaseException: there = True\n"
    "print(json.dumps(None if there else sorted(m.name for m in pkgutil.iter_modules())))"
)
"""Asks a Python whether it finds a module; prints what it has where it does not."""
_PROBE_SECONDS = 20.0


def words_of(command: str) -> tuple[str, ...]:
    """The words of a command, by the quoting rules of a shell; `SpecError` for one that could not even start."""
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        todo = "close each quotation mark: a path with a space stands in a pair of them"
        raise SpecError(f"got the command {command!r}, which does not split into words ({error})", todo=todo) from error
    if not words:
        raise SpecError("got a command without a word", todo="write command:python answer.py")
    if words[0] == "python" and shutil.which("python") is None:  # Debian has none outside a virtual environment
        words = (sys.executable, *words[1:])
    _refuse_shell(words, command)
    _refuse_unknown_places(words)
    if shutil.which(words[0]) is None:  # said before anything is asked
        raise SpecError(f"got the program {words[0]!r}, which is not there or may not be executed",
                        todo=_program(words))  # fmt: skip
    _refuse_missing_script(words)
    return words


def _refuse_shell(words: tuple[str, ...], command: str) -> None:
    if sign := next((word for word in words if word in _OF_A_SHELL), None):
        raise SpecError(f"got {sign!r} in the command {command!r}, which no shell reads",
                        todo=f"let one read it: command:sh -c {shlex.quote(command)}, with {{question}} and {{answer}} "
                             "where the paths belong; or write it into a script")  # fmt: skip


def _refuse_unknown_places(words: tuple[str, ...]) -> None:
    """A place whose name is misspelt would be handed to the program as it stands, and the question not at all."""
    known, own = ", ".join(f"{{{place}}}" for place in PLACES), Path(words[0]).name in _OF_BRACES
    for word in words:
        for found in _IN_BRACES.finditer(word):
            name = found[1]
            if name in PLACES:
                continue
            near = nearest(name, PLACES) or (None if own else meant(name, PLACES, _SYNONYMS))
            if near or not own:
                raise SpecError(f"got the place {{{name}}} in the command, expected one of {known}",
                                todo=f"did you mean {{{near}}}?" if near else "name one of these, or none: then the "
                                     "three are appended in this order")  # fmt: skip


def _program(words: tuple[str, ...]) -> str:
    """What was meant by the name of a program that is none."""
    first, rest = words[0], shlex.join(words[1:])
    if _ASSIGNMENT.fullmatch(first):
        return f"write command:env {shlex.join(words)}; no shell reads the command"
    if first.startswith("~") or "$" in first:
        whole = Path(os.path.expandvars(first)).expanduser()
        return f"no shell reads the command, so there is no ~ and no $NAME: write the path, {whole}"
    if Path(first).is_file():
        how = _RUNS.get(Path(first).suffix)
        run = f"command:{how or './'}{first} {rest}".rstrip()
        more = "" if how else f", after chmod +x {shlex.quote(first)}"
        return f"did you mean {run}?" if how else f"write {run}{more}"
    if Path(first).is_dir():
        return f"{first} is a folder: name a program, such as command:python {first}/answer.py"
    if "/" in first:
        return of_path(first)
    if near := nearest(first, _on_path(), 0.7):
        return f"did you mean command:{shlex.join((near, *words[1:]))}?"
    return (f"check its name: no program of the PATH is called like it. No shell reads the command (no cd, no alias); "
            f"the Python that runs wavjudge is {sys.executable}")  # fmt: skip


def _on_path() -> Iterator[str]:
    """Programs that can be started by name, the usual ones first: of two that are as near the first is taken."""
    yield from filter(shutil.which, ("python", "python3", "node", "bash", "sh", "ruby", "perl", "uv"))
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        with suppress(OSError), os.scandir(folder or ".") as entries:
            yield from (entry.name for entry in entries)


def _refuse_missing_script(words: tuple[str, ...]) -> None:
    """A script or module that an interpreter is given and that does not exist."""
    at = _interpreter(words)
    if at is None:
        return
    for place in range(at + 1, len(words)):
        word = words[place]
        if word == "-m" and _PYTHON.fullmatch(Path(words[at]).name) and place + 1 < len(words):
            _refuse_missing_module(words[at], words[place + 1], words)
            return
        if not word.startswith("-"):
            _refuse_missing_file(words[at], word)
            return
        if not _FLAG.fullmatch(word):  # an option that may have a value: what follows is not known to be a script
            return


def _interpreter(words: tuple[str, ...]) -> int | None:
    """Where the interpreter stands: first, or after `env NAME=VALUE`."""
    at = 0
    if Path(words[0]).name == "env":
        at = next((number for number, word in enumerate(words[1:], 1) if not _ASSIGNMENT.fullmatch(word)), 0)
    return at if _INTERPRETERS.fullmatch(Path(words[at]).name) else None


def _refuse_missing_file(interpreter: str, script: str) -> None:
    is_python = _PYTHON.fullmatch(Path(interpreter).name)
    if script.startswith("{") or Path(script).exists() or not (is_python or Path(script).suffix):
        return
    where = "" if Path(script).is_absolute() else f" (it is looked for from {Path.cwd()})"
    raise SpecError(f"got the script {script!r}, which is not there{where}", todo=of_path(script))


def _refuse_missing_module(python: str, module: str, words: tuple[str, ...]) -> None:
    """A module that this Python does not find: asked of itself, since it need not be the one that runs wavjudge."""
    there: list[str] | None = None
    with suppress(OSError, ValueError, subprocess.SubprocessError):
        asked = subprocess.run(  # noqa: S603  the very program that is about to be started anyway
            [python, "-c", _PROBE, module], capture_output=True, timeout=_PROBE_SECONDS, check=True,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        there = json.loads(asked.stdout.splitlines()[-1]) if asked.stdout.strip() else None
    if there is None:
        return
    own = sorted(".".join(file.with_suffix("").parts) for file in (*Path().glob("*.py"), *Path().glob("*/*.py")))
    plain = module.removesuffix(".py").replace("/", ".")
    near = nearest(plain, [*own, *there], 0.7)
    whole = shlex.join([near if word == module else word for word in words]) if near else ""
    raise SpecError(
        f"got the module {module!r}, which {python} does not find", todo=f"did you mean command:{whole}?" if near else
        f"install it there, or name a module of the working directory: {listed(own)}"
    )  # fmt: skip


_CANNOT_START = (
    re.compile(r"No module named |ModuleNotFoundError:|ImportError:|cannot import name "),
    re.compile(r"can't open file |No such file or directory|: not found$|command not found|Permission denied"),
    re.compile(r"^\s*(?:SyntaxError|IndentationError|TabError):"),
    re.compile(
        r"error: (?:unrecognized arguments|the following arguments are required|argument |no such option)", re.I
    ),
    re.compile(r"^Error: (?:No such option|Missing (?:option|argument)|Got unexpected extra argument)"),
)
_CODES_OF_A_SHELL = (126, 127)


def never_began(code: int, last_line: str) -> bool:
    """Whether a program that ended with this code and this last line on stderr did not come to its work: the command is
    wrong then, or a part of it is not installed, and the model behind it was never asked.

    >>> never_began(1, "ModuleNotFoundError: No module named 'torch'"), never_began(1, "RuntimeError: out of memory")
    (True, False)
    """
    return code in _CODES_OF_A_SHELL or (code > 0 and any(one.search(last_line) for one in _CANNOT_START))


def what_helps(last_line: str) -> str:
    """What to do about a program that never began."""
    if found := re.search(r"No module named '?([\w.]+)'?", last_line):
        return (f"install {found[1].partition('.')[0]} for the Python of the command (`python` is that of the PATH), "
                "or name the Python that has it by its path")  # fmt: skip
    if "argument" in last_line or "option" in last_line:
        return ("it is called as COMMAND question.wav answer.wav conversation.json; if it wants others, say so: "
                "command:python answer.py --in {question} --out {answer}")  # fmt: skip
    return "mend the command, and try it in a shell of this folder"
