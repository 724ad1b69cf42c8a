"""The files of a run folder, opened so that a folder from somebody else can do no harm.

Below the run folder no link is followed, neither of a file nor of a folder: `ratings.jsonl -> ~/.bashrc` is an error,
not a place to write to. Only plain files are opened: a pipe would wait for ever, a device never end. A file that has a
second name elsewhere (a hard link) is read, but not written to. The run folder itself may be a link: the user named it.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from wavjudge.errors import InputError, StoreError

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_PLAIN = _NOFOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_HEAD, _FIRST_BYTES = 2**20, 8  # of a file that may hold something else: its first line; else its first bytes
_MOST_NAMES = 0.6  # columns come and go with versions; labels have a third of those of an export
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NOFOLLOW
_BY_FOLDER = os.open in os.supports_dir_fd and hasattr(os, "O_DIRECTORY")  # not on Windows
_TODO = "a run folder from somebody else may hold such a trap; if you made it yourself, put the file itself there"


def opened(root: Path, name: str, mode: str) -> IO[bytes]:
    """A file below `root`, unbuffered: `rb` to read, `ab` to append (made where it is not there), `r+b` to change.

    Raises `FileNotFoundError` where it is not there, `StoreError` for what is no plain file of the folder.
    """
    flags = {"rb": os.O_RDONLY, "ab": os.O_WRONLY | os.O_APPEND | os.O_CREAT, "r+b": os.O_RDWR}[mode]
    with _errors(root, name), _folder_of(root, name, make=mode == "ab") as (folder, last):
        number = _open(folder, last, flags | _PLAIN)
    found = os.fstat(number)
    if not stat.S_ISREG(found.st_mode):
        os.close(number)
        raise StoreError("got what is no plain file, expected one of the run", where=str(root / name), todo=_TODO)
    if mode != "rb" and found.st_nlink > 1:
        os.close(number)
        raise StoreError("got a file that has a second name elsewhere, which would be written to as well",
                         where=str(root / name), todo="copy the run folder, and use the copy")  # fmt: skip
    return os.fdopen(number, mode, buffering=-1 if mode == "rb" else 0)


def read_bytes(root: Path, name: str) -> bytes | None:
    """The whole of a file below `root`, None where it is not there."""
    try:
        with opened(root, name, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def has(root: Path, name: str) -> bool:
    """Whether a plain file of that name is there; `StoreError` where something else stands in its place."""
    try:
        opened(root, name, "rb").close()
    except FileNotFoundError:
        return False
    return True


def has_bytes(root: Path, name: str) -> bool:
    """Whether a plain file of that name is there and holds anything."""
    try:
        with opened(root, name, "rb") as file:
            return os.fstat(file.fileno()).st_size > 0
    except FileNotFoundError:
        return False


def replace(root: Path, name: str, data: bytes, *, durable: bool = True) -> None:
    """Write a whole file so that a reader sees the old one or the new one, never half of it."""
    with _errors(root, name), _folder_of(root, name, make=True) as (folder, last):
        half = f".{last}.{os.getpid()}-{threading.get_ident()}.tmp"  # two may write the same
        try:
            with suppress(FileNotFoundError):
                _unlink(folder, half)
            number = _open(folder, half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN)
            with os.fdopen(number, "wb") as file:
                file.write(data)
                if durable:
                    file.flush()
                    sync(file)
            _rename(folder, half, last)
        except OSError:
            with suppress(OSError):
                _unlink(folder, half)
            raise


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A result to write where the user said, in a folder that may be somebody else's: the whole file appears under its
    name at the end, or nothing does. What stands there is replaced, never written through: a link or a pipe is an
    error, and a file's second name elsewhere keeps what it held. Other failures are `OSError`.
    """
    with suppress(FileNotFoundError):
        kind = path.lstat().st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(kind):
            raise StoreError("got a link or a pipe in the place of a file to be written", where=str(path),
                             todo="take it away, or name another --out: nothing is written through it")  # fmt: skip
    with _folder_of(path.parent, path.name, make=False) as (folder, last):
        half = f".wavjudge-{os.getpid()}-{threading.get_ident()}.tmp"
        with suppress(FileNotFoundError):
            _unlink(folder, half)
        try:
            with os.fdopen(_open(folder, half, os.O_RDWR | os.O_CREAT | os.O_EXCL | _PLAIN), "w+b") as file:
                yield file
            _refuse_something_else(path, folder, half)
            _rename(folder, half, last)
        except BaseException:
            with suppress(OSError):
                _unlink(folder, half)
            raise


def _refuse_something_else(path: Path, folder: int | Path, half: str) -> None:
    """`InputError` where the file that would be replaced holds something else: somebody's answers or labels."""
    try:
        old = path.open("rb")
    except FileNotFoundError:
        return
    with old, os.fdopen(_open(folder, half, os.O_RDONLY | _PLAIN), "rb") as new:
        was, will_be = old.readline(_HEAD), new.readline(_HEAD)
    if was.strip() and not _alike(was, will_be, path.suffix.lower()):
        shown = was.decode(errors="replace").strip()[:60]
        raise InputError(f"got a file that holds something else (it begins {shown!r}), and would be replaced",
                         where=str(path), todo="name another --out, or take the file away")  # fmt: skip


def _alike(old: bytes, new: bytes, suffix: str) -> bool:
    """Whether the old file looks like an earlier one of the new: most of its columns or keys, else its first bytes."""
    if suffix in (".csv", ".tsv", ".jsonl"):
        with suppress(ValueError, TypeError):
            had, has = (set(json.loads(line)) if suffix == ".jsonl" else _columns(line) for line in (old, new))
            return len(had & has) >= _MOST_NAMES * len(has)
    return old[:_FIRST_BYTES] == new[:_FIRST_BYTES]


def _columns(line: bytes) -> set[bytes]:
    return {name.strip(b'"\xef\xbb\xbf\r\n ') for name in line.replace(b"\t", b",").split(b",")}


def refuse_as_folder(path: Path) -> None:
    """`InputError` where a file has the name of the folder that results are to go to."""
    if path.exists() and not path.is_dir():
        raise InputError("got a file, expected a folder to write the results to", where=str(path),
                         todo="name another --out: it is made where it is not there")  # fmt: skip


def write_new(path: Path, text: str) -> None:
    """A text as `new_file`: UTF-8, and lines end as they do in it."""
    with new_file(path) as file:
        file.write(text.encode())


def make_folder(root: Path, name: str) -> None:
    """A folder below `root`, made where it is not there."""
    with _errors(root, name), _folder_of(root, f"{name}/", make=True):
        pass


def inside(path: Path, root: Path) -> bool:
    """Whether a path, with all links followed, lies below a folder, with all links followed."""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):  # a circle of links; a NUL in the name
        return False


def sync(file: IO[bytes]) -> None:
    """Wait until the disk has what was written. macOS has no fdatasync."""
    getattr(os, "fdatasync", os.fsync)(file.fileno())


def heal(root: Path, name: str) -> int:
    """Cut a torn last line off (or end it, if it is whole); gives the number of bytes cut."""
    if not has(root, name):
        return 0
    with opened(root, name, "r+b") as file:
        start = _last_line_start(file, file.seek(0, os.SEEK_END))
        file.seek(start)
        last = file.read()
        if not last or last.endswith(b"\n"):
            return 0
        with suppress(ValueError):
            json.loads(last)
            file.write(b"\n")
            return 0
        file.truncate(start)
        return len(last)


def _last_line_start(file: IO[bytes], end: int) -> int:
    position = end
    while position > 0:
        step = min(65536, position)
        position -= step
        file.seek(position)
        found = file.read(step).rfind(b"\n", 0, step - 1 if position + step == end else step)
        if found >= 0:
            return position + found + 1
    return 0


@contextmanager
def _errors(root: Path, name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        where = str(root / name)
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK, errno.ENXIO):
            raise StoreError("got a link or a pipe on the way, expected a plain file of the run folder", where=where,
                             todo=_TODO) from error  # fmt: skip
        raise StoreError(
            f"got {error.strerror!r}", where=where, todo="check the path, its room and its permissions"
        ) from error


@contextmanager
def _folder_of(root: Path, name: str, *, make: bool) -> Iterator[tuple[int | Path, str]]:
    """The folder in which the file of a name lies, open, and the last part of the name; none on the way is a link."""
    *folders, last = name.split("/")
    if not _BY_FOLDER:
        yield _plain_way(root, folders, make), last
        return
    if not root.is_dir():
        raise FileNotFoundError(errno.ENOENT, "got no such folder", str(root))
    folder = os.open(root, _FOLDER & ~_NOFOLLOW)
    try:
        for part in folders:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=folder)
            inner = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder, last
    finally:
        os.close(folder)


def _plain_way(root: Path, folders: list[str], make: bool) -> Path:
    for part in folders:
        root = root / part
        if root.is_symlink():
            raise OSError(errno.ELOOP, "got a link", str(root))
        if make:
            root.mkdir(exist_ok=True)
    return root


def _open(folder: int | Path, name: str, flags: int) -> int:
    if isinstance(folder, Path):
        if (folder / name).is_symlink():
            raise OSError(errno.ELOOP, "got a link", str(folder / name))
        return os.open(folder / name, flags, 0o666)
    return os.open(name, flags, 0o666, dir_fd=folder)


def _unlink(folder: int | Path, name: str) -> None:
    if isinstance(folder, Path):
        (folder / name).unlink()
    else:
        os.unlink(name, dir_fd=folder)


def _rename(folder: int | Path, name: str, to: str) -> None:
    if isinstance(folder, Path):
        (folder / name).replace(folder / to)
    else:
        os.replace(name, to, src_dir_fd=folder, dst_dir_fd=folder)


# Regular files only: a pipe would be waited on for ever, and a device might never end.


def kind_of_file(mode: int) -> str:
    """What stands at a path, in words.

    >>> kind_of_file(0o010644), kind_of_file(0o040755)
    ('a pipe', 'a folder')
    """
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device",
             stat.S_IFBLK: "a device", stat.S_IFLNK: "a link", stat.S_IFREG: "a file"}  # fmt: skip
    return kinds.get(stat.S_IFMT(mode), "no file")


def refuse_special(path: Path) -> None:
    """`InputError` for a pipe, a device or a socket; nothing for a file, a folder, or what is not there.

    >>> refuse_special(Path("/dev/null"))
    Traceback (most recent call last):
    wavjudge.errors.InputError: /dev/null: it is a device, not a file
    What to do: write what it gives into a file, and name that
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # opening it says what is wrong
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise InputError(f"it is {kind_of_file(mode)}, not a file", where=str(path),
                         todo="write what it gives into a file, and name that")  # fmt: skip
