"""Rows that a user gives to evaluate a run on, which are no split of its recipe."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..build.images import undecodable
from ..data import Split
from ..data.fitted import Fitted
from ..data.heads import field_of
from ..data.naive import Forecasting
from ..data.reading import OnError, Reading, array_names
from ..data.rows import rows_of
from ..data.scale import Scaling
from ..record import directory as files
from ..record.contents import JSONObject
from ..record.directory import RunDirectory
from ..spec import Recipe
from ..spec.loader import read
from ..spec.targets import ClassName
from ..spec.tasks import Task as TaskName
from .forecast import given_windows
from .predictions import log_rows


@dataclass(frozen=True)
class GivenRows:
    """Rows that are not a split of the recipe, in the form of `Data`.

    Attributes:
        target_scaling: the scaling of the training targets, with which the loss is computed.
        forecasting: for windows, what their forecasts are measured by.
        focal_alpha: weights of the classes in a focal loss, from the training targets.
    """

    task: TaskName
    classes: tuple[ClassName, ...]
    num_outputs: int
    rows: Split
    features: tuple[Fitted, ...] = ()
    target: tuple[str, ...] = ()
    target_scaling: Scaling | None = None
    forecasting: Forecasting | None = None
    focal_alpha: float | tuple[float, ...] | None = None
    validation: None = None
    test: None = None
    heads: Mapping[str, JSONObject] = field(default_factory=dict)

    def of(self, name: str) -> "GivenRows":
        """The same rows with the targets of one of several outputs."""
        head = self.heads[name]
        y = field_of(self.rows.y, name)
        return replace(
            self,
            task=head["task"],
            classes=tuple(head["classes"]),
            num_outputs=1 if y.ndim == 1 else y.shape[1],
            rows=Split(self.rows.x, y),
            target_scaling=_scaling(head),
            focal_alpha=alpha_of(head),
            heads={},
        )

    @property
    def train(self) -> Split:
        """The rows, as the split that the task is inferred from."""
        return self.rows


def given_rows(run: RunDirectory, recipe: Recipe, given: object, on_error: OnError) -> GivenRows:
    """Rows with targets, in the form that the model of a run takes."""
    described = run.read_json(files.DATA)
    with_target = recipe.data.targets == "dataset"
    arrays = array_names(read(run.verified(files.RECIPE)))
    reading = Reading(described, with_target, on_error, arrays, undecodable)
    parsed = rows_of(given, reading)
    log_rows(parsed.notes, parsed.errors)
    rows, forecasting = parsed.x, None
    y = parsed.y
    if described.get("window") is not None:
        split, forecasting = given_windows(parsed.x, reading)
        rows, y = split.x, split.y
    if y is None:  # an autoencoder: the scaled rows themselves
        y = Scaling.from_json(described["scaling"]).apply(parsed.x).reshape(len(parsed.x), -1)
    outputs = 1 if y.ndim == 1 else y.shape[1]
    classes = tuple(described["classes"])
    return GivenRows(
        described["task"],
        classes,
        outputs,
        Split(rows, y),
        reading.features,
        tuple(described.get("target") or ()),
        _scaling(described),
        forecasting,
        alpha_of(described),
        heads=described.get("heads", {}),
    )


def _scaling(described: JSONObject) -> Scaling | None:
    """How the targets of a run were scaled, by its `data.json`."""
    learned = described.get("target_scaling")
    return None if learned is None else Scaling.from_json(learned)


def alpha_of(described: JSONObject) -> float | tuple[float, ...] | None:
    """Weights of the classes in the focal loss of a run, by its `data.json`."""
    alpha = described.get("focal_alpha")
    return tuple(alpha) if isinstance(alpha, list) else alpha
