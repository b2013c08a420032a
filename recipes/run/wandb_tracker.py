"""Runs in Weights & Biases: online, or offline in files that `wandb sync` sends later."""

import importlib
import netrc
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from .tracker import Ending, Histograms, TrackedRun, as_counts

MODE, PROJECT, KEY, SERVER = "WANDB_MODE", "WANDB_PROJECT", "WANDB_API_KEY", "WANDB_BASE_URL"
# A file of records is a log as LevelDB writes it, after a header: blocks of chunks, each of them
# with checksum, length and kind; a record is one chunk, or a first, middle ones and a last.
HEADER, BLOCK, CHUNK = 7, 32768, struct.Struct("<IHB")
PADDING, WHOLE, FIRST, _MIDDLE, LAST = range(5)


class WandbTracker:
    """A run in Weights & Biases, in the project of its recipe's name.

    The environment variables of the package apply, such as `WANDB_MODE`, `WANDB_PROJECT` and
    `WANDB_DIR`. If nobody is logged in, the run is kept offline instead of asking for a key.
    """

    def __init__(self) -> None:
        self._wandb = importlib.import_module("wandb")
        self._run: Any = None
        self._name = ""

    def begin(self, run: TrackedRun) -> set[int]:
        self._run = self._wandb.init(
            id=run.id,
            resume="allow",
            reinit="create_new",
            name=run.name,
            project=os.environ.get(PROJECT) or run.group,
            # A sweep and its trials are a group of runs there.
            group=None if run.kind == "run" else run.parent or run.id,
            job_type=None if run.kind == "run" else run.kind,
            config=dict(run.recipe),
            allow_val_change=True,
            mode=os.environ.get(MODE) or (None if logged_in() else "offline"),
            settings=self._wandb.Settings(console="off", silent=True),
        )
        self._name = f"run-{run.id}"
        # If two begin in the same second, the folder of the second ends in `-1`.
        earlier = Path(self._run.settings.wandb_dir).glob(f"offline-run-*-{run.id}*/*.wandb")
        steps = (step for path in earlier for step in logged_steps(path))
        return {*range(1, self._run.starting_step), *steps}

    def log(self, epoch: int, values: Mapping[str, float], histograms: Histograms) -> None:
        drawn = {
            f"histograms/{name}": self._wandb.Histogram(np_histogram=as_counts(histogram))
            for name, histogram in histograms.items()
        }
        self._run.log({**values, **drawn, "epoch": epoch}, step=epoch, commit=True)

    def end(self, ending: Ending) -> None:
        self._run.summary.update(dict(ending.values))
        artifact = self._wandb.Artifact(self._name, type="run")
        for path in ending.artifacts:
            artifact.add_file(str(path))
        self._run.log_artifact(artifact)
        self._run.finish(exit_code=0 if ending.status == "completed" else 1)


def logged_in() -> bool:
    """Whether there is a key for the server, without asking for one."""
    if os.environ.get(KEY):
        return True
    host = urlparse(os.environ.get(SERVER) or "https://api.wandb.ai").hostname or ""
    with suppress(OSError, netrc.NetrcParseError):
        return netrc.netrc(os.environ.get("NETRC")).authenticators(host) is not None
    return False


def logged_steps(path: Path) -> set[int]:
    """The steps in a file of an offline run, without the one that a kill has cut off."""
    messages = importlib.import_module("wandb.proto.wandb_internal_pb2")
    entries = (messages.Record.FromString(record) for record in records(path.read_bytes()))
    return {record.history.step.num for record in entries if record.HasField("history")}


def records(data: bytes) -> Iterator[bytes]:
    """The records in the content of a file of an offline run."""
    place, record = HEADER, b""
    while place + CHUNK.size <= len(data):
        rest = BLOCK - place % BLOCK
        _, length, kind = CHUNK.unpack_from(data, place)
        if rest < CHUNK.size or kind == PADDING:
            place += rest
            continue
        chunk = data[place + CHUNK.size : place + CHUNK.size + length]
        place += CHUNK.size + length
        if len(chunk) < length:
            return
        record = chunk if kind in (WHOLE, FIRST) else record + chunk
        if kind in (WHOLE, LAST):
            yield record
