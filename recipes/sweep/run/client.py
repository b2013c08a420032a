"""A worker's connection to a chief in another process: signed calls and verified answers."""

import threading
import time
from typing import Any

import grpc

from ...errors import RequestError
from ..engine.messages import PREFIX, end_request, parsed_answer, request
from ..engine.trial import Decision, NoTrial, Trial, TrialOutcome
from ..stored import is_trial_id
from .chief import LeaseLost
from .server import MOST_BYTES
from .signing import Signer
from .worker import ChiefGone

# Seconds that one call may take, and until it is made again.
CALL_SECONDS = 10.0
PAUSE = 0.5
# Length of the reason for the end of a trial, which is sent as a header.
MOST_REASON = 1000
# Status codes while the chief does not answer; the same call is made again.
AWAY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
# Sessions in a row that are refused before the chief counts as unable to keep one.
MOST_SESSIONS = 5


class RemoteClient:
    """A chief at an address.

    Its answers count only with a proof that it holds the token of the sweep.

    Args:
        address: `HOST:PORT` of the chief.
        worker: name of this worker, unique.
        objective: name of the metric that decides.
        fingerprint: of the sweep, to be the same at both ends.
        token: of the sweep.
        patience: seconds to wait for a chief that is gone.
        authority: PEM certificates to trust, where the chief speaks TLS.
    """

    def __init__(
        self,
        address: str,
        worker: str,
        *,
        objective: str,
        fingerprint: str,
        token: bytes,
        patience: float,
        authority: bytes | None = None,
    ):
        self.address = address
        self.worker = worker
        self.objective = objective
        self.patience = patience
        self._signer = Signer(token, worker, fingerprint)
        # Numbers of calls have an order, and heartbeats come from another thread.
        self._one_at_a_time = threading.Lock()
        options = [
            # Connects to a restarted chief soon, and not after gRPC's growing pauses.
            ("grpc.max_reconnect_backoff_ms", 1000),
            ("grpc.max_receive_message_length", MOST_BYTES),
            # A proxy of the environment is not used.
            ("grpc.enable_http_proxy", 0),
        ]
        if authority is None:
            self._channel = grpc.insecure_channel(address, options)
        else:
            trusted = grpc.ssl_channel_credentials(authority)
            self._channel = grpc.secure_channel(address, trusted, options)

    def next_trial(self) -> Trial | NoTrial:
        trial = self._call("CreateTrial", request("CreateTrial", tuner_id=self.worker))
        if isinstance(trial, Trial) and not is_trial_id(trial.trial_id):
            raise ChiefGone(f"the chief sent an invalid name of a trial: {trial.trial_id!r:.100}")
        return trial

    def report(self, trial_id: str, epoch: int, value: float) -> Decision:
        metrics = {self.objective: value}
        content = request("UpdateTrial", trial_id=trial_id, metrics=metrics, step=epoch)
        return self._call("UpdateTrial", content)

    def end(self, trial_id: str, outcome: TrialOutcome, message: str) -> None:
        self._call("EndTrial", end_request(trial_id, outcome), message[:MOST_REASON])

    def heartbeat(self, trial_id: str) -> Trial:
        return self._call("GetTrial", request("GetTrial", trial_id=trial_id))

    def _call(self, method: str, content: bytes, reason: str = "") -> Any:
        """Make a call, and repeat it while the chief does not answer."""
        until = time.monotonic() + self.patience
        sessions = 0
        while True:
            with self._one_at_a_time:
                sent = self._signer.sign(PREFIX + method, content, reason)
                try:
                    return parsed_answer(method, self._sent(method, content, sent))
                except grpc.RpcError as error:
                    code, received = error.code(), error.trailing_metadata()  # type: ignore[attr-defined]
                    words = error.details() or ""  # type: ignore[attr-defined]
                    if code == grpc.StatusCode.UNAUTHENTICATED and sessions < MOST_SESSIONS:
                        sessions += 1
                        if self._signer.renew(sent, received):
                            continue
                    proven = self._signer.proven(sent, received, code.name, words.encode())
            if code not in AWAY:
                raise self._refusal(code, words, proven)
            if time.monotonic() > until:
                raise ChiefGone(f"the chief has not answered for {self.patience:.0f} s")
            time.sleep(PAUSE)

    def _sent(self, method: str, content: bytes, sent: dict[str, bytes]) -> bytes:
        """The bytes of the answer, whose signature is verified."""
        call = self._channel.unary_unary(PREFIX + method)
        received, made = call.with_call(
            content, timeout=CALL_SECONDS, metadata=tuple(sent.items()), wait_for_ready=False
        )
        if not self._signer.proven(sent, made.trailing_metadata(), "OK", received):
            raise ChiefGone(self._no_proof("its answer is not signed with the sweep's token"))
        return received

    def _refusal(self, code: grpc.StatusCode, words: str, proven: bool) -> Exception:
        """The error for a call that was refused, or answered by something else than the chief."""
        if code == grpc.StatusCode.UNAUTHENTICATED:
            return RequestError(
                f"{self.address}: does not take the token of this sweep: {words}. Give the worker "
                "the file `token` of the chief's directory with --token-file."
            )
        if not proven:
            return ChiefGone(self._no_proof(f"{code.name}: {words}"))
        if code == grpc.StatusCode.ABORTED:
            return LeaseLost(words)
        if code == grpc.StatusCode.FAILED_PRECONDITION:
            return RequestError(words)
        return ChiefGone(f"the chief cannot continue: {words}")

    def _no_proof(self, words: str) -> str:
        return f"{self.address}: what answers there is not the chief of this sweep ({words})"
