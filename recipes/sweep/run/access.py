"""How workers reach a chief: its address, `HOST:PORT`, and the token that signs their calls."""

import os
import re
import secrets
import stat
from pathlib import Path
from typing import NamedTuple

from .... import disk
from ...errors import RequestError
from .folder import TOKEN

LOOPBACK = "127.0.0.1"
# Hosts that stand for every address of a machine.
EVERYWHERE = ("0.0.0.0", "[::]")
MOST_PORT = 65535
# Before a colon they would be schemes to gRPC: `unix:5` is a file of the name 5.
SCHEMES = ("dns", "ipv4", "ipv6", "unix", "unix-abstract", "vsock", "xds")
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+(%[A-Za-z0-9]+)?\]")
TOKEN_BYTES = 32
# A longer file is not a token, and is not read to its end.
MOST_BYTES = 200


class Address(NamedTuple):
    """Where a chief listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def parse_address(text: str, option: str, least: int = 1) -> Address:
    """An address; without a host it is this machine's own, which no other machine reaches.

    Args:
        text: what was given.
        option: the option it was given with, for a message.
        least: the smallest port; 0 asks for any that is free.

    Raises:
        RequestError: it is not an address.

    >>> parse_address("node-3:7070", "--worker"), str(parse_address(":0", "--chief", 0))
    (Address(host='node-3', port=7070), '127.0.0.1:0')
    """
    host, colon, port = text.rpartition(":")
    number = int(port) if re.fullmatch("[0-9]{1,5}", port) else -1
    named = host == "" or (HOST.fullmatch(host) is not None and host not in SCHEMES)
    if not colon or not named or not least <= number <= MOST_PORT:
        raise RequestError(
            f"{option}: expected HOST:PORT with a port from {least} to {MOST_PORT}, as "
            f"0.0.0.0:5000. Received {text!r}."
        )
    return Address(host or LOOPBACK, number)


def reachable(address: Address, port: int) -> Address:
    """Where a worker of this machine finds the chief.

    >>> str(reachable(Address("0.0.0.0", 0), 41000)), str(reachable(Address("10.0.0.7", 0), 41000))
    ('127.0.0.1:41000', '10.0.0.7:41000')
    """
    return Address(LOOPBACK if address.host in EVERYWHERE else address.host, port)


def make_token(directory: Path) -> bytes:
    """The token of the sweep in a directory: a random secret, made where there is none yet.

    Raises:
        RequestError: the file there is not one that `make_token` wrote.
    """
    path = directory / TOKEN
    if not os.path.lexists(path):
        text = secrets.token_bytes(TOKEN_BYTES).hex() + "\n"
        disk.when_there_is_space(lambda: disk.write_private(path, text))
    return read_token(path)


def read_token(path: Path) -> bytes:
    """The token in a file, which its owner alone may read.

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
        raise RequestError(f"{path}: expected the token of the sweep. It is not a regular file.")
    # Windows has no such modes: there every file seems to be readable by all.
    if os.name == "posix" and found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise RequestError(
            f"{path}: others may read or write the token of the sweep (mode "
            f"{stat.S_IMODE(found.st_mode):04o}). If nobody has, `chmod 600 {path}`; else remove "
            "it and start the chief again, which makes a new one."
        )
