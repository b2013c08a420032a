"""How a worker speaks with the chief: in the same process, or over keras-tuner's protocol."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import grpc
from keras_tuner.engine.trial import Trial
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_client import OracleClient

from ...errors import RequestError
from .chief import Chief, NotYours
from .server import REASON, SWEEP, WORKER

# Seconds that one call may take, and that a worker waits for a chief that is gone.
CALL_SECONDS = 10.0
PATIENCE = 600.0
# Codes that a call meets while its chief is away; the same call is made again.
AWAY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class ChiefGone(Exception):
    """The chief did not answer for as long as the worker is willing to wait."""


class Client(Protocol):
    """What a worker asks a chief."""

    def create_trial(self) -> Trial: ...
    def update_trial(self, trial_id: str, value: dict[str, float], step: int) -> Trial: ...
    def end_trial(self, trial: Trial) -> None: ...
    def alive(self, trial_id: str) -> Trial: ...


class LocalClient:
    """A chief in the same process."""

    def __init__(self, chief: Chief, worker: str = "worker0"):
        self.chief = chief
        self.worker = worker

    def create_trial(self) -> Trial:
        return _answered(lambda: self.chief.create_trial(self.worker))

    def update_trial(self, trial_id: str, value: dict[str, float], step: int) -> Trial:
        chief, worker = self.chief, self.worker
        return _answered(lambda: chief.update_trial(trial_id, value, step, worker=worker))

    def end_trial(self, trial: Trial) -> None:
        _answered(lambda: self.chief.end_trial(trial, worker=self.worker))

    def alive(self, trial_id: str) -> Trial:
        return _answered(lambda: self.chief.get_trial(trial_id, worker=self.worker))


class Details(NamedTuple):
    """What gRPC knows of a call that is made."""

    method: str
    timeout: float | None
    metadata: list[tuple[str, Any]] | None
    credentials: Any
    wait_for_ready: bool | None
    compression: Any


class Patient(grpc.UnaryUnaryClientInterceptor):
    """Sends the worker's name along, bounds every call, and repeats it while the chief is away."""

    def __init__(self, metadata: list[tuple[str, Any]], patience: float):
        self.metadata = metadata
        self.patience = patience
        self.reason: str | None = None

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        sent = [*self.metadata]
        if self.reason:
            sent.append((REASON, self.reason.encode()))
        bounded = Details(details.method, CALL_SECONDS, sent, details.credentials, False, None)
        until = time.monotonic() + self.patience
        while True:
            call = continuation(bounded, request)
            code = call.code()
            if code not in AWAY:
                return call
            if time.monotonic() > until:
                raise ChiefGone(f"the chief has not answered for {self.patience:.0f} s")
            time.sleep(0.5)


class RemoteClient:
    """A chief at an address, spoken to by keras-tuner's own client.

    Args:
        address: `HOST:PORT` of the chief.
        worker: name of this worker, like no other's.
        fingerprint: of the sweep, to be the same at both ends.
        patience: seconds to wait for a chief that is gone.
    """

    def __init__(self, address: str, worker: str, *, fingerprint: str, patience: float = PATIENCE):
        self.worker = worker
        self._patient = Patient([(WORKER, worker), (SWEEP, fingerprint)], patience)
        # A chief that is restarted is met again soon, not after gRPC's growing pauses.
        options = [("grpc.max_reconnect_backoff_ms", 1000)]
        channel = grpc.insecure_channel(address, options)
        self._client = _KerasTunerClient(grpc.intercept_channel(channel, self._patient), worker)

    def create_trial(self) -> Trial:
        return _asked(lambda: self._client.create_trial(self.worker))

    def update_trial(self, trial_id: str, value: dict[str, float], step: int) -> Trial:
        return _asked(lambda: self._client.update_trial(trial_id, value, step))

    def end_trial(self, trial: Trial) -> None:
        # Only one trial of this worker ends at a time, and its signs of life need no reason.
        self._patient.reason = trial.message
        try:
            _asked(lambda: self._client.end_trial(trial))
        finally:
            self._patient.reason = None

    def alive(self, trial_id: str) -> Trial:
        return _asked(lambda: self._client.get_trial(trial_id))


class _KerasTunerClient(OracleClient):
    """keras-tuner's client with a channel of ours instead of one from the environment."""

    def __init__(self, channel: grpc.Channel, worker: str):
        self._oracle = None
        self.stub = protos.get_service_grpc().OracleStub(channel)
        self.tuner_id = worker
        self.multi_worker = False
        self.should_report = True


def _answered(call: Callable[[], Any]) -> Any:
    """The answer to a call in this process; an oracle that broke is as good as gone."""
    try:
        return call()
    except RuntimeError as error:
        raise ChiefGone(str(error)) from error


def _asked(call: Callable[[], Any]) -> Any:
    """The answer to a call; what the chief refuses has an error of its own."""
    try:
        return call()
    except grpc.RpcError as error:
        code, details = error.code(), error.details()  # type: ignore[attr-defined]
        if code == grpc.StatusCode.ABORTED:
            raise NotYours(details) from None
        if code == grpc.StatusCode.FAILED_PRECONDITION:
            raise RequestError(details) from None
        raise ChiefGone(f"the chief cannot go on: {details}") from None
