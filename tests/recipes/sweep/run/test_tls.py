"""TLS between a chief and a worker: what is not proven by a certificate is not answered."""

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from keras_recipes import RequestError
from keras_recipes.recipes.sweep.run.access import Address
from keras_recipes.recipes.sweep.run.client import RemoteClient
from keras_recipes.recipes.sweep.run.server import serve
from keras_recipes.recipes.sweep.run.tls import check_chief, read_authority, read_identity
from keras_recipes.recipes.sweep.run.worker import ChiefGone

ANY = Address("127.0.0.1", 0)
TOKEN = bytes(range(32))

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


class Files(NamedTuple):
    certificate: str
    key: str


def signed_by_itself(folder: Path, name: str, host: str, *more: str) -> Files:
    """A certificate for a host, that is its own issuer."""
    files = Files(str(folder / f"{name}.crt"), str(folder / f"{name}.key"))
    subject = ["-subj", f"/CN={name}", "-addext", f"subjectAltName={host}"]
    options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2", *subject]
    command = ["openssl", "req", "-x509", *options, "-out", files.certificate, "-keyout", files.key]
    subprocess.run([*command, *(more or ["-nodes"])], check=True, capture_output=True)
    return files


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    return {
        "chief": signed_by_itself(folder, "chief", "IP:127.0.0.1"),
        "stranger": signed_by_itself(folder, "stranger", "IP:127.0.0.1"),
        "elsewhere": signed_by_itself(folder, "elsewhere", "DNS:node-3"),
        "locked": signed_by_itself(folder, "locked", "IP:127.0.0.1", "-passout", "pass:secret"),
    }


@pytest.fixture
def served(make_chief, certificates):
    """Serves a chief under a certificate; None is without TLS."""
    stops = []

    def start(name):
        identity = None if name is None else read_identity(*certificates[name])
        port, stop = serve(make_chief(), ANY, "print", TOKEN, identity)
        stops.append(stop)
        return Address("127.0.0.1", port)

    yield start
    for stop in stops:
        stop()


def client(address, authority, patience=5.0):
    arguments = {"objective": "val_loss", "fingerprint": "print", "token": TOKEN}
    return RemoteClient(str(address), "a", patience=patience, authority=authority, **arguments)


def test_a_worker_that_trusts_the_certificate_works(served, certificates):
    address, authority = served("chief"), read_authority(certificates["chief"].certificate)
    check_chief(address, authority)
    worker = client(address, authority)
    trial = worker.next_trial()
    assert set(worker.heartbeat(trial.trial_id).reported) == set()


@pytest.mark.parametrize("under", ["stranger", "elsewhere"])
def test_a_chief_with_another_certificate_is_not_trusted(served, certificates, under):
    trusted = "chief" if under == "stranger" else "elsewhere"
    address, authority = served(under), read_authority(certificates[trusted].certificate)
    with pytest.raises(RequestError, match=r"is not accepted.*--tls-ca"):
        check_chief(address, authority)
    with pytest.raises(ChiefGone):
        client(address, authority, patience=0.5).next_trial()


def test_a_chief_without_tls_is_not_talked_to_in_clear(served, certificates):
    address, authority = served(None), read_authority(certificates["chief"].certificate)
    with pytest.raises(RequestError, match=r"no TLS connection.*--tls-cert"):
        check_chief(address, authority)
    with pytest.raises(ChiefGone):
        client(address, authority, patience=0.5).next_trial()


def test_a_worker_without_tls_gets_nothing_from_a_chief_that_has_it(served):
    with pytest.raises(ChiefGone):
        client(served("chief"), None, patience=0.5).next_trial()


def test_a_chief_that_is_not_there_yet_is_waited_for(certificates):
    check_chief(Address("127.0.0.1", 9), read_authority(certificates["chief"].certificate))


def test_files_that_cannot_serve_are_named(certificates, tmp_path):
    chief, stranger, locked = (certificates[name] for name in ("chief", "stranger", "locked"))
    (tmp_path / "text.pem").write_text("no certificate")
    (tmp_path / "bytes.pem").write_bytes(b"\xff\xfe")
    for given in (
        (chief.certificate, stranger.key),
        (str(tmp_path / "text.pem"), chief.key),
        (locked.certificate, locked.key),
        (chief.certificate, None),
        (None, chief.key),
        (chief.certificate, str(tmp_path / "missing.key")),
    ):
        with pytest.raises(RequestError, match=r"--tls-(cert|key)"):
            read_identity(*given)
    for name in ("text.pem", "bytes.pem", "missing.pem"):
        with pytest.raises(RequestError, match="--tls-ca.*" + name):
            read_authority(str(tmp_path / name))
    assert read_identity(None, None) is None
    assert read_authority(None) is None
    assert "PRIVATE" not in repr(read_identity(*chief))
