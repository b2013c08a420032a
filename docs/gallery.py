"""Writes `docs/gallery.md` from the headers of the recipes and sweeps that ship.

python docs/gallery.py
"""

import re
from pathlib import Path
from textwrap import indent

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "gallery.md"
FIELD = re.compile(r"(Shows|Source|Run|See|Expect): +(.*)")
OPENING = """# Gallery

Every recipe and sweep that ships, from the lines its file begins with; `python docs/gallery.py`
writes this page. `keras-recipes copy NAME mine.yaml` makes a recipe yours. Figures are measured.
"""


def header(path: Path) -> dict[str, str]:
    """The fields of a file's header by name, and its first sentence as `Title`."""
    fields = {"Title": ""}
    field = "Title"
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        text = line.lstrip("#").strip()
        if found := FIELD.fullmatch(text):
            field, text = found[1], found[2]
        # Of commands each line is one.
        between = "\n" if field in ("Run", "See") else " "
        fields[field] = f"{fields.get(field, '')}{between}{text}".strip()
    return fields


def linked(text: str) -> str:
    """A text with the pages that it names as links."""
    return re.sub(r"docs/(\w+\.md)", r"[docs/\1](\1)", text)


def entry(path: Path) -> str:
    """The section of one recipe or sweep."""
    fields = header(path)
    picture = ROOT / "docs" / "pictures" / f"{path.stem}.png"
    parts = [
        f"### {path.stem}",
        linked(fields["Title"]),
        *([f"![The rates of {path.stem}](pictures/{picture.name})"] if picture.exists() else []),
        indent(f"{fields['Run']}\n{fields.get('See', '')}".strip(), "    "),
        "\n".join(f"- {key}: {linked(fields[key])}" for key in ("Shows", "Source", "Expect")),
    ]
    return "\n\n".join(parts)


def render() -> str:
    """The whole page."""
    recipes = [entry(path) for path in sorted((ROOT / "configs").glob("*.yaml"))]
    sweeps = [entry(path) for path in sorted((ROOT / "configs" / "sweeps").glob("*.yaml"))]
    return "\n\n".join([OPENING.rstrip(), "## Recipes", *recipes, "## Sweeps", *sweeps]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
