"""Prints constraints that pin each requirement of `pyproject.toml` at its lower bound.

python tests/lowest.py > lowest.txt
"""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

PROJECT = Path(__file__).parent.parent / "pyproject.toml"
REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)>=(?P<version>[0-9][0-9.]*)(,<[0-9.]+)?")


def lowest(requirements: Iterable[str]) -> list[str]:
    """A pin of each requirement at its lower bound.

    >>> lowest(["keras>=3.13.0,<3.16", "setuptools>=77.0.1"])
    ['keras==3.13.0', 'setuptools==77.0.1']
    """
    pins = []
    for requirement in requirements:
        found = REQUIREMENT.fullmatch(requirement)
        if found is None:
            raise ValueError(f"expected `name>=version,<version`. Received `{requirement}`.")
        pins.append(f"{found['name']}=={found['version']}")
    return pins


if __name__ == "__main__":
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    print("\n".join(lowest(wanted)))
