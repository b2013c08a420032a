"""The proof as a member of a `.keras` file, which is a zip archive."""

import json
import shutil
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from ... import disk
from ..record.model_file import PROOF, check_model, readable
from .carried import MOST_PROOF, Carried, damaged


def read(path: Path) -> Carried:
    """Find the proof of a `.keras` file.

    Raises:
        RequestError: it is no sound `.keras` file.
    """
    check_model(path)
    with readable(path), zipfile.ZipFile(path) as archive:
        found = [info for info in archive.infolist() if info.filename == PROOF]
        if found and found[0].file_size > MOST_PROOF:
            raise damaged(path, f"has a proof larger than {MOST_PROOF >> 20} MiB")
        return Carried(archive.read(PROOF) if found else None, _body(archive))


def attach(path: Path, make: Callable[[str], bytes]) -> None:
    """Add the proof as a member.

    Args:
        make: the proof from the SHA-256 of all the rest.
    """
    with zipfile.ZipFile(path) as archive:
        proof = make(_body(archive))

    def save(beside: Path) -> None:
        shutil.copyfile(path, beside)
        with zipfile.ZipFile(beside, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(PROOF, proof)

    disk.write_whole(path, save)


def _body(archive: zipfile.ZipFile) -> str:
    """SHA-256 over the names and contents of all other members."""
    found = {
        info.filename: sha256(archive.read(info)).hexdigest()
        for info in archive.infolist()
        if info.filename != PROOF
    }
    return sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
