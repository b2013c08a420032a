"""Signed calls between a worker and its chief: the token of a sweep signs them, and is never sent.

A call carries an HMAC-SHA256, keyed with the token, of everything in it: the method, the message,
who calls, the session of the chief and a number that only grows. So a call that was altered, is
sent a second time, or was recorded from an earlier chief is refused. The answer is signed together
with the number of the call, so that only the chief of this sweep can give one.

Nothing is encrypted: whoever sees the network can read the calls.
"""

import hashlib
import hmac
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Metadata of a call. gRPC carries bytes under names that end in `-bin`.
WORKER, SWEEP, REASON, SESSION, CALLER, NUMBER, SIGNATURE = (
    f"keras-recipes-{name}-bin"
    for name in ("worker", "sweep", "reason", "session", "caller", "number", "signature")
)
# What a call is signed with beside its method and its message, in this order.
SIGNED = (SESSION, CALLER, NUMBER, WORKER, SWEEP, REASON)
# Bytes of a session or of the name of a caller, both random, and of a number.
RANDOM_BYTES = 16
NUMBER_BYTES = 8

# Pairs of a name and a value; to a type checker gRPC's type of them is not a tuple.
Metadata = Sequence[Any]


def signature(token: bytes, *parts: bytes) -> bytes:
    """HMAC-SHA256 of a list of byte strings; its length stands before each.

    >>> signature(b"k", b"ab", b"c") == signature(b"k", b"a", b"bc")
    False
    """
    signed = hmac.new(token, digestmod=hashlib.sha256)
    for part in parts:
        signed.update(len(part).to_bytes(8, "big") + part)
    return signed.digest()


class Refused(Exception):
    """A call that is not answered.

    Attributes:
        renewal: metadata with the session of this chief, where the signature is valid but names
            another session; empty otherwise.
    """

    def __init__(self, reason: str, renewal: Metadata = ()):
        super().__init__(reason)
        self.renewal = renewal


@dataclass(frozen=True)
class Call:
    """A call with a valid signature.

    Attributes:
        worker: name of the worker that calls.
        sweep: fingerprint of its sweep.
        reason: why the trial ended, where it did.
        number: caller, session and number of the call, which the answer is signed with.
    """

    worker: str
    sweep: str
    reason: str
    number: tuple[bytes, bytes, bytes]


class Gate:
    """The chief's side: accepts the calls that this sweep's workers have just made.

    Args:
        token: of the sweep.
    """

    def __init__(self, token: bytes):
        self._token = token
        self._session = secrets.token_bytes(RANDOM_BYTES)
        self._last: dict[bytes, int] = {}
        self._lock = threading.Lock()

    def check(self, method: str, message: bytes, metadata: Metadata) -> Call:
        """The call, if it is signed, of this session, and made for the first time.

        Raises:
            Refused: it is not.
        """
        sent = {name: value for name, value in metadata if isinstance(value, bytes)}
        given = sent.get(SIGNATURE)
        if given is None:
            raise Refused("it is not signed")
        if not hmac.compare_digest(given, signed_call(self._token, method, message, sent)):
            raise Refused("its signature is wrong: another token, or it was altered")
        number = tuple(sent.get(name, b"") for name in (CALLER, SESSION, NUMBER))
        caller, session, count = number
        if session != self._session:
            proof = signature(self._token, b"session", *number, self._session)
            raise Refused(
                "it was signed for another session",
                [(SESSION, self._session), (SIGNATURE, proof)],
            )
        self._count(caller, int.from_bytes(count, "big"))
        worker, sweep, reason = (
            sent.get(name, b"").decode(errors="replace") for name in (WORKER, SWEEP, REASON)
        )
        return Call(worker, sweep, reason, (caller, session, count))

    def sign(self, call: Call, code: str, content: bytes) -> Metadata:
        """Metadata that prove an answer, or an error, to the caller."""
        return [(SIGNATURE, signed_answer(self._token, call.number, code, content))]

    def _count(self, caller: bytes, number: int) -> None:
        with self._lock:
            if number <= self._last.get(caller, -1):
                raise Refused("it was made before")
            self._last[caller] = number


class Signer:
    """The worker's side: signs calls, and checks answers.

    It must be used for one call at a time: a chief refuses numbers that come in another order.

    Args:
        token: of the sweep.
        worker: name of the worker.
        sweep: fingerprint of its sweep.
    """

    def __init__(self, token: bytes, worker: str, sweep: str):
        self._token = token
        self._who = {WORKER: worker.encode(), SWEEP: sweep.encode()}
        self._caller = secrets.token_bytes(RANDOM_BYTES)
        self._session = b""
        self._number = 0

    def sign(self, method: str, message: bytes, reason: str = "") -> dict[str, bytes]:
        """The metadata of the next call."""
        self._number += 1
        sent = {
            **self._who,
            REASON: reason.encode(),
            SESSION: self._session,
            CALLER: self._caller,
            NUMBER: self._number.to_bytes(NUMBER_BYTES, "big"),
        }
        sent[SIGNATURE] = signed_call(self._token, method, message, sent)
        return sent

    def renew(self, sent: Mapping[str, bytes], received: Metadata | None) -> bool:
        """Adopt the session that a refusal names; False where the chief has not signed it."""
        answer = dict(received or ())
        session, given = answer.get(SESSION, b""), answer.get(SIGNATURE, b"")
        proof = signature(self._token, b"session", *_number(sent), session)
        if not hmac.compare_digest(given, proof):
            return False
        self._session = session
        return True

    def proven(
        self, sent: Mapping[str, bytes], received: Metadata | None, code: str, content: bytes
    ) -> bool:
        """Whether an answer, or an error, is signed by the chief for this call."""
        given = dict(received or ()).get(SIGNATURE, b"")
        return hmac.compare_digest(given, signed_answer(self._token, _number(sent), code, content))


def signed_call(token: bytes, method: str, message: bytes, sent: Mapping[str, bytes]) -> bytes:
    """The signature of a call; what is missing counts as empty."""
    return signature(
        token, b"call", method.encode(), message, *(sent.get(name, b"") for name in SIGNED)
    )


def signed_answer(
    token: bytes, number: tuple[bytes, bytes, bytes], code: str, content: bytes
) -> bytes:
    """The signature of an answer, or of the words of an error."""
    return signature(token, b"answer", *number, code.encode(), content)


def _number(sent: Mapping[str, bytes]) -> tuple[bytes, bytes, bytes]:
    return (sent[CALLER], sent[SESSION], sent[NUMBER])
