"""The house: which room may import what, what a wheel holds, what an import costs."""

import ast
import re
import subprocess
import sys
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import house
import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("disk", "schedules", "callbacks", "models", "pretraining", "recipes")
# Room -> what it may import: other rooms of this package, and third-party packages.
MAY_IMPORT = {
    "disk": ({"disk"}, set()),
    "schedules": ({"schedules"}, {"keras"}),
    "callbacks": ({"callbacks"}, {"keras", "numpy", "rich", "tensorboard", "tensorflow"}),
    "models": ({"models"}, {"keras", "numpy", "tensorflow"}),
    # scikit-learn is imported only inside the one method that it alone calls.
    "pretraining": (
        {"pretraining", "schedules"},
        {"keras", "numpy", "tensorflow", "sklearn", "scipy"},
    ),
    "recipes": (
        {"schedules", "callbacks", "models", "pretraining", "recipes"},
        {
            "keras",
            "numpy",
            "tensorflow",
            "pydantic",
            "pydantic_core",
            "typing_extensions",
            "yaml",
            "sklearn",
            "scipy",
            "matplotlib",
            "keras_tuner",
            "h5py",
            "PIL",
            "rich",
            "google",  # protobuf, which TensorFlow needs: the programs of SavedModels
            "grpc",
            "plotly",
            "pyarrow",
        },
    ),
    "recipes/spec": (
        {"recipes/spec", "recipes/errors"},
        {"pydantic", "pydantic_core", "typing_extensions", "yaml"},
    ),
    "recipes/record": (
        {"recipes/record", "recipes/errors"},
        {"h5py", "numpy", "pydantic", "typing_extensions", "yaml"},
    ),
    "recipes/report": (
        {"recipes/report", "recipes/record", "recipes/errors"},
        {"matplotlib", "numpy", "plotly"},
    ),
}
# What every room may import: modules at the root, and `disk` with what is in it.
GROUND_FLOOR = ("/arguments", "/disk", "/layer_paths", "/messages", "/optimizers")
# Inside recipes/ the arrow points one way: spec <- build <- run <- report <- command line.
ORDER = ("spec", "data", "build", "run", "export", "report", "sweep")


def modules(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Every module a file imports, own ones as `/room/module`."""
    found: set[str] = set()
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module or "")
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            own = [*base, *(node.module or "").split(".")] if node.module else list(base)
            if node.module:
                found.add("/" + "/".join(own))
            else:
                found.update("/" + "/".join([*own, name.name]) for name in node.names)
    return found


def test_no_folder_of_tests_is_passed_over(pytestconfig):
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py")}
    for pattern in pytestconfig.getini("norecursedirs"):
        for folder in folders:
            assert not any(fnmatch(part, pattern) for part in folder.parts), (folder, pattern)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_rooms_import_only_what_the_table_allows(room):
    own, outside = MAY_IMPORT[room]
    files = modules(room)
    assert files, f"{room} is empty"
    for path in files:
        for name in imports(path):
            if name in GROUND_FLOOR:
                continue
            if name.startswith("/"):
                assert any(name[1:] == r or name[1:].startswith(r + "/") for r in own), (path, name)
            else:
                top = name.split(".")[0]
                assert top in outside or top in sys.stdlib_module_names, (path, name)


@pytest.mark.parametrize("floor", ORDER)
def test_the_assembler_has_one_direction(floor):
    above = ORDER[ORDER.index(floor) + 1 :]
    for path in modules(f"recipes/{floor}"):
        for name in imports(path):
            assert not any(name.startswith(f"/recipes/{other}") for other in above), (path, name)


# Where imports may stand inside functions: the command line and what it starts answer before
# TensorFlow is loaded, `backend` is what loads it, and scikit-learn's data sets are read on demand.
INNER_IMPORTS = re.compile(
    r"|recipes(\.(cli|front|lazy|plots|trainable|commands\..*|data\.(sources|folds)|run\.backend))?"
    r"|recipes\.export\.(carriers|predictor|rows)"
    r"|recipes\.sweep\.run\.(folder|process|sweep)"
)


def test_modules_import_without_a_cycle():
    found = house.modules()
    assert house.cycles(house.module_edges(found)) == []
    assert house.cycles(house.package_edges(found)) == []


def test_imports_stand_at_the_top():
    inner = {
        (name, each.line)
        for name, module in house.modules().items()
        for each in module.imports
        if each.inner and not INNER_IMPORTS.fullmatch(name)
    }
    assert inner == set()


SEARCHES = ("startswith", "endswith", "partition", "find", "index")


def _on_a_message(node: ast.AST) -> bool:
    """Whether a node asks what the text of an error, or the reason of a result, says."""

    def is_message(value: ast.AST) -> bool:
        if isinstance(value, ast.Attribute):
            return value.attr in ("reason", "message", "args")
        called = isinstance(value, ast.Call) and isinstance(value.func, ast.Name)
        return called and value.func.id == "str" and "error" in ast.unparse(value)

    if isinstance(node, ast.Compare):
        texts = [n for n in ast.walk(node) if isinstance(n, ast.Constant) and type(n.value) is str]
        within = any(isinstance(op, ast.In | ast.NotIn) for op in node.ops)
        asked = [node.left, *node.comparators] if texts else node.comparators
        return (bool(texts) or within) and any(map(is_message, asked))
    searched = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    return searched and node.func.attr in SEARCHES and is_message(node.func.value)


def test_no_decision_is_made_on_the_text_of_a_message():
    found = {
        (name, node.lineno)
        for name, module in house.modules().items()
        for node in ast.walk(module.tree)
        if _on_a_message(node)
    }
    assert found == set()


def test_tests_mirror_the_modules():
    """A folder of tests is a folder of the package, so that the tests of a module are found."""
    for path in (ROOT / "tests").rglob("test_*.py"):
        folder = path.parent.relative_to(ROOT / "tests")
        assert folder.parts[:1] in ((), ("kill",), ("fuzz",)) or (ROOT / folder).is_dir(), path


def test_arrow_reads_data_and_nothing_else_sees_it():
    rooms = {
        path.relative_to(ROOT / "recipes").parts[0]
        for path in modules("recipes")
        if any(name.split(".")[0] == "pyarrow" for name in imports(path))
    }
    assert rooms <= {"data", "build"}


def test_no_package_imports_its_own_front():
    for room in ROOMS:
        for path in modules(room):
            package = "/" + "/".join(path.relative_to(ROOT).parent.parts)
            if path.name != "__init__.py":
                assert package not in imports(path), path


def test_importing_the_package_imports_no_tensorflow():
    code = (
        "import sys, keras_recipes, keras_recipes.recipes, keras_recipes.recipes.cli;"
        "keras_recipes.load('digits_mlp');"
        "print([m for m in ('tensorflow', 'keras', 'numpy', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_import_paths_hold():
    import keras_recipes
    import keras_recipes.callbacks
    import keras_recipes.models
    import keras_recipes.schedules

    for module, names in {
        keras_recipes: ["load", "train", "Recipe", "RecipeError", "RequestError", "DataError"],
        keras_recipes.schedules: [
            "Constant",
            "PiecewiseConstant",
            "PiecewiseLinear",
            "Exponential",
            "Polynomial",
            "Cosine",
            "Warmup",
            "Sequential",
        ],
        keras_recipes.callbacks: ["EarlyStopping", "MetricsLog", "ProgressBar", "BestCheckpoint"],
        keras_recipes.models: [
            "TrainingModel",
            "GradientClippingModel",
            "WeightDecayModel",
            "GradientClipping",
            "WeightDecay",
            "wrap",
            "build_network",
            "Residual",
            "SumOfSquares",
        ],
    }.items():
        for name in names:
            assert hasattr(module, name), (module.__name__, name)
            assert name in module.__all__


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    source = tmp_path_factory.mktemp("source") / "checkout"
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if files.returncode:
        pytest.skip("not a git checkout")
    for name in files.stdout.splitlines():
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file():
            target.write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "-q"]
    subprocess.run([*command, "-w", str(out), str(source)], check=True, capture_output=True)
    return next(out.glob("*.whl"))


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    inside = [name for name in names if ".dist-info/" not in name]
    assert all(name.startswith("keras_recipes/") for name in inside)
    folders = {name.split("/")[1] for name in inside if name.count("/") > 1}
    assert folders == {*ROOMS, "configs"}
    for room in ROOMS:
        for path in modules(room):
            assert f"keras_recipes/{path.relative_to(ROOT)}" in inside
    for path in (ROOT / "configs").rglob("*.*"):
        assert f"keras_recipes/{path.relative_to(ROOT)}" in inside
    assert "keras_recipes/py.typed" in inside


def test_the_wheel_works_away_from_the_checkout(wheel, tmp_path):
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "import keras_recipes; from keras_recipes.__main__ import main\n"
        f"assert keras_recipes.__file__.startswith({str(site)!r}), keras_recipes.__file__\n"
        "sys.exit(main(['validate', 'digits_mlp', 'csv_example']))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", _with_site_packages() + code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "digits_mlp: ok\ncsv_example: ok\n"


def _with_site_packages() -> str:
    """Third-party packages without the editable install's finder."""
    import sysconfig

    return f"import sys; sys.path.append({sysconfig.get_paths()['purelib']!r})\n"
