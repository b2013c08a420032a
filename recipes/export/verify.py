"""Is a file what was exported, and does it predict here what it predicted there?"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import SENSELESS, RequestError, legible
from .arrays import arrays
from .carriers import read_proof
from .kinds import LIGHT, Format
from .predictor import Predictor, computed_by, interface_of
from .proof import MODEL, Proof, ProofPart

# Largest difference from the predictions that the file carries, relative to the largest or to 1.
TOLERANCE = 1e-6
# Seconds that a file may take for its few rows.
PATIENCE = 300


@dataclass(frozen=True)
class Verdict:
    """The result of a verification.

    Attributes:
        path: of the file.
        format: of the file.
        recipe: name of the recipe or model.
        changed: parts that are not what was exported, by their digests.
        rows: of the vectors; 0 where they were not run.
        difference: the largest difference from the predictions that the file carries, relative to
            the largest or to 1; None where they were not run.
        from_keras: the largest difference from the predictions of Keras.
        problem: why the vectors were not run.
    """

    path: str
    format: Format
    recipe: str
    changed: tuple[str, ...]
    rows: int = 0
    difference: float | None = None
    from_keras: float | None = None
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing was changed and the predictions are the same."""
        return not self.changed and not self.problem and self.same

    @property
    def same(self) -> bool:
        """Whether the predictions are the same, where there are any."""
        return self.difference is None or self.difference <= TOLERANCE

    def lines(self) -> list[str]:
        """The verdict for people, a line each."""
        found = [f"{self.path}: changed since its export: {name}" for name in self.changed]
        if self.problem:
            found.append(f"{self.path}: {self.problem}")
        if self.difference is not None:
            verdict = "within" if self.same else "more than"
            found.append(
                f"{self.rows} rows predicted: {self.difference:.1e} from what the file carries, "
                f"{verdict} {TOLERANCE:.0e}; {self.from_keras:.1e} from Keras"
            )
        if self.ok:
            what = "weights" if self.format is Format.WEIGHTS else "predictions"
            found.append(f"{self.path}: ok: these {what}, the recipe `{self.recipe}`")
        return found

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            **vars(self),
            "format": str(self.format),
            "changed": list(self.changed),
            "ok": self.ok,
        }


def verify(path: str | os.PathLike[str]) -> Verdict:
    """Compare a file with its digests, and its predictions with those that it carries.

    The digests have no key: they find accidents and naive changes, not a forger who writes new
    ones. A model whose bytes were changed is not run. ONNX and LiteRT are run in a process of their
    own, which a hostile file may take down.

    Raises:
        RequestError: there is no such file, it is damaged, or carries no proof.
    """
    kind, carried, proof = read_proof(path)
    changed = tuple(proof.changed(carried.body))
    name = str(proof[ProofPart.RUN].get("name", ""))[:80]
    plain = Verdict(os.fspath(path), kind, name, changed)
    if kind is Format.WEIGHTS or MODEL in changed:
        return plain
    try:
        found = _apart(path) if kind in LIGHT else rerun(path)
    except RequestError as error:
        return Verdict(plain.path, kind, name, changed, problem=str(error))
    except (*SENSELESS, MemoryError) as error:
        problem = legible(f"its vectors cannot be run: {error}")
        return Verdict(plain.path, kind, name, changed, problem=problem)
    return Verdict(plain.path, kind, name, changed, *found)


def rerun(path: str | os.PathLike[str]) -> tuple[int, float, float]:
    """Rows of the vectors, and how far their predictions are from the file's and from Keras's."""
    kind, carried, proof = read_proof(path)
    where = os.fspath(path)
    interface = interface_of(kind, proof, where)
    predictor = Predictor(
        Path(path), proof, interface, computed_by(Path(path), carried.content, interface)
    )
    vectors = _vectors(proof, where)
    made = predictor.outputs(vectors["rows"])
    far = [_difference(made, vectors[name], where) for name in ("outputs", "keras")]
    return len(next(iter(made.values()))), far[0], far[1]


def _vectors(proof: Proof, where: str) -> dict[str, dict[str, np.ndarray]]:
    stored = proof[ProofPart.VECTORS]
    found = {name: arrays(stored.get(name), where) for name in ("rows", "outputs", "keras")}
    if not all(found.values()):
        raise RequestError(f"{where}: its proof has no vectors.")
    return found


def _difference(made: dict[str, np.ndarray], expected: dict[str, np.ndarray], where: str) -> float:
    if set(made) != set(expected):
        raise RequestError(f"{where}: its vectors are of other outputs than its own.")
    found = 0.0
    for name, array in expected.items():
        if array.dtype == object or array.shape != made[name].shape:
            raise RequestError(f"{where}: its vectors do not fit its output `{name:.40}`.")
        scale = max(1.0, float(np.abs(array.astype("float64")).max(initial=0.0)))
        apart = np.abs(array.astype("float64") - made[name].astype("float64")).max(initial=0.0)
        found = max(found, float(apart) / scale if np.isfinite(apart) else float("inf"))
    return found


def _apart(path: str | os.PathLike[str]) -> tuple[int, float, float]:
    """`rerun` in a process of its own."""
    code = f"from {__name__} import answer; answer()"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, os.fspath(path)],
            capture_output=True, text=True, timeout=PATIENCE, check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise RequestError(f"its rows took longer than {PATIENCE} s, and were given up.") from None
    try:
        found = json.loads(done.stdout.splitlines()[-1])
        if "error" in found:
            raise RequestError(found["error"])
        return int(found["rows"]), float(found["difference"]), float(found["from_keras"])
    except (IndexError, ValueError, KeyError, TypeError):
        raise RequestError(
            f"its runtime ended with status {done.returncode}; the file is damaged or hostile."
        ) from None


def answer() -> None:
    """Print what `rerun` finds for the file that the first argument names, as JSON."""
    try:
        rows, difference, from_keras = rerun(sys.argv[1])
        print(json.dumps({"rows": rows, "difference": difference, "from_keras": from_keras}))
    except RequestError as error:
        print(json.dumps({"error": legible(str(error))}))
    except (*SENSELESS, MemoryError) as error:
        print(json.dumps({"error": legible(f"its vectors cannot be run: {error}")}))
