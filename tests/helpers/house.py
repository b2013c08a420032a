"""What the source of the package looks like: its imports, its size, its types.

    python tests/helpers/house.py [CHECKOUT]

prints the table that docs and notes quote.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("disk", "schedules", "callbacks", "models", "pretraining", "recipes")


@dataclass(frozen=True)
class Import:
    """One import statement's target: `a.b` for a module of the package, else a foreign package."""

    target: str
    own: bool
    line: int
    inner: bool
    typing: bool


@dataclass
class Module:
    """One source file, by its dotted name inside of the package; `""` is the root package."""

    name: str
    path: Path
    tree: ast.Module
    text: str
    imports: list[Import] = field(default_factory=list)

    @property
    def package(self) -> str:
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]


def modules(root: Path = ROOT) -> dict[str, Module]:
    """Every module of the package by name, with its imports."""
    paths = [*root.glob("*.py"), *(p for room in ROOMS for p in (root / room).rglob("*.py"))]
    found: dict[str, Module] = {}
    for path in sorted(paths):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text(encoding="utf-8")
        found[name] = Module(name, path, ast.parse(text), text)
    for module in found.values():
        module.imports = list(_imports(module, set(found)))
    return found


def _imports(module: Module, known: set[str]) -> Iterator[Import]:
    for node, inner, typing in _statements(module.tree, inner=False, typing=False):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield Import(name.name, False, node.lineno, inner, typing)
        elif node.level == 0:
            yield Import(node.module or "", False, node.lineno, inner, typing)
        else:
            parts = module.package.split(".") if module.package else []
            base = parts[: len(parts) - node.level + 1]
            prefix = ".".join([*base, *([node.module] if node.module else [])])
            for name in node.names:
                full = f"{prefix}.{name.name}".lstrip(".")
                target = full if full in known else prefix
                yield Import(target, True, node.lineno, inner, typing)


def _statements(
    node: ast.AST, *, inner: bool, typing: bool
) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool, bool]]:
    """Import statements, whether they stand in a function, and whether only types need them."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child, inner, typing
            continue
        function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))
        guarded = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        yield from _statements(child, inner=inner or function, typing=typing or guarded)


def cycles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Groups of nodes that reach one another (Tarjan's strongly connected components)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in edges.get(node, ()):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(edges):
        if node not in index:
            visit(node)
    return found


def module_edges(found: dict[str, Module]) -> dict[str, set[str]]:
    """Imports between modules, those inside of functions too; not those that only types need."""
    return {
        name: {i.target for i in module.imports if i.own and not i.typing and i.target != name}
        for name, module in found.items()
    }


def package_edges(found: dict[str, Module]) -> dict[str, set[str]]:
    """Imports between folders; modules beside the folders, such as `disk`, stand for themselves."""

    def room(module: Module) -> str:
        return module.name if module.package in ("", "recipes") else module.package

    edges: dict[str, set[str]] = {}
    for module in found.values():
        for each in module.imports:
            if each.own and not each.typing and each.target in found:
                other = room(found[each.target])
                if other != room(module):
                    edges.setdefault(room(module), set()).add(other)
    return edges


def functions(module: Module) -> Iterator[tuple[str, int]]:
    """Name and number of lines of each function, its docstring left out."""
    for node in ast.walk(module.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            docstring = 0
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                docstring = (first.end_lineno or 0) - first.lineno + 1
            yield node.name, (node.end_lineno or 0) - node.lineno + 1 - docstring


def table(root: Path = ROOT) -> dict[str, int | str]:
    """The figures of a checkout."""
    found = modules(root)
    importers = Counter(
        target for targets in module_edges(found).values() for target in targets if target
    )
    sizes = sorted(len(module.text.splitlines()) for module in found.values())
    lengths = sorted(
        (length, f"{module.name}.{name}")
        for module in found.values()
        for name, length in functions(module)
    )
    names = Counter(
        node.name
        for module in found.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    )
    tests = {path.stem.removeprefix("test_") for path in (root / "tests").rglob("test_*.py")}
    own = [module for module in found.values() if module.path.name != "__init__.py"]
    tested = sum(module.path.stem in tests for module in own)
    return {
        "source lines": sum(sizes),
        "files": len(found),
        "median file": sizes[len(sizes) // 2],
        "files over 300 lines": sum(size > 300 for size in sizes),
        "Any": sum(module.text.count("Any") for module in found.values()),
        "type: ignore": sum(module.text.count("type: ignore") for module in found.values()),
        "imports inside functions": sum(i.inner for m in found.values() for i in m.imports),
        "modules with one importer": sum(count == 1 for count in importers.values()),
        "class names defined twice": sum(count > 1 for count in names.values()),
        "cycles of modules": len(cycles(module_edges(found))),
        "cycles of folders": len(cycles(package_edges(found))),
        "90 % of functions, lines": lengths[len(lengths) * 9 // 10][0],
        "largest function": f"{lengths[-1][1]} ({lengths[-1][0]})",
        "modules with a test of their name": f"{tested} of {len(own)}",
    }


if __name__ == "__main__":
    for name, value in table(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT).items():
        print(f"{name:<36}{value}")
