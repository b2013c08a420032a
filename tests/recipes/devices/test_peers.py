"""Processes of a training notice each other's coming, silence and end."""

import socket
import threading

import pytest

from keras_recipes.recipes.devices.chief import ChiefPeers
from keras_recipes.recipes.devices.cluster import Cluster
from keras_recipes.recipes.devices.launch import free_ports
from keras_recipes.recipes.devices.member import MemberPeers
from keras_recipes.recipes.devices.peers import Peers, WorkerLost
from keras_recipes.recipes.errors import RequestError

SAME = {"recipe": "r", "data": "d"}


def clusters(count=2):
    *ports, control = free_ports(count + 1)
    addresses = tuple(f"127.0.0.1:{port}" for port in ports)
    return [Cluster(addresses, index, ("127.0.0.1", control)) for index in range(count)]


@pytest.fixture(autouse=True)
def closed(monkeypatch):
    """Let no test leave a process that ends this one after a while."""
    made = []
    begin = Peers.__init__
    monkeypatch.setattr(Peers, "__init__", lambda self, *a: (made.append(self), begin(self, *a))[1])
    yield
    for peers in made:
        peers._closed.set()


def joined(timeout=20.0, identity=SAME):
    first, second = clusters()
    chief = ChiefPeers(first, timeout, SAME)
    member = MemberPeers(second, timeout, identity)
    return chief, member


def test_the_chief_tells_what_the_others_wait_for():
    chief, member = joined()
    chief.wait_for_all()
    chief.send_all(directory="here")
    assert member.received("directory") == {"directory": "here"}
    member.close()
    chief.close()
    assert chief.lost is None


def test_another_recipe_is_refused_by_name():
    chief, member = joined(identity={**SAME, "data": "other"})
    with pytest.raises(RequestError, match=r"worker 1 .* has data other where the chief has"):
        chief.wait_for_all()
    with pytest.raises(WorkerLost, match="data other"):
        member.received("directory")
    chief.close()


def test_one_that_never_comes_is_named():
    first, _ = clusters()
    chief = ChiefPeers(first, 0.3, SAME)
    with pytest.raises(RequestError, match=r"worker 1 .* did not come within 0.3 s"):
        chief.wait_for_all()
    chief.close()


def test_a_chief_that_never_answers_is_named():
    _, second = clusters()
    with pytest.raises(RequestError, match=r"the chief did not answer at 127.0.0.1:"):
        MemberPeers(second, 0.3, SAME)


def test_all_meet_before_one_continues():
    chief, member = joined()
    chief.wait_for_all()
    for _ in range(2):
        came = threading.Thread(target=chief.barrier)
        came.start()
        came.join(0.3)
        assert came.is_alive()
        member.barrier()
        came.join(20)
        assert not came.is_alive()
    member.close()
    chief.close()


def test_who_waits_for_one_that_is_lost_hears_of_it():
    chief, member = joined()
    chief.wait_for_all()
    member.close("worker 1 has no memory")
    with pytest.raises(WorkerLost, match="no memory"):
        chief.barrier()
    chief, member = joined()
    chief.wait_for_all()
    chief.close("the chief has no memory")
    with pytest.raises(WorkerLost, match="no memory"):
        member.barrier()


def test_an_end_without_a_word_is_noticed_by_both_sides():
    chief, member = joined()
    chief.wait_for_all()
    seen = threading.Event()
    chief.on_lost = lambda reason: seen.set()
    member._links[0].connection.shutdown(socket.SHUT_RDWR)
    assert seen.wait(20)
    with pytest.raises(WorkerLost, match=r"worker 1 .* has ended"):
        chief.check()


def test_silence_is_noticed():
    first, second = clusters()
    chief = ChiefPeers(first, 1.0, SAME)
    with socket.create_connection(second.control) as quiet:
        quiet.sendall(b'{"hello": 1, "identity": {"recipe": "r", "data": "d"}}\n')
        chief.wait_for_all()
        with pytest.raises(WorkerLost, match=r"worker 1 .* has not answered for 1 s"):
            chief.check(20)


@pytest.mark.parametrize(
    "words",
    [
        b"\x00\xff\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"[]\n",
        b'{"hello": 7}\n',
        b'{"hello": 1}\n',
        b'{"hello": true, "identity": {}}\n',
        b"x" * 100_000 + b"\n",
    ],
    ids=["bytes", "http", "list", "index", "no_identity", "bool", "long"],
)
def test_strangers_are_sent_away(words):
    first, second = clusters()
    chief = ChiefPeers(first, 20.0, SAME)
    with socket.create_connection(second.control) as stranger:
        stranger.sendall(words)
    member = MemberPeers(second, 20.0, SAME)
    chief.wait_for_all()
    assert chief.lost is None
    member.close()
    chief.close()


def test_a_failure_is_passed_on():
    chief, member = joined()
    chief.wait_for_all()
    member.close("worker 1 has no memory")
    with pytest.raises(WorkerLost, match="no memory"):
        chief.check(20)


def test_the_chief_of_the_next_training_answers_at_the_same_port():
    first, second = clusters()
    for _ in range(2):
        chief = ChiefPeers(first, 20.0, SAME)
        member = MemberPeers(second, 20.0, SAME)
        chief.wait_for_all()
        # Who begins the next training earlier does not meet the chief of this one.
        with pytest.raises(RequestError, match="the chief did not answer"):
            MemberPeers(second, 0.3, {**SAME, "recipe": "next"})
        member.close()
        chief.close()
