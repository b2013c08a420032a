"""The scripts and manifests in the docs are what Slurm and Kubernetes take."""

import json
import os
import re
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from keras_recipes.recipes import cli
from keras_recipes.recipes.devices.cluster import cluster_of
from keras_recipes.recipes.devices.launch import LOOPBACK

ROOT = Path(__file__).parents[1]
PAGES = ("scale", "sweeps")
# The oldest and the newest Kubernetes that is supported by somebody.
VERSIONS = ("1.29", "1.34")
RECIPE = """\
name: slurm
data: {source: iris, validation: 22, test: 24, batch_size: 8}
model: {layers: [{dense: {units: 4, activation: tanh}}]}
optimizer: sgd
learning_rate: 0.1
epochs: 2
"""
# What `srun` does, as far as a training sees it: tasks on one node, each with its environment.
SRUN = """\
#!{python}
import os, subprocess, sys
command = [word for word in sys.argv[1:] if not word.startswith("--distribution")]
tasks = []
step = dict(
    SLURM_STEP_NUM_TASKS="2", SLURM_STEP_TASKS_PER_NODE="2", SLURM_STEP_NUM_NODES="1",
    SLURM_STEP_NODELIST="{host}", SLURM_STEP_RESV_PORTS="{ports}", SLURM_NTASKS="2",
)
for each in range(2):
    task = dict(SLURM_PROCID=str(each), SLURM_LOCALID=str(each), SLURM_NODEID="0")
    output = open(f"task-{{each}}.txt", "w")
    environment = {{**os.environ, **step, **task}}
    tasks.append(subprocess.Popen(command, env=environment, stdout=output, stderr=output))
sys.exit(max(abs(task.wait()) for task in tasks))
"""


def blocks(page, language):
    """The fenced blocks of a page in a language."""
    text = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def manifests(page):
    """The objects of Kubernetes that a page shows."""
    found = [one for block in blocks(page, "yaml") for one in yaml.safe_load_all(block)]
    return [one for one in found if isinstance(one, dict) and "apiVersion" in one]


def containers(page):
    jobs = [one for one in manifests(page) if one["kind"] == "Job"]
    return [each for job in jobs for each in job["spec"]["template"]["spec"]["containers"]]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("page", PAGES)
def test_manifests_are_of_the_schema(page, version):
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    found = manifests(page)
    assert {one["kind"] for one in found} == {"Service", "Job"}
    for one in found:
        kubernetes_validate.validate(one, version, strict=True)


def test_the_schema_refuses_what_is_misspelled():
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    job = next(one for one in manifests("scale") if one["kind"] == "Job")
    job["spec"]["completionsMode"] = job["spec"].pop("completionMode")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(job, VERSIONS[-1], strict=True)


def test_a_pod_of_the_job_finds_its_place(tmp_path):
    (container,) = containers("scale")
    job = next(one for one in manifests("scale") if one["kind"] == "Job")
    program = tmp_path / "keras-recipes"
    program.write_text('#!/bin/sh\nprintf %s "$TF_CONFIG"\n')
    program.chmod(0o755)
    for index in range(job["spec"]["completions"]):
        environment = {
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "JOB_COMPLETION_INDEX": str(index),
        }
        done = subprocess.run(
            [*container["command"], *container["args"]],
            env=environment,
            capture_output=True,
            text=True,
        )
        found = cluster_of({"TF_CONFIG": done.stdout})
        assert found is not None
        assert found.index == index
        # Pods of an indexed job are named by the job and their number, and found in its subdomain.
        name, domain = job["metadata"]["name"], job["spec"]["template"]["spec"]["subdomain"]
        pods = [f"{name}-{number}.{domain}:4000" for number in range(job["spec"]["completions"])]
        assert list(found.addresses) == pods
        assert domain in [one["metadata"]["name"] for one in manifests("scale")]


def test_the_commands_of_the_pods_are_commands():
    for container in containers("sweeps"):
        name, *words = container["command"]
        assert name == "keras-recipes"
        assert cli.parser().parse_args(words).verb == "sweep"


@pytest.mark.slow
def test_the_script_for_slurm_trains_on_two_tasks(tmp_path):
    (script,) = [block for block in blocks("scale", "bash") if "#SBATCH" in block]
    files = {
        "srun": SRUN.format(python=sys.executable, host="localhost", ports=reserved(3)),
        "keras-recipes": f'#!/bin/sh\nexec {sys.executable} -m keras_recipes "$@"\n',
        "script": script,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    path = f"{tmp_path}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "HOME": str(tmp_path), "SLURM_JOB_NAME": "job"}
    for attempt in ("first", "again"):
        done = subprocess.run(["bash", "script"], cwd=tmp_path, env=environment, timeout=580)
        said = [(tmp_path / f"task-{task}.txt").read_text() for task in range(2)]
        assert done.returncode == 0, f"{attempt}: {said}"
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["job"]
    run = tmp_path / "runs/job"
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["sharing"] == {"workers": 2, "devices": 1, "shards": 2, "exact": False}
    assert json.loads((run / "result.json").read_text())["status"] == "completed"
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 2


def reserved(count):
    """Neighbouring ports that nobody listens at, as Slurm writes them."""
    for first in range(20000, 30000, count):
        with ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.create_server((LOOPBACK, port)))
            except OSError:
                continue
            return f"{first}-{first + count - 1}"
    raise AssertionError("no ports")
