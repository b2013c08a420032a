"""The processes of a training, from what the environment says."""

import json

import pytest

from keras_recipes.recipes.devices.cluster import cluster_of, hosts_of, tasks_of
from keras_recipes.recipes.errors import RequestError


def config(cluster, kind="worker", index=0):
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


def test_the_chief_is_the_first_process():
    jobs = {"worker": ["a:1", "b:2"], "chief": ["c:3"]}
    found = cluster_of(config(jobs, index=1))
    assert (found.addresses, found.index, found.control) == (("c:3", "a:1", "b:2"), 2, ("c", 2))
    assert cluster_of(config(jobs, "chief")).index == 0
    assert found.name(0) == "worker 0 (c:3, the chief)"


def test_the_control_port_can_be_given():
    environment = config({"worker": ["a:1", "b:2"]}) | {"KERAS_RECIPES_CONTROL": "[::1]:99"}
    assert cluster_of(environment).control == ("::1", 99)


@pytest.mark.parametrize(
    "environment",
    [{}, {"TF_CONFIG": ""}, {"SLURM_STEP_NUM_TASKS": "1"}, config({"worker": ["a:1"]})],
    ids=["nothing", "empty", "one_task", "one_worker"],
)
def test_one_process_is_no_cluster(environment):
    assert cluster_of(environment) is None


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TF_CONFIG": "{"}, "expected"),
        ({"TF_CONFIG": "[]"}, "expected"),
        (config({"worker": ["a:1"], "ps": ["b:1"]}), "Received: ps"),
        (config({"worker": ["a:1"]}, "evaluator"), "Received: evaluator"),
        (config({"worker": ["a:1", "b:1"]}, index=2), "the task is worker 2"),
        (config({"worker": ["a", "b:1"]}), "expected host:port"),
    ],
    ids=["text", "list", "ps", "evaluator", "index", "port"],
)
def test_a_wrong_config_is_refused(environment, expected):
    with pytest.raises(RequestError, match=expected):
        cluster_of(environment)


SLURM = {
    "SLURM_STEP_NUM_TASKS": "3",
    "SLURM_STEP_NODELIST": "gpu[08-09]",
    "SLURM_STEP_TASKS_PER_NODE": "2,1",
    "SLURM_PROCID": "1",
}


def test_a_slurm_step_is_a_cluster():
    found = cluster_of(SLURM)
    assert found.addresses == ("gpu08:8888", "gpu08:8889", "gpu09:8888")
    assert (found.index, found.on_machine, found.control) == (1, (1, 2), ("gpu08", 8887))
    with pytest.raises(RequestError, match="SLURM_PROCID"):
        cluster_of({k: v for k, v in SLURM.items() if k != "SLURM_PROCID"})
    with pytest.raises(RequestError, match="do not fit"):
        cluster_of({**SLURM, "SLURM_STEP_TASKS_PER_NODE": "3"})


def test_ports_that_slurm_has_reserved_are_used_if_they_suffice():
    found = cluster_of({**SLURM, "SLURM_STEP_RESV_PORTS": "12000,12004-12005"})
    assert found.addresses == ("gpu08:12004", "gpu08:12005", "gpu09:12004")
    assert found.control == ("gpu08", 12000)
    assert cluster_of({**SLURM, "SLURM_STEP_RESV_PORTS": "12000-12001"}) == cluster_of(SLURM)
    with pytest.raises(RequestError, match="environment of a step"):
        cluster_of({**SLURM, "SLURM_STEP_RESV_PORTS": "some"})


def test_lists_of_nodes_are_read_as_tensorflow_reads_them():
    from tensorflow.python.distribute.cluster_resolver import slurm_cluster_resolver as theirs

    for nodes in ("a", "a,b7", "n[1-3]", "n[01-03,7,09-10],m,r2-n[5,9]"):
        assert hosts_of(nodes) == theirs.expand_hostlist(nodes)
    for counts in ("1", "2(x3),1", "4,2(x2)"):
        assert tasks_of(counts) == theirs.expand_tasks_per_node(counts)
