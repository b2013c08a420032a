"""Addresses of a chief: `HOST:PORT`, and nothing else that gRPC would take for one."""

import re
from typing import NamedTuple

from ...errors import RequestError

LOOPBACK = "127.0.0.1"
# Hosts that stand for every address of a machine.
EVERYWHERE = ("0.0.0.0", "[::]")
MOST_PORT = 65535
# Before a colon they would be schemes to gRPC: `unix:5` is a file of the name 5.
SCHEMES = ("dns", "ipv4", "ipv6", "unix", "unix-abstract", "vsock", "xds")
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+(%[A-Za-z0-9]+)?\]")


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
        RequestError: it is none.

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
