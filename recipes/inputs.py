"""The types of what users give to this package: recipes, changes to them, and arrays."""

import os
from collections.abc import Mapping, Sequence

# A recipe or a sweep: path of a YAML file, name of one that ships, or its content.
Source = str | os.PathLike[str] | Mapping[str, object]
# Changes to it: texts `key.path=value`, or values by their paths.
Overrides = Sequence[str] | Mapping[str, object]
# `(x, y)` for the source `arrays`: rows and targets, which `recipes.data` checks and converts.
Arrays = tuple[object, object]
