"""What reaches the port of a chief from anybody but its workers is refused and changes nothing."""

import socket
from concurrent import futures

import grpc
import pytest

from keras_recipes import RequestError
from keras_recipes.recipes.sweep.engine.messages import PREFIX, SERVICE, answer
from keras_recipes.recipes.sweep.engine.trial import Decision, Trial, TrialOutcome
from keras_recipes.recipes.sweep.run.access import Address
from keras_recipes.recipes.sweep.run.chief import BadCall
from keras_recipes.recipes.sweep.run.client import RemoteClient
from keras_recipes.recipes.sweep.run.server import MOST_BYTES, serve
from keras_recipes.recipes.sweep.run.signing import SIGNATURE, Gate, Refused, Signer
from keras_recipes.recipes.sweep.run.worker import ChiefGone

ANY = Address("127.0.0.1", 0)
TOKEN, OTHER = bytes(range(32)), bytes(32)
REFUSED, BAD = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.INVALID_ARGUMENT


class Peer:
    """Whoever reaches the port, with bytes and headers of its own choice."""

    def __init__(self, address):
        self.channel = grpc.insecure_channel(address)
        self.signer = Signer(TOKEN, "a", "print")

    def send(self, method, content, metadata=()):
        """The code of the answer."""
        try:
            self.channel.unary_unary(method)(content, timeout=10, metadata=tuple(metadata))
        except grpc.RpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    def signed(self, method, content):
        """The code of the answer to a call that is signed with the token and the session."""
        for _ in range(2):
            sent = self.signer.sign(method, content)
            call = self.channel.unary_unary(method)
            try:
                call(content, timeout=10, metadata=tuple(sent.items()))
            except grpc.RpcError as error:
                if not self.signer.renew(sent, error.trailing_metadata()):
                    return error.code()
        return grpc.StatusCode.OK


def client(address, worker="a", token=TOKEN):
    return RemoteClient(
        address, worker, objective="val_loss", fingerprint="print", token=token, patience=5.0
    )


@pytest.fixture
def attacked(make_chief):
    """A chief with a trial that worker `a` runs; after the test all is as if nobody had called."""
    chief = make_chief()
    port, stop = serve(chief, ANY, "print", TOKEN)
    address = f"127.0.0.1:{port}"
    worker = client(address)
    trial = worker.next_trial()
    before = chief.search.oracle.get_state()
    yield chief, Peer(address), address
    assert chief.search.oracle.get_state() == before
    assert worker.report(trial.trial_id, 1, 0.5) is Decision.CONTINUE
    worker.end(trial.trial_id, TrialOutcome.COMPLETED, "")
    assert [chief.search.trial("0").score, *chief.workers] == [0.5, "a"]
    stop()


METHODS = {
    "CreateTrial": SERVICE.CreateTrialRequest(tuner_id="b"),
    "UpdateTrial": SERVICE.UpdateTrialRequest(trial_id="0", metrics={"val_loss": 0.1}, step=1),
    "EndTrial": SERVICE.EndTrialRequest(),
    "GetTrial": SERVICE.GetTrialRequest(trial_id="0"),
    "GetBestTrials": SERVICE.GetBestTrialsRequest(num_trials=1),
    "GetSpace": SERVICE.GetSpaceRequest(),
    "UpdateSpace": SERVICE.UpdateSpaceRequest(),
    "Nothing": SERVICE.GetSpaceRequest(),
}


def test_no_method_answers_without_the_token(attacked):
    _, peer, _ = attacked
    for name, request in METHODS.items():
        content = request.SerializeToString()
        for signer in (None, Signer(OTHER, "a", "print")):
            sent = signer.sign(PREFIX + name, content).items() if signer else ()
            assert peer.send(PREFIX + name, content, sent) == REFUSED, name
    # What the wire showed of a sweep before: its fingerprint and the name of a worker.
    shown = [("keras-recipes-sweep", "print"), ("keras-recipes-worker", "a")]
    assert peer.send(PREFIX + "GetTrial", b"", shown) == REFUSED
    assert peer.send("/other.Service/Method", b"") == REFUSED


def test_a_worker_with_another_token_learns_what_to_do(attacked):
    _, _, address = attacked
    with pytest.raises(RequestError, match="--token-file"):
        client(address, token=OTHER).next_trial()


def test_a_call_that_was_altered_or_is_sent_again_is_refused(attacked):
    _, peer, _ = attacked
    method, content = PREFIX + "GetTrial", SERVICE.GetTrialRequest(trial_id="0").SerializeToString()
    assert peer.signed(method, content) == grpc.StatusCode.OK
    sent = peer.signer.sign(method, content)
    assert peer.send(method, content.replace(b"0", b"1"), sent.items()) == REFUSED
    assert peer.send(PREFIX + "EndTrial", content, sent.items()) == REFUSED
    for name in sent:
        altered = {**sent, name: b"x" + sent[name]}
        missing = {key: value for key, value in sent.items() if key != name}
        assert peer.send(method, content, altered.items()) == REFUSED, name
        if sent[name]:
            assert peer.send(method, content, missing.items()) == REFUSED, name
    assert peer.send(method, content, sent.items()) == grpc.StatusCode.OK
    assert peer.send(method, content, sent.items()) == REFUSED


def test_a_call_to_an_earlier_chief_is_refused_by_the_next():
    """Its numbers start again with every chief; its session does not come back."""
    first, second = Gate(TOKEN), Gate(TOKEN)
    signer = Signer(TOKEN, "a", "print")

    def recorded(gate):
        with pytest.raises(Refused) as refused:
            sent = signer.sign("/m", b"x")
            gate.check("/m", b"x", tuple(sent.items()))
        assert signer.renew(sent, refused.value.renewal)
        return tuple(signer.sign("/m", b"x").items())

    old = recorded(first)
    assert first.check("/m", b"x", old).worker == "a"
    with pytest.raises(Refused, match="another session"):
        second.check("/m", b"x", old)
    new = recorded(second)
    # What the chief says of its session is for this one call alone.
    assert not signer.renew(dict(old), [*dict(new).items()])


def test_a_refusal_names_the_session_to_nobody_without_the_token():
    sent = Signer(OTHER, "a", "print").sign("/m", b"")
    with pytest.raises(Refused) as refused:
        Gate(TOKEN).check("/m", b"", tuple(sent.items()))
    assert refused.value.renewal == ()


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("UpdateTrial", {"trial_id": "../../x", "metrics": {"val_loss": 0.1}, "step": 1}),
        ("UpdateTrial", {"trial_id": "0", "metrics": {"val_loss": 0.1}, "step": -1}),
        ("UpdateTrial", {"trial_id": "0", "metrics": {"val_loss": 0.1}, "step": 0}),
        ("UpdateTrial", {"trial_id": "0", "metrics": {"val_loss": 0.1}, "step": 2**62}),
        ("UpdateTrial", {"trial_id": "0", "metrics": {"val_loss": float("nan")}, "step": 1}),
        ("UpdateTrial", {"trial_id": "0", "metrics": {"val_loss": float("inf")}, "step": 1}),
        ("UpdateTrial", {"trial_id": "0", "metrics": {"other": 0.1}, "step": 1}),
        ("UpdateTrial", {"trial_id": "0", "metrics": {}, "step": 1}),
        ("GetTrial", {"trial_id": ""}),
        ("GetTrial", {"trial_id": "0" * 5000}),
        ("EndTrial", {"trial": {"trial_id": "../../x", "status": 5}}),
        ("EndTrial", {"trial": {"trial_id": "0", "status": 1}}),
        ("EndTrial", {"trial": {"trial_id": "0", "status": 77}}),
        # Completed without a value, which no oracle can rank.
        ("EndTrial", {"trial": {"trial_id": "0", "status": 5}}),
    ],
)
def test_a_worker_that_says_what_cannot_be_is_refused(attacked, method, request_):
    _, peer, _ = attacked
    content = getattr(SERVICE, f"{method}Request")(**request_).SerializeToString()
    assert peer.signed(PREFIX + method, content) == BAD


def test_a_worker_without_a_name_is_refused(make_chief):
    for name in ("", "a\nb", "a" * 1000):
        with pytest.raises(BadCall, match="name of a worker"):
            make_chief().next_trial(name)


def test_signed_bytes_that_are_no_message_and_methods_that_are_none(attacked):
    _, peer, _ = attacked
    assert peer.signed(PREFIX + "UpdateTrial", b"\xff\xff\xff garbage") == BAD
    assert peer.signed(PREFIX + "GetBestTrials", b"") == grpc.StatusCode.UNIMPLEMENTED
    assert peer.signed("/other.Service/CreateTrial", b"") == grpc.StatusCode.UNIMPLEMENTED


def test_a_message_beyond_the_bound_is_not_read(attacked):
    _, peer, _ = attacked
    content = b"x" * (MOST_BYTES + 1)
    assert peer.send(PREFIX + "UpdateTrial", content) == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_garbage_at_the_port_hurts_nobody(attacked):
    _, _, address = attacked
    host, port = address.split(":")
    for content in (
        b"\0" * 1000,
        b"GET / HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff",
    ):
        with socket.create_connection((host, int(port)), timeout=10) as peer:
            peer.sendall(content)


def test_refused_calls_are_logged_and_do_not_fill_the_log(attacked, capsys):
    _, peer, _ = attacked
    for _ in range(9):
        peer.send(PREFIX + "CreateTrial", b"")
    messages = [line for line in capsys.readouterr().err.splitlines() if "refused" in line]
    assert len(messages) == 4
    assert "not signed" in messages[0]
    assert "127.0.0.1" in messages[0]


class Impostor(grpc.GenericRpcHandler):
    """A program that answers at the port of a chief that is gone, and has not the token."""

    def __init__(self, token=None, name="0"):
        self.gate = None if token is None else Gate(token)
        self.name = name

    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(
            lambda content, context: self.answer(details.method, content, context)
        )

    def answer(self, method, content, context):
        made = answer("CreateTrial", Trial(self.name, {}))
        if self.gate is None:
            context.set_trailing_metadata(((SIGNATURE, b"x" * 32),))
            return made
        try:
            call = self.gate.check(method, content, context.invocation_metadata())
        except Refused as error:
            context.set_trailing_metadata(tuple(error.renewal))
            context.abort(REFUSED, str(error))
        context.set_trailing_metadata(tuple(self.gate.sign(call, "OK", made)))
        return made


@pytest.mark.parametrize(
    ("handler", "error", "words"),
    [
        (Impostor(), ChiefGone, "not the chief of this sweep"),
        (Impostor(OTHER), RequestError, "does not take the token"),
        (Impostor(TOKEN, "../../x"), ChiefGone, "invalid name"),
    ],
)
def test_a_worker_believes_nobody_but_its_chief(handler, error, words):
    server = grpc.server(futures.ThreadPoolExecutor(1), handlers=[handler])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with pytest.raises(error, match=words):
            client(f"127.0.0.1:{port}").next_trial()
    finally:
        server.stop(0).wait(2.0)
