"""What a choice of a recipe becomes, and the names that it may have."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from . import catalog, keras_version
from .fields import failure
from .wording import did_you_mean, listed, shown

# Names of Keras and KerasHub that a recipe cannot have, and why.
RUNS_CODE = "runs code that is not in the recipe"
# In a list of layers it would discard the output of the layer before.
POSITIONS_ALONE = (
    "gives the positions in place of its input. Write `positional_embedding{}`, which adds them"
)
REFUSED = {
    "lambda": RUNS_CODE,
    "lambda_callback": RUNS_CODE,
    "learning_rate_scheduler": "takes a Python function; name a schedule in `learning_rate`",
    "remote_monitor": "sends data to another machine",
    "tfsm_layer": RUNS_CODE,
    "jax_layer": RUNS_CODE,
    "flax_layer": RUNS_CODE,
    "torch_module_wrapper": RUNS_CODE,
    "backup_and_restore": "does not restore a run exactly",
    "swap_ema_weights": "needs the optimizer's moving average. Write `weight_averaging: {decay: "
    "0.999}`, which is evaluated and saved by itself",
    "position_embedding": POSITIONS_ALONE.format(""),
    "sine_position_encoding": POSITIONS_ALONE.format(": {kind: sinusoidal}"),
    "input_layer": "is not needed: the input's shape follows from the data",
}
# Other names that are in use for a class.
ALIASES = {
    "initializers": {
        "xavier_uniform": "glorot_uniform",
        "xavier_normal": "glorot_normal",
        "normal": "random_normal",
        "uniform": "random_uniform",
    },
    "layers": {"mixup": "mix_up", "cutmix": "cut_mix"},
    "losses": {"mse": "mean_squared_error", "mae": "mean_absolute_error"},
    "metrics": {
        "mse": "mean_squared_error",
        "mae": "mean_absolute_error",
        "rmse": "root_mean_squared_error",
    },
}
ALIASES["losses"]["rmse"] = "root_mean_squared_error"

# Constructor arguments by name, as a recipe gives them: nested choices and durations among them.
Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Choice:
    """A name from one of the tables with the arguments that a recipe gives it.

    Attributes:
        kind: the table, such as `layers`.
        name: the name in it.
        arguments: constructor arguments; nested choices and durations among them.
    """

    kind: str
    name: str
    arguments: Arguments = field(default_factory=dict[str, Any])

    def with_arguments(self, **arguments: object) -> "Choice":
        """The same choice with more arguments."""
        return replace(self, arguments={**self.arguments, **arguments})


@dataclass(frozen=True)
class Residual:
    """Layers whose output is added to their input.

    Attributes:
        layers: the layers inside.
        shortcut: `identity`, or `projection` where the shapes differ.
        inner: keys between the block and its list of layers, as the recipe wrote them.
    """

    layers: tuple["Choice | Residual", ...]
    shortcut: Literal["identity", "projection"] = "identity"
    inner: tuple[str, ...] = ("residual",)


Layers = Sequence[Choice | Residual]


def known_name(kind: str, written: object) -> str:
    """The name in the table that a recipe's word stands for."""
    if not isinstance(written, str):
        raise failure("name", "expected a name.", received=written)
    name = ALIASES.get(kind, {}).get(written, written)
    if name in catalog.tables()[kind]:
        missing = keras_version.missing_name(kind, name)
        if missing:
            raise failure("keras_version", missing)
        return name
    if name in REFUSED:
        raise failure("refused", f"`{name}` is refused: it {REFUSED[name]}.")
    if "." in name or ":" in name:
        raise failure(
            "refused",
            f"`{shown(name)[1:-1]}` is an import path, which a recipe cannot name. Use a name of "
            "the tables, or bring your own class in with `--plugin`.",
        )
    known = [*catalog.names(kind), *ALIASES.get(kind, {})]
    hint = did_you_mean(name, known)
    if not hint:
        hint = f"There are {listed(known)}." if len(known) <= 24 else "docs/recipe.md lists them."
    wrong = f"there is no `{shown(name)[1:-1]}` among the {words(kind)}."
    raise failure("name", wrong, hint=hint)


def signature(kind: str, name: str) -> str:
    """An entry as a recipe would write it."""
    arguments: Iterable[str] = catalog.entry(kind, name).arguments
    return f"`{name}: {{{', '.join(f'{key}: ...' for key in list(arguments)[:3])}}}`"


def words(kind: str) -> str:
    """A kind as people call it."""
    return kind.replace("_", " ")
