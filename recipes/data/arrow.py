"""Arrow's functions on columns.

`pyarrow.compute` makes them when it is imported, so that no type checker knows them.
"""

import importlib
from types import ModuleType

compute: ModuleType = importlib.import_module("pyarrow.compute")
