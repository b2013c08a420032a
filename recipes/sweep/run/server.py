"""A chief at an address: signed calls, checked before they change anything."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc

from ....messages import logger
from ...errors import RequestError, legible
from ..engine.messages import METHODS, PREFIX, answer, outcome_in, parsed_request
from ..engine.trial import Decision, NoTrial, Trial
from .access import Address
from .chief import BadCall, Chief, LeaseLost
from .signing import Call, Gate, Refused
from .tls import Identity

THREADS = 8
# Most bytes of a message: a trial of 100,000 epochs with values takes less than half of them.
MOST_BYTES = 4 * 1024 * 1024
# Length of an error's message, which is sent as a header.
MOST_WORDS = 1000
OTHER_SWEEP = (
    "this chief runs another sweep: the sweep's file, its recipe or the overrides given to the "
    "worker differ from the chief's"
)


class Service(grpc.GenericRpcHandler):
    """Answers every call that reaches the port, whatever its method is called.

    It receives the bytes of a message before anything parses them, so that the signature of every
    call is checked first, whatever its method.

    Args:
        chief: carries out the calls.
        fingerprint: of the sweep; a worker of another one is refused.
        token: of the sweep.
    """

    def __init__(self, chief: Chief, fingerprint: str, token: bytes):
        self.chief = chief
        self.fingerprint = fingerprint
        self.gate = Gate(token)
        self.refusals = Refusals()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        method = handler_call_details.method
        return grpc.unary_unary_rpc_method_handler(
            lambda message, context: self.answer(method, message, context)
        )

    def answer(self, method: str, message: bytes, context: grpc.ServicerContext) -> bytes:
        """Check a call, carry it out, and sign the answer."""
        try:
            call = self.gate.check(method, message, context.invocation_metadata())
        except Refused as error:
            if not error.renewal:
                self.refusals.note("UNAUTHENTICATED", str(error), method, context.peer())
            context.set_trailing_metadata(tuple(error.renewal))
            context.abort(grpc.StatusCode.UNAUTHENTICATED, str(error))
        code, content = self.carried_out(call, method, message)
        if code is grpc.StatusCode.INVALID_ARGUMENT:
            self.refusals.note(code.name, content.decode(), method, context.peer())
        context.set_trailing_metadata(tuple(self.gate.sign(call, code.name, content)))
        if code is not grpc.StatusCode.OK:
            context.abort(code, content.decode())
        return content

    def carried_out(self, call: Call, method: str, message: bytes) -> tuple[grpc.StatusCode, bytes]:
        """The bytes of the answer; with another status code than OK, the reason for the error."""
        if call.sweep != self.fingerprint:
            return grpc.StatusCode.FAILED_PRECONDITION, OTHER_SWEEP.encode()
        name = method.removeprefix(PREFIX)
        if name not in METHODS or not method.startswith(PREFIX):
            return grpc.StatusCode.UNIMPLEMENTED, _words(f"there is no method {method}")
        try:
            answered = self.call_chief(name, call, parsed_request(name, message))
            return grpc.StatusCode.OK, answer(name, answered)
        except LeaseLost as error:
            return grpc.StatusCode.ABORTED, _words(error)
        except ValueError as error:
            return grpc.StatusCode.INVALID_ARGUMENT, _words(error)
        except RuntimeError as error:
            return grpc.StatusCode.INTERNAL, _words(error)
        except Exception as error:
            logger.exception("a call of %s could not be answered", method)
            return grpc.StatusCode.INTERNAL, _words(f"{type(error).__name__}: {error}")

    def call_chief(self, name: str, call: Call, request: Any) -> Trial | NoTrial | Decision | None:
        """What the chief answers to a request."""
        chief, worker = self.chief, call.worker
        if name == "CreateTrial":
            return chief.next_trial(worker)
        if name == "GetTrial":
            return chief.heartbeat(request.trial_id, worker=worker)
        if name == "EndTrial":
            # The chief has setting and values; of what is sent only the outcome counts.
            outcome = outcome_in(request)
            return chief.end(request.trial.trial_id, outcome, call.reason, worker=worker)
        objective, metrics = chief.search.objective, dict(request.metrics)
        if set(metrics) != {objective}:
            raise BadCall(f"expected a value of {objective}. Received {str(metrics)[:200]}")
        return chief.report(request.trial_id, request.step, metrics[objective], worker=worker)


def _words(error: str | Exception) -> bytes:
    return legible(str(error))[:MOST_WORDS].encode()


class Refusals:
    """Calls that were refused, in the log: the 1st of a kind, the 2nd, the 4th, the 8th, ..."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def note(self, kind: str, reason: str, method: str, peer: str) -> None:
        """Count a refusal."""
        with self._lock:
            self.counts[kind] += 1
            count = self.counts[kind]
        if count & (count - 1) == 0:
            content = legible(f"refused a call of {method[:100]} from {peer}: {reason}")
            logger.warning("%s%s", content, f" ({count} so far)" if count > 1 else "")


def serve(
    chief: Chief,
    address: Address,
    fingerprint: str,
    token: bytes,
    identity: Identity | None = None,
) -> tuple[int, Callable[[], None]]:
    """Answer the workers at an address; port 0 takes a free one. With an identity by TLS alone.

    Returns:
        The port, and what stops the server.

    Raises:
        RequestError: the address is in use, or does not belong to this machine.
    """
    # Without the first option two chiefs could share one port and each get half of the calls.
    options = [("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", MOST_BYTES)]
    server = grpc.server(
        futures.ThreadPoolExecutor(THREADS),
        handlers=[Service(chief, fingerprint, token)],
        options=options,
    )
    try:
        if identity is None:
            port = server.add_insecure_port(str(address))
        else:
            pair = (identity.private_key, identity.certificate)
            port = server.add_secure_port(str(address), grpc.ssl_server_credentials([pair]))
    except RuntimeError as error:
        raise RequestError(f"{address}: a chief cannot listen there: {error}") from None
    server.start()

    def stop() -> None:
        server.stop(grace=1.0).wait(2.0)

    return port, stop
