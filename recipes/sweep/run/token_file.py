"""The token of a sweep: a random secret in a file that its owner alone may read."""

import os
import re
import secrets
import stat
from pathlib import Path

from .... import disk
from ...errors import RequestError
from .layout import TOKEN

TOKEN_BYTES = 32
# A file that is longer is no token, and is not read.
MOST_BYTES = 200


def make_token(directory: Path) -> bytes:
    """The token of the sweep in a directory; made where there is none yet.

    Raises:
        RequestError: the file there is not one that `make_token` wrote.
    """
    path = directory / TOKEN
    if not os.path.lexists(path):
        text = secrets.token_bytes(TOKEN_BYTES).hex() + "\n"
        disk.when_there_is_space(lambda: disk.write_private(path, text))
    return read_token(path)


def read_token(path: Path) -> bytes:
    """The token in a file.

    Raises:
        RequestError: it is missing, holds something else, or others may read it.
    """
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        raise RequestError(
            f"{path}: the token of the sweep cannot be read: "
            f"{getattr(error, 'strerror', error)}. It is the file `{TOKEN}` in the directory of "
            "the sweep; copy it to this machine and name the copy with --token-file."
        ) from None
    try:
        _check_mode(path, os.fstat(file))
        content = os.read(file, MOST_BYTES)
    finally:
        os.close(file)
    text = content.decode("ascii", errors="replace").strip()
    if not re.fullmatch(f"[0-9a-f]{{{2 * TOKEN_BYTES}}}", text):
        raise RequestError(
            f"{path}: expected a token, {2 * TOKEN_BYTES} hexadecimal digits. Received "
            f"{len(content)} other bytes. Remove the file and start the chief again: it makes a "
            "new one."
        )
    return bytes.fromhex(text)


def _check_mode(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise RequestError(f"{path}: expected a file with the token of the sweep. It is no file.")
    # Windows has no such modes: there every file seems to be readable by all.
    if os.name == "posix" and found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise RequestError(
            f"{path}: others may read or write the token of the sweep (mode "
            f"{stat.S_IMODE(found.st_mode):04o}). If nobody has, `chmod 600 {path}`; else remove "
            "it and start the chief again, which makes a new one."
        )
