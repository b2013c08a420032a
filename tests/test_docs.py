"""What the documentation says is what the code does."""

import doctest
import importlib.util
import re
import shlex
from pathlib import Path

import pytest
from doc_pages import COMMAND, PAGES

from keras_recipes.recipes import RecipeError
from keras_recipes.recipes.cli import parse, parser
from keras_recipes.recipes.spec import docs, load
from keras_recipes.recipes.spec.loader import parse as parse_yaml

ROOT = Path(__file__).parent.parent
MODULES = sorted(
    f"keras_recipes.{path.relative_to(ROOT).with_suffix('').as_posix().replace('/', '.')}"
    for path in [
        ROOT / "layer_paths.py",
        ROOT / "optimizers.py",
        *(
            path
            for room in ("disk", "schedules", "callbacks", "models", "pretraining", "recipes")
            for path in (ROOT / room).rglob("*.py")
        ),
    ]
    if path.name != "__init__.py"
)


def test_the_tables_of_the_language_are_made_from_the_models():
    text = (ROOT / "docs" / "recipe.md").read_text(encoding="utf-8")
    assert text == docs.render(text), (
        "run `python -m keras_recipes.recipes.spec.docs docs/recipe.md`"
    )


def test_examples_in_docstrings_do_what_they_say():
    tried = 0
    for name in MODULES:
        results = doctest.testmod(importlib.import_module(name))
        assert results.failed == 0, name
        tried += results.attempted
    assert tried > 40


def test_every_public_class_has_an_example():
    for room in ("schedules", "callbacks", "models", "pretraining"):
        module = importlib.import_module(f"keras_recipes.{room}")
        for name in module.__all__:
            member = getattr(module, name)
            if isinstance(member, type) and not name.startswith(
                ("Curve", "Stateful", "LayerError")
            ):
                text = member.__doc__ or ""
                assert ">>>" in text or name == "Residual", f"{room}.{name}"


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/recipe.md",
        "docs/targets.md",
        "docs/schedules.md",
        "docs/trouble.md",
        "docs/pretraining.md",
        "docs/resume.md",
        "docs/images.md",
        "docs/series.md",
        "docs/graphs.md",
        "docs/transfer.md",
        "docs/augmentation.md",
        "docs/data_from_python.md",
        "docs/export.md",
        "docs/reports.md",
        "docs/start.md",
        "docs/tracking.md",
    ],
)
def test_recipes_and_code_in_the_pages_are_sound(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    # The recipe of that section needs its plugin; tests/recipes/run/test_plugins.py trains it.
    text = re.sub(r"## Your own classes\n.*?(?=\n## )", "", text, flags=re.DOTALL)
    blocks = re.findall(r"```(yaml|python)\n(.*?)```", text, re.DOTALL)
    assert blocks
    for language, block in blocks:
        if language == "python":
            compile(block, page, "exec")
            continue
        tree = parse_yaml(block, page).plain()
        tree = {"name": "x", "data": {"source": "digits"}, "model": {"layers": []}, **tree}
        try:
            load(tree)
        except RecipeError as error:
            pytest.fail(f"{page}: {error}")


# What stands in code in the right column of each row.
COMING_FROM = [
    re.findall(r"`([^`]*)`", line.strip("| ").split(" | ")[-1])
    for line in (ROOT / "docs" / "coming_from.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("|")
]


def test_what_people_of_other_libraries_write_instead_is_sound():
    wrong, tried = [], 0
    for cell in COMING_FROM:
        for command in cell:
            assert not command.startswith("keras-recipes ") or command.split()[1] in verbs()
        keys = [text for text in cell if re.match(r"(?!algorithm)[a-z_]+: ", text)]
        if keys:
            tried += 1
            try:
                load(completed(parse_yaml("\n".join(keys), "coming_from.md").plain()))
            except RecipeError as error:
                wrong.append((keys, str(error)))
    assert wrong == []
    assert tried > 60


def completed(part: dict) -> dict:
    """A recipe of which a part is given."""
    table = {"source": {"csv": {"path": "t.csv"}}, "target": "y"}
    model = {"layers": ["flatten"], **part.get("model", {})}
    data = {"source": "digits"}
    if part.keys() <= {"split_by", "folds"}:
        return {"name": "x", "data": {**table, **part}, "model": model}
    if "outputs" in model:
        data = {**table, "target": list(model["outputs"])}
    elif "features" in part.get("data", {}):
        data = table
    return {"name": "x", **part, "data": {**data, **part.get("data", {})}, "model": model}


def test_commands_in_the_pages_are_sound(capsys):
    """Every line of a block that is a command has a verb, options and operands that it takes."""
    wrong, tried = [], 0
    for page in PAGES:
        for command in COMMAND.findall(page.read_text(encoding="utf-8")):
            tried += 1
            try:
                parse(shlex.split(command))
            except SystemExit:
                wrong.append((page.name, command, capsys.readouterr().err.splitlines()[-1:]))
    assert wrong == []
    assert tried > 80


def verbs() -> list[str]:
    return list(next(action for action in parser()._actions if action.dest == "verb").choices)


def test_proofs_of_promises_are_there():
    text = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
    named = re.findall(r"tests/[\w/]+\.py", text)
    assert len(named) > 15
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_the_gallery_is_made_from_the_files():
    made = importlib.util.spec_from_file_location("gallery", ROOT / "docs" / "gallery.py")
    gallery = importlib.util.module_from_spec(made)
    made.loader.exec_module(gallery)
    assert gallery.PAGE.read_text(encoding="utf-8") == gallery.render(), "run `make generate`"


def test_every_verb_has_a_line():
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([a-z-]+)", text, re.MULTILINE)) == set(verbs())


def test_links_lead_somewhere():
    for page in [ROOT / "CONTRIBUTING.md", *PAGES]:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!http)([^)#]*)(?:#[^)]*)?\)", text):
            assert not target or (page.parent / target).exists(), (page, target)
