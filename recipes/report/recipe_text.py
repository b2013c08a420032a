"""A resolved recipe as text, the keys that have their default values greyed."""

from collections.abc import Iterable, Iterator

from .markup import text

INDENT = 2


def greyed(recipe: str, defaults: Iterable[str]) -> str:
    """HTML of a recipe.

    Args:
        recipe: as `recipe.yaml` has it, two spaces a level.
        defaults: keys with their default values, as `data.batch_size`.

    >>> greyed("seed: 0\\nname: x\\n", ["seed"])
    '<pre><span class="default">seed: 0</span>\\nname: x</pre>'
    """
    grey = set(defaults)
    lines = [
        f'<span class="default">{text(line)}</span>' if key in grey else text(line)
        for key, line in _keyed(recipe.splitlines())
    ]
    return f"<pre>{chr(10).join(lines)}</pre>"


def _keyed(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each line with the key that it belongs to, of the first two levels."""
    section = key = ""
    for line in lines:
        depth = len(line) - len(line.lstrip(" "))
        word = line.strip().partition(":")[0]
        begins = ":" in line and not line.lstrip().startswith(("-", "#"))
        if begins and depth == 0:
            section = key = word
        elif begins and depth == INDENT:
            key = f"{section}.{word}"
        yield (section if depth == 0 else key), line
