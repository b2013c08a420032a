"""keras-tuner's protocol, spoken by a chief: the same calls, and who makes them."""

from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
from keras_tuner.engine.trial import Trial
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer

from ...errors import RequestError
from .chief import Chief, NotYours

# Names of what goes along with a call; keras-tuner's messages have no place for it.
WORKER, SWEEP, REASON = "keras-recipes-worker", "keras-recipes-sweep", "keras-recipes-reason-bin"
THREADS = 8
# Generated at import, so that no reader of the source knows what is in it.
SERVICE: Any = protos.get_service()


class Servicer(OracleServicer):
    """keras-tuner's servicer for a chief that knows its workers by name."""

    def __init__(self, chief: Chief, fingerprint: str):
        super().__init__(chief)
        self.fingerprint = fingerprint

    def GetSpace(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._check(context)
        return super().GetSpace(request, context)

    def CreateTrial(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._check(context)
        return super().CreateTrial(request, context)

    def UpdateTrial(self, request: Any, context: grpc.ServicerContext) -> Any:
        worker = self._check(context)
        with _told(context):
            trial = self.oracle.update_trial(
                request.trial_id, dict(request.metrics), step=request.step, worker=worker
            )
        return SERVICE.UpdateTrialResponse(trial=trial.to_proto())

    def EndTrial(self, request: Any, context: grpc.ServicerContext) -> Any:
        worker = self._check(context)
        reason = _metadata(context).get(REASON, b"").decode(errors="replace")
        with _told(context):
            self.oracle.end_trial(
                Trial.from_proto(request.trial), worker=worker, message=reason or None
            )
        return SERVICE.EndTrialResponse()

    def GetTrial(self, request: Any, context: grpc.ServicerContext) -> Any:
        worker = self._check(context)
        with _told(context):
            trial = self.oracle.get_trial(request.trial_id, worker=worker)
        return SERVICE.GetTrialResponse(trial=trial.to_proto())

    def _check(self, context: grpc.ServicerContext) -> str:
        """The name of the worker that calls; a worker of another sweep is refused."""
        sent = _metadata(context)
        if sent.get(SWEEP) != self.fingerprint:
            context.abort(
                grpc.StatusCode.FAILED_PRECONDITION,
                "this chief runs another sweep: the sweep's file, its recipe or the overrides "
                "given to the worker differ from the chief's",
            )
        return sent.get(WORKER, "")


def _metadata(context: grpc.ServicerContext) -> dict[str, Any]:
    return dict(context.invocation_metadata())


@contextmanager
def _told(context: grpc.ServicerContext) -> Iterator[None]:
    try:
        yield
    except NotYours as error:
        context.abort(grpc.StatusCode.ABORTED, str(error))
    except KeyError as error:
        context.abort(grpc.StatusCode.NOT_FOUND, f"no trial {error}")


def serve(chief: Chief, address: str, fingerprint: str) -> tuple[int, Callable[[], None]]:
    """Answer the workers at `HOST:PORT`; port 0 takes a free one.

    Returns:
        The port, and what stops the server.

    Raises:
        RequestError: the address is taken, or is none of this machine.
    """
    # Without the option two chiefs could share one port and each get half of the calls.
    pool = futures.ThreadPoolExecutor(THREADS)
    server = grpc.server(pool, options=[("grpc.so_reuseport", 0)])
    protos.get_service_grpc().add_OracleServicer_to_server(Servicer(chief, fingerprint), server)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise RequestError(f"{address}: a chief cannot listen there: {error}") from None
    server.start()

    def stop() -> None:
        server.stop(grace=1.0).wait(2.0)

    return port, stop
