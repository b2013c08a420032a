"""Requests and answers between a worker and its chief, as keras-tuner's protocol has them."""

from collections.abc import Mapping
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as kt
from keras_tuner.src import protos

from .search import STATUS
from .trial import Decision, NoTrial, Trial, TrialOutcome

# Generated when it is imported, which hides its names from type checkers.
SERVICE: Any = protos.get_service()
# Methods have keras-tuner's names: /PACKAGE.Oracle/METHOD.
PREFIX = f"/{SERVICE.DESCRIPTOR.services_by_name['Oracle'].full_name}/"
METHODS = ("CreateTrial", "UpdateTrial", "EndTrial", "GetTrial")
NO_TRIAL = {NoTrial.WAIT: kt.TrialStatus.IDLE, NoTrial.DONE: kt.TrialStatus.STOPPED}
DECISION = {
    Decision.CONTINUE: kt.TrialStatus.RUNNING,
    Decision.STOP: kt.TrialStatus.STOPPED,
    Decision.PAUSE: kt.TrialStatus.IDLE,
}
# keras-tuner has no status for a trial that the search stops; in an `EndTrial` this one means it.
ENDS = {**STATUS, TrialOutcome.STOPPED: kt.TrialStatus.STOPPED}


def request(method: str, **fields: object) -> bytes:
    """The bytes of a request."""
    return getattr(SERVICE, f"{method}Request")(**fields).SerializeToString()


def end_request(trial_id: str, outcome: TrialOutcome) -> bytes:
    """The request that ends a trial; the chief knows everything else of it."""
    return request("EndTrial", trial=_proto(trial_id, ENDS[outcome]))


def parsed_request(method: str, content: bytes) -> Any:
    """The request in some bytes.

    Raises:
        ValueError: they are not one.
    """
    kind = getattr(SERVICE, f"{method}Request")
    try:
        return kind.FromString(content)
    except Exception:
        # Protobuf's DecodeError, and whatever else malformed bytes may cause there.
        raise ValueError(f"{len(content)} bytes are not a {kind.__name__}") from None


def outcome_in(request: Any) -> TrialOutcome:
    """The outcome in an `EndTrial` request.

    Raises:
        ValueError: it has no such status.
    """
    number = request.trial.status
    for outcome, status in ENDS.items():
        if kt.TrialStatus.to_proto(status) == number:
            return outcome
    raise ValueError(f"expected the status of a trial that has ended. Received {number}")


def answer(method: str, content: Trial | NoTrial | Decision | None = None) -> bytes:
    """The bytes of an answer."""
    kind = getattr(SERVICE, f"{method}Response")
    if content is None:
        return kind().SerializeToString()
    if isinstance(content, Trial):
        status = kt.TrialStatus.RUNNING
        proto = _proto(content.trial_id, status, content.settings, content.reported)
    elif isinstance(content, Decision):
        proto = _proto("", DECISION[content])
    else:
        proto = _proto("", NO_TRIAL[content])
    return kind(trial=proto).SerializeToString()


def parsed_answer(method: str, content: bytes) -> Trial | NoTrial | Decision | None:
    """What was answered; values of epochs are rounded to single precision by the protocol."""
    found = getattr(SERVICE, f"{method}Response").FromString(content)
    if method == "EndTrial":
        return None
    status = kt.TrialStatus.from_proto(found.trial.status)
    if method == "UpdateTrial":
        return next(key for key, value in DECISION.items() if value == status)
    if status != kt.TrialStatus.RUNNING:
        return next(key for key, value in NO_TRIAL.items() if value == status)
    trial = kt.Trial.from_proto(found.trial)
    history = trial.metrics.get_history("value") if trial.metrics.exists("value") else []
    reported = {int(row.step): float(row.value[0]) for row in history}
    return Trial(trial.trial_id, dict(trial.hyperparameters.values), reported=reported)


def _proto(
    trial_id: str,
    status: str,
    settings: Mapping[str, object] | None = None,
    reported: Mapping[int, float] | None = None,
) -> Any:
    values = keras_tuner.HyperParameters()
    values.values = dict(settings or {})
    trial = kt.Trial(values, trial_id, status)
    if reported:
        trial.metrics.register("value", direction="min")
        for epoch, value in reported.items():
            trial.metrics.update("value", value, step=epoch)
    return trial.to_proto()
