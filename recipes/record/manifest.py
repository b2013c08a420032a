"""What a run was trained with: enough to know whether another run can equal it."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from .contents import JSONObject

# The key of a manifest that says where a run left another one, and how much that had trained.
BRANCHED = "branched"
PACKAGES = ("keras-recipes", "tensorflow", "keras", "numpy", "pydantic", "scikit-learn")
# Environment variables that are known to change the bits of a training on CPU.
ENVIRONMENT = (
    "KERAS_BACKEND",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_DETERMINISTIC_OPS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OMP_NUM_THREADS",
    "CUDA_VISIBLE_DEVICES",
    "XLA_FLAGS",
)


def manifest(
    *,
    seed: int,
    fingerprints: Mapping[str, object],
    devices: Sequence[str],
    settings: Mapping[str, str],
) -> JSONObject:
    """The manifest of a run that starts now.

    Args:
        seed: the recipe's seed.
        fingerprints: hashes of the inputs by name (`recipe`, `data`).
        devices: names of the devices that train.
        settings: Keras's settings, such as `floatx`.
    """
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "argv": sys.argv,
        "seed": seed,
        "fingerprints": dict(fingerprints),
        "versions": {"python": platform.python_version(), **versions()},
        "git_commit": git_commit(Path.cwd()),
        "machine": {
            "platform": platform.platform(),
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "devices": list(devices),
        },
        "settings": dict(settings),
        "environment": environment(),
        "executable": sys.executable,
    }


def environment() -> dict[str, str]:
    """The environment variables that can change the bits of a training, where they are set."""
    return {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}


def versions() -> dict[str, str]:
    """Installed version of each package that decides what a run computes."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            # A package run from a source tree that was never installed has no metadata.
            found[package] = "not installed"
    return found


def git_commit(folder: Path) -> str | None:
    """Commit checked out at `folder`, `-dirty` when tracked files differ; None outside of git."""
    # Without tags, `describe` is the commit and its state in one call.
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        found = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
