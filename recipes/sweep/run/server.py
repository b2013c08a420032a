"""A chief at an address: signed calls with keras-tuner's messages, checked before they count."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc
import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus
from keras_tuner.src import protos

from ....messages import logger
from ...errors import RequestError, legible
from .address import Address
from .chief import BadCall, Chief, NotYours
from .signing import Call, Gate, Refused

THREADS = 8
# Of a message: a trial of 100,000 epochs, with their values, takes less than half of it.
MOST_BYTES = 4 * 1024 * 1024
# Of the words of an error, which travel as a header.
MOST_WORDS = 1000
# Generated at import, so that no reader of the source knows what is in it.
SERVICE: Any = protos.get_service()
# Methods are called as keras-tuner calls them: /PACKAGE.Oracle/METHOD.
PREFIX = f"/{SERVICE.DESCRIPTOR.services_by_name['Oracle'].full_name}/"
OTHER_SWEEP = (
    "this chief runs another sweep: the sweep's file, its recipe or the overrides given to the "
    "worker differ from the chief's"
)


class Failure(Exception):
    """A call that is answered with an error."""

    def __init__(self, code: grpc.StatusCode, words: str):
        super().__init__(legible(words)[:MOST_WORDS])
        self.code = code


class Service(grpc.GenericRpcHandler):
    """Answers every call that reaches the port, whatever its method is called.

    It takes the bytes of a message before anything has read them. So nothing is parsed that the
    gate has not let through, and no method can be forgotten.

    Args:
        chief: what carries the calls out.
        fingerprint: of the sweep; a worker of another one is told so.
        token: of the sweep.
    """

    def __init__(self, chief: Chief, fingerprint: str, token: bytes):
        self.chief = chief
        self.fingerprint = fingerprint
        self.gate = Gate(token)
        self.refusals = Refusals()
        self.methods: dict[str, tuple[Any, Callable[[Call, Any], Any]]] = {
            "CreateTrial": (SERVICE.CreateTrialRequest, self.create_trial),
            "UpdateTrial": (SERVICE.UpdateTrialRequest, self.update_trial),
            "EndTrial": (SERVICE.EndTrialRequest, self.end_trial),
            "GetTrial": (SERVICE.GetTrialRequest, self.get_trial),
        }

    def service(self, handler_call_details: Any) -> grpc.RpcMethodHandler:
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
        try:
            content = self.carried_out(call, method, message)
        except Failure as error:
            if error.code == grpc.StatusCode.INVALID_ARGUMENT:
                self.refusals.note(error.code.name, str(error), method, context.peer())
            proof = self.gate.sign(call, error.code.name, str(error).encode())
            context.set_trailing_metadata(tuple(proof))
            context.abort(error.code, str(error))
        context.set_trailing_metadata(tuple(self.gate.sign(call, "OK", content)))
        return content

    def carried_out(self, call: Call, method: str, message: bytes) -> bytes:
        """The answer's bytes; a `Failure` where there is none."""
        if call.sweep != self.fingerprint:
            raise Failure(grpc.StatusCode.FAILED_PRECONDITION, OTHER_SWEEP)
        known = self.methods.get(method.removeprefix(PREFIX))
        if known is None or not method.startswith(PREFIX):
            raise Failure(grpc.StatusCode.UNIMPLEMENTED, f"there is no method {method}")
        kind, carry_out = known
        try:
            return carry_out(call, _parsed(kind, message)).SerializeToString()
        except NotYours as error:
            raise Failure(grpc.StatusCode.ABORTED, str(error)) from None
        except BadCall as error:
            raise Failure(grpc.StatusCode.INVALID_ARGUMENT, str(error)) from None
        except RuntimeError as error:
            raise Failure(grpc.StatusCode.INTERNAL, str(error)) from error
        except Exception as error:
            logger.exception("a call of %s could not be answered", method)
            words = f"{type(error).__name__}: {error}"
            raise Failure(grpc.StatusCode.INTERNAL, words) from error

    # The methods.

    def create_trial(self, call: Call, request: Any) -> Any:
        trial = self.chief.create_trial(call.worker)
        return SERVICE.CreateTrialResponse(trial=trial.to_proto())

    def update_trial(self, call: Call, request: Any) -> Any:
        metrics = dict(request.metrics)
        trial = self.chief.update_trial(
            request.trial_id, metrics, step=request.step, worker=call.worker
        )
        return SERVICE.UpdateTrialResponse(trial=trial.to_proto())

    def end_trial(self, call: Call, request: Any) -> Any:
        # The chief has the setting and the values; of what is sent it takes how the trial ended.
        status = _status(request.trial.status)
        trial = Trial(keras_tuner.HyperParameters(), request.trial.trial_id, status)
        self.chief.end_trial(trial, worker=call.worker, message=call.reason or None)
        return SERVICE.EndTrialResponse()

    def get_trial(self, call: Call, request: Any) -> Any:
        trial = self.chief.get_trial(request.trial_id, worker=call.worker)
        return SERVICE.GetTrialResponse(trial=trial.to_proto())


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
            told = legible(f"refused a call of {method[:100]} from {peer}: {reason}")
            logger.warning("%s%s", told, f" ({count} so far)" if count > 1 else "")


def _parsed(kind: Any, message: bytes) -> Any:
    try:
        return kind.FromString(message)
    except Exception:
        # Protobuf's own error, and whatever else bytes that are no message may cause there.
        raise BadCall(f"{len(message)} bytes are no {kind.__name__}") from None


def _status(number: int) -> str:
    try:
        return str(TrialStatus.from_proto(number))
    except ValueError:
        raise BadCall(f"expected the status of a trial. Received {number}") from None


def serve(
    chief: Chief, address: Address, fingerprint: str, token: bytes
) -> tuple[int, Callable[[], None]]:
    """Answer the workers at an address; port 0 takes a free one.

    Returns:
        The port, and what stops the server.

    Raises:
        RequestError: the address is taken, or is none of this machine.
    """
    # Without the first option two chiefs could share one port and each get half of the calls.
    options = [("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", MOST_BYTES)]
    server = grpc.server(
        futures.ThreadPoolExecutor(THREADS),
        handlers=[Service(chief, fingerprint, token)],
        options=options,
    )
    try:
        port = server.add_insecure_port(str(address))
    except RuntimeError as error:
        raise RequestError(f"{address}: a chief cannot listen there: {error}") from None
    server.start()

    def stop() -> None:
        server.stop(grace=1.0).wait(2.0)

    return port, stop
