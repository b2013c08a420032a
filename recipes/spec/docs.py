"""Writes the tables of `docs/recipe.md` from the models that check recipes.

python -m keras_recipes.recipes.spec.docs docs/recipe.md
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel

from . import catalog, keras_version
from .augmentations import AUGMENTATIONS
from .choices import ALIASES, Choice
from .dump import to_plain
from .lora import LoraSection
from .network import NOT_IN_A_LIST
from .parts import OutputSection, PartSection
from .phases import PhaseSection
from .pretraining import DbnSection
from .schema import Recipe
from .sections import DataSection, ModelSection
from .windows import WindowSection
from .wording import shown

BLOCK = re.compile(r"(<!-- table: (?P<name>[a-z_]+) -->\n).*?(<!-- end -->)", re.DOTALL)
MODELS = {
    "recipe": Recipe,
    "data": DataSection,
    "window": WindowSection,
    "model": ModelSection,
    "part": PartSection,
    "output": OutputSection,
    "lora": LoraSection,
    "phases": PhaseSection,
    "dbn": DbnSection,
}
# Kinds whose arguments are ours to document; Keras documents its own.
OWN_KINDS = (
    "schedules", "sources", "features", "gradient_transforms", "visible_units",
    "hidden_units", "estimators",
    *catalog.sections(),
)  # fmt: skip


def render(text: str) -> str:
    """The document with every table generated again."""

    def table(found: re.Match[str]) -> str:
        return f"{found[1]}\n{_table(found['name'])}\n{found[3]}"

    return BLOCK.sub(table, text)


def _table(name: str) -> str:
    makers: dict[str, Callable[[], str]] = {
        **{key: lambda model=model: _section(model) for key, model in MODELS.items()},
        **{kind: lambda kind=kind: _own(kind) for kind in OWN_KINDS},
        "own_callbacks": lambda: _own("callbacks"),
        "own_losses": lambda: _own("losses"),
        "names": _names,
    }
    return makers[name]()


def _section(model: type[BaseModel]) -> str:
    """Key, meaning and default of each key of a section."""
    rows = ["| key | default | what it is |", "|---|---|---|"]
    for key, field in model.model_fields.items():
        default = "required" if field.is_required() else f"`{shown(_default(field.default))}`"
        if key == "name":
            default = "the file's name"
        rows.append(f"| `{key}` | {default} | {field.description or _below(key)} |")
    return "\n".join(rows) + "\n"


def _default(value: object) -> object:
    return value.name if isinstance(value, Choice) else to_plain(value)


def _below(key: str) -> str:
    return f"a section, described [below](#{key})"


def _own(kind: str) -> str:
    """Each class of ours with its arguments and their defaults."""
    rows = ["| name | arguments | class |", "|---|---|---|"]
    for name in catalog.names(kind):
        entry = catalog.entry(kind, name)
        if not entry.class_path.startswith("keras_recipes."):
            continue
        arguments = ", ".join(
            f"`{key}`" if argument.required else f"`{key}={shown(argument.default)}`"
            for key, argument in entry.arguments.items()
        )
        label = "the keys of the section" if name == kind else f"`{name}`"
        rows.append(f"| {label} | {arguments or 'none'} | {_public(entry.class_path)} |")
    return "\n".join(rows) + "\n"


def _public(path: str) -> str:
    parts = path.split(".")
    return "" if "build" in parts else f"`{parts[0]}.{parts[1]}.{parts[-1]}`"


def _listed(layer: str) -> bool:
    return layer not in NOT_IN_A_LIST


def _names() -> str:
    """Every name that a recipe can use, by kind."""
    lines: list[str] = []
    for kind in sorted(catalog.tables()):
        if kind in catalog.sections():
            continue
        known = [name for name in catalog.names(kind) if kind != "layers" or _listed(name)]
        names = ", ".join(f"`{name}`{_since(kind, name)}" for name in known)
        lines.append(f"**{kind}**: {names}.")
        if kind == "layers":
            augmentations = ", ".join(f"`{name}`" for name in sorted(AUGMENTATIONS))
            lines.append(f"**augmentations**: {augmentations}.")
        aliases = ", ".join(f"`{new}` for `{old}`" for new, old in ALIASES.get(kind, {}).items())
        if aliases:
            lines[-1] += f" Also {aliases}."
    return "\n\n".join(lines) + "\n"


def _since(kind: str, name: str) -> str:
    """The versions of Keras that have a name, where not all have it, or that it is of KerasHub."""
    entry = catalog.entry(kind, name)
    if entry.of_hub:
        return " (extra `hub`)"
    return f" ({keras_version.spelled(entry.keras)})" if entry.keras else ""


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(render(target.read_text(encoding="utf-8")), encoding="utf-8")
