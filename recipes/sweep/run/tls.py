"""TLS between a chief and workers of other machines, with certificates that the user gives."""

import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import RequestError
from .access import Address

# Seconds that the chief may take for a handshake.
HANDSHAKE_SECONDS = 10.0
# The protocol of gRPC, which a server may require.
PROTOCOL = "h2"


@dataclass(frozen=True)
class Identity:
    """The identity of a chief: PEM bytes of its certificate chain and private key."""

    certificate: bytes
    private_key: bytes = field(repr=False)


def read_identity(certificate: str | None, private_key: str | None) -> Identity | None:
    """The chief's certificate and key from PEM files; None without either.

    Raises:
        RequestError: one is missing, cannot be read, or they do not belong together.
    """
    if certificate is None and private_key is None:
        return None
    if certificate is None or private_key is None:
        raise RequestError("--tls-cert, --tls-key: give both, the certificate and its private key.")
    found = Identity(_read(certificate, "--tls-cert"), _read(private_key, "--tls-key"))
    try:
        # A key with a password would ask for it at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, private_key, "")
    except (ssl.SSLError, OSError) as error:
        raise RequestError(
            f"--tls-cert {certificate}, --tls-key {private_key}: expected a certificate in PEM "
            f"format and its private key, without a password. Received: {error}."
        ) from None
    return found


def read_authority(path: str | None) -> bytes | None:
    """The certificates, in a PEM file, that a worker trusts; None without a file.

    Raises:
        RequestError: it cannot be read, or holds no certificate.
    """
    if path is None:
        return None
    content = _read(path, "--tls-ca")
    try:
        _client_context(content)
    except (ssl.SSLError, ValueError) as error:
        raise RequestError(
            f"--tls-ca {path}: expected certificates in PEM format. Received: {error}."
        ) from None
    return content


def check_chief(address: Address, authority: bytes) -> None:
    """Raise if the chief at an address cannot be trusted; gRPC would only report it as unavailable.

    A chief that is not there yet passes.

    Raises:
        RequestError: its certificate is not valid for its address, or it does not speak TLS.
    """
    host = address.host.strip("[]")
    try:
        with (
            socket.create_connection((host, address.port), HANDSHAKE_SECONDS) as connection,
            _client_context(authority).wrap_socket(connection, server_hostname=host),
        ):
            return
    except ssl.SSLCertVerificationError as error:
        raise RequestError(
            f"{address}: the certificate of the chief is not accepted: {error.verify_message}. "
            "--tls-ca must hold the certificate, or that of its issuer, and the certificate must "
            f"name {host} (as a subject alternative name)."
        ) from None
    except ssl.SSLError as error:
        raise RequestError(
            f"{address}: no TLS connection: {error.reason or error}. Is the chief started with "
            "--tls-cert and --tls-key?"
        ) from None
    except OSError:
        return


def _client_context(authority: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols([PROTOCOL])
    context.load_verify_locations(cadata=authority.decode("ascii"))
    return context


def _read(path: str, option: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RequestError(f"{option}: {path} cannot be read: {reason}.") from None
