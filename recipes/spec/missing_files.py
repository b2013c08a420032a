"""Files and folders that a recipe names and that are not there."""

import itertools
import os
import re
from dataclasses import replace
from pathlib import Path as File

from ..errors import Problem
from .backbones import TOKENIZER, file_of
from .file_arguments import FILES
from .file_patterns import is_pattern, pattern_problem
from .schema import Recipe
from .tables import sources_of
from .tokens import token_columns


def missing_files(recipe: Recipe) -> list[Problem]:
    """Files of data that are not there, with what the recipe's first comment says of its source."""
    found: list[Problem] = []
    for place, choice in sources_of(recipe):
        for key, path in choice.arguments.items():
            if ("sources", choice.name, key) in FILES and isinstance(path, str):
                wrong = _missing(path)
                if wrong:
                    problem = recipe.problem((*place, key), f"{path}: {wrong}")
                    found.append(replace(problem, hint=_where_from(problem)))
    return found


def missing_backbone(recipe: Recipe) -> list[Problem]:
    """The problem of a missing folder or file of a backbone, or tokenizer of a text preset.

    A training begins with them.
    """
    backbone, named = recipe.model.backbone, file_of(recipe.model.backbone)
    if backbone is None or named is None:
        return []
    place = ("model", "backbone", backbone.name, named[0])
    if _is_missing(named[1]):
        return [recipe.problem(place, f"{named[1]}: there is no such file or folder.")]
    if token_columns(recipe) and _is_missing(os.path.join(named[1], TOKENIZER)):
        text = f"{named[1]}: has no `{TOKENIZER}`, which the tokenizer of its network writes there"
        return [recipe.problem(place, f"{text}: `tokenizer.save_to_preset(folder)`.")]
    return []


def _missing(path: str) -> str:
    """Why there is no file at a path, or none that matches; empty where there is one."""
    if not _is_missing(path):
        return ""
    return pattern_problem(path) if is_pattern(path) else "there is no such file."


def _is_missing(path: str) -> bool:
    try:
        os.stat(path)
    except FileNotFoundError:
        return True
    except (OSError, ValueError):  # reading it tells what is wrong
        return False
    return False


def _where_from(problem: Problem) -> str:
    """What the recipe's first comment says after `Source:`; empty where it says nothing."""
    if problem.line is None:
        return ""
    try:
        lines = File(problem.file).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return ""
    comment = itertools.takewhile(lambda line: line.startswith("#"), lines)
    text = "\n".join(line.lstrip("#") for line in comment)
    source = re.search(r"^ *Source:(.*?)(?=^ *\w+:|\Z)", text, re.MULTILINE | re.DOTALL)
    if source is None:
        return ""
    said = " ".join(source[1].split())
    return f"Source: {said} If you have the file elsewhere, add `{problem.path}=FILE`."
