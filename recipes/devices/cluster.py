"""The processes that train together, from `TF_CONFIG` or the environment of a Slurm job."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..errors import RequestError

# `HOST:PORT` at which the first process answers the others, beside TensorFlow's own port.
CONTROL = "KERAS_RECIPES_CONTROL"
# Set for workers that `--workers` starts: the process id of the command, with which they end too.
PARENT = "KERAS_RECIPES_PARENT"
# The port of a Slurm job's first process on a node, as TensorFlow's resolver has it.
SLURM_PORT = 8888


@dataclass(frozen=True)
class Cluster:
    """The processes of a training, of which the first one is the chief.

    Attributes:
        addresses: `host:port` of each, at which TensorFlow answers.
        index: of this process.
        control: host and port at which the chief answers the other processes.
    """

    addresses: tuple[str, ...]
    index: int
    control: tuple[str, int]

    @property
    def on_machine(self) -> tuple[int, int]:
        """Which of the processes on this machine this is, and how many those are."""
        hosts = [_host_and_port(address)[0] for address in self.addresses]
        here = [i for i, host in enumerate(hosts) if host == hosts[self.index]]
        return here.index(self.index), len(here)

    def name(self, index: int) -> str:
        """A process as messages name it."""
        chief = ", the chief" if index == 0 else ""
        return f"worker {index} ({self.addresses[index]}{chief})"


def cluster_of(environment: Mapping[str, str]) -> Cluster | None:
    """The cluster that a process is to join; None where it trains alone.

    `TF_CONFIG` counts before Slurm. The chief answers at `KERAS_RECIPES_CONTROL`, by default one
    port below TensorFlow's. Processes of a Slurm step use the ports that Slurm has reserved for it
    (`srun --resv-ports=N`) where it has one more than the tasks of a node, and else 8888 and up.

    Raises:
        RequestError: the environment names no cluster that can train.
    """
    if environment.get("TF_CONFIG", "").strip():
        found = _tf_config(environment["TF_CONFIG"])
    elif environment.get("SLURM_STEP_NUM_TASKS", "").strip() not in ("", "1"):
        found = _slurm(environment)
    else:
        return None
    if len(found.addresses) == 1:
        return None
    given = environment.get(CONTROL)
    return replace(found, control=_host_and_port(given, CONTROL)) if given else found


def _tf_config(text: str) -> Cluster:
    """The cluster of a `TF_CONFIG`, chief first."""
    try:
        config = json.loads(text)
        jobs: dict[str, list[str]] = config["cluster"]
        task: dict[str, str | int] = config.get("task") or {"type": "worker", "index": 0}
        kind, index = str(task["type"]), int(task["index"])
        chiefs, workers = list(jobs.get("chief", [])), list(jobs.get("worker", []))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RequestError(
            'TF_CONFIG: expected {"cluster": {"worker": ["host:port", ...]}, "task": {"type": '
            f'"worker", "index": 0}}}}. Received: {text[:200]} ({error})'
        ) from None
    others = sorted(set(jobs) - {"chief", "worker"})
    if others or kind not in ("chief", "worker"):
        what = ", ".join(others) or kind
        raise RequestError(f"TF_CONFIG: expected jobs chief and worker only. Received: {what}")
    addresses = [*chiefs, *workers]
    place = index if kind == "chief" else len(chiefs) + index
    if not 0 <= place < len(addresses) or (kind == "chief" and index >= len(chiefs)):
        raise RequestError(
            f"TF_CONFIG: the task is {kind} {index}, and the cluster has {len(chiefs)} chiefs and "
            f"{len(workers)} workers."
        )
    for address in addresses:
        _host_and_port(address, "TF_CONFIG")
    host, port = _host_and_port(addresses[0])
    return Cluster(tuple(addresses), place, (host, port - 1))


def _slurm(environment: Mapping[str, str]) -> Cluster:
    """The tasks of a Slurm step."""
    try:
        hosts = hosts_of(environment["SLURM_STEP_NODELIST"])
        tasks = tasks_of(environment["SLURM_STEP_TASKS_PER_NODE"])
        index = int(environment["SLURM_PROCID"])
        reserved = ports_of(environment.get("SLURM_STEP_RESV_PORTS", ""))
    except (KeyError, ValueError) as error:
        raise RequestError(f"Slurm: the environment of a step is incomplete: {error}") from None
    if len(hosts) != len(tasks) or not 0 <= index < sum(tasks):
        raise RequestError(
            f"Slurm: {len(hosts)} nodes, tasks {tasks} on them and task {index} do not fit. Start "
            "the processes with `srun`, in blocks (`--distribution=block`)."
        )
    # MPI may have reserved ports of its own, fewer than are needed here.
    enough = len(reserved) > max(tasks)
    control, *ports = reserved if enough else range(SLURM_PORT - 1, SLURM_PORT + max(tasks))
    pairs = zip(hosts, tasks, strict=True)
    addresses = [f"{host}:{port}" for host, count in pairs for port in ports[:count]]
    return Cluster(tuple(addresses), index, (hosts[0], control))


def hosts_of(nodes: str) -> list[str]:
    """The hosts of a list as Slurm writes it.

    >>> hosts_of("gpu[01-03,7],login,rack2-n[5,9]")
    ['gpu01', 'gpu02', 'gpu03', 'gpu7', 'login', 'rack2-n5', 'rack2-n9']
    """
    found = []
    for prefix, ranges in re.findall(r"([^,\[]+)(?:\[([^\]]*)\])?,?", nodes):
        if not ranges:
            found.append(prefix)
            continue
        for part in ranges.split(","):
            first, _, last = part.partition("-")
            numbers = range(int(first), int(last or first) + 1)
            found += [f"{prefix}{number:0{len(first)}d}" for number in numbers]
    return found


def tasks_of(counts: str) -> list[int]:
    """Tasks of each node, from how Slurm writes them.

    >>> tasks_of("2(x3),1")
    [2, 2, 2, 1]
    """
    found: list[int] = []
    for part in counts.split(","):
        count, _, times = part.partition("(x")
        found += [int(count)] * int(times.rstrip(")") or 1)
    return found


def ports_of(ranges: str) -> list[int]:
    """The ports that Slurm has reserved for a step.

    >>> ports_of("12000-12002,12007"), ports_of("")
    ([12000, 12001, 12002, 12007], [])
    """
    found: list[int] = []
    for part in filter(None, ranges.split(",")):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def _host_and_port(address: str, where: str = "") -> tuple[str, int]:
    host, _, port = str(address).rpartition(":")
    if not host or not port.isdigit():
        raise RequestError(f"{where}: expected host:port. Received: {address!r}")
    return host.strip("[]"), int(port)
