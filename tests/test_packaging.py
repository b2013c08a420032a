"""What pyproject.toml asks for and constraints.txt pins: whole, used, and in agreement."""

import importlib.util
import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import keras_recipes

ROOT = Path(__file__).parent.parent
TOML = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = TOML["project"]
OPTIONAL = PROJECT["optional-dependencies"]
INSTALLED = [*PROJECT["dependencies"], *OPTIONAL["dev"]]
# Where the name to import is another than the name to install.
IMPORTED_AS = {
    "grpcio": "grpc",
    "keras-tuner": "keras_tuner",
    "pillow": "PIL",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
    "typing-extensions": "typing_extensions",
}


def loaded(name):
    """A module of this folder that is a program."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tests" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pins(lines):
    found = dict(line.split("==") for line in lines)
    return {canonicalize_name(name): version for name, version in found.items()}


def constraints():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_the_version_stands_in_one_place():
    assert PROJECT["dynamic"] == ["version"]
    assert TOML["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "keras_recipes.__version__"}
    assert metadata.version("keras-recipes") == keras_recipes.__version__


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda p: p.stem)
def test_files_of_the_repository_host_are_yaml(path):
    assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)


def test_every_target_that_the_public_ci_makes_exists():
    text = (ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8")
    [bounds] = re.findall(r"target: \[(.*)\]", text)
    named = [*re.findall(r"make ([a-z-]+)", text), *bounds.split(", ")]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert len(named) == 6
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in named)


def test_constraints_are_names_and_versions_only():
    for line in constraints():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line), line
    assert len(pins(constraints())) == len(constraints())


@pytest.mark.parametrize("pinned", ["constraints", "lower bounds"])
@pytest.mark.parametrize("wanted", [*INSTALLED, *TOML["build-system"]["requires"]])
def test_every_requirement_is_pinned_within_its_bounds(wanted, pinned):
    lines = constraints() if pinned == "constraints" else loaded("lowest").lowest(INSTALLED)
    requirement = Requirement(wanted)
    assert requirement.specifier.contains(pins(lines)[canonicalize_name(requirement.name)])


@pytest.mark.parametrize("wanted", [*OPTIONAL["export"], *OPTIONAL["docs"]])
def test_what_exports_and_the_site_need_is_pinned_within_its_bounds(wanted):
    requirement = Requirement(wanted)
    found = pins(constraints())[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(found)


def test_lowest_refuses_a_requirement_that_it_cannot_pin():
    lowest = loaded("lowest").lowest
    assert lowest(["keras>=3.13.0,<3.16", "setuptools>=77.0.1"]) == [
        "keras==3.13.0",
        "setuptools==77.0.1",
    ]
    with pytest.raises(ValueError, match="Received `keras`"):
        lowest(["keras"])


@pytest.mark.parametrize("wanted", PROJECT["dependencies"])
def test_every_dependency_is_bounded_and_used(wanted):
    requirement = Requirement(wanted)
    assert {clause.operator for clause in requirement.specifier} == {">=", "<"}
    name = IMPORTED_AS.get(requirement.name, requirement.name)
    # Of one package only a file is used.
    statement = re.compile(rf"^\s*(import|from) {name}\b|find_spec\(\"{name}\"\)", re.MULTILINE)
    files = [*ROOT.glob("*.py"), *(path for room in rooms() for path in room.rglob("*.py"))]
    assert any(statement.search(path.read_text(encoding="utf-8")) for path in files)


def rooms():
    packages = TOML["tool"]["setuptools"]["packages"]
    return [ROOT / name.split(".")[1] for name in packages if name.count(".") == 1]


def test_the_classifiers_begin_with_the_oldest_python_that_is_admitted():
    versions = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert PROJECT["requires-python"] == f">={versions[0]}"
    assert versions == sorted(versions, key=lambda version: int(version.split(".")[1]))
