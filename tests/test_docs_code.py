"""The code of the pages runs: each page from top to bottom, in a folder of its own.

A page is one namespace, as a reader's session is. What it takes for granted, such as a model of
the reader's or a run, stands in `helpers/doc_contexts.py`. Its commands run as well where they take
a moment; those that train are parsed in `test_docs.py`.
"""

import glob
import re
import shlex
from pathlib import Path

import doc_contexts
import pytest
from doc_pages import PAGES, ROOT, Part, parts

from keras_recipes.recipes.cli import main

QUICK = {
    "check-data", "check-gradients", "compare", "copy", "evaluate", "init", "list", "plot",
    "predict", "report", "runs", "show", "validate", "verify",
}  # fmt: skip
# Commands of these verbs that are not run, and why.
NOT_RUN = {
    "report runs/credit --watch": "it waits for the next epoch",
    "evaluate runs/mine --plugin my_layers": "recipes/run/test_plugins.py trains that run",
}
# Pages that are run with `-m slow`, and why.
SLOW = {"docs/sweeps.md": "four trials, in processes that import TensorFlow"}
# A word in a command that the reader replaces.
PLACEHOLDER = re.compile(r"\b(FILE|FOLDER|NAME|RUN|TABLE)\b")


def is_run(command: str) -> bool:
    verb = command.split()[0]
    return verb in QUICK and command not in NOT_RUN and not PLACEHOLDER.search(command)


def runnable(text: str) -> list[Part]:
    """The code and the quick commands of a page, in order."""
    return [
        part
        for part in parts(text)
        if part.language == "python" or (part.language == "command" and is_run(part.text))
    ]


def write_named_files(text: str) -> None:
    """Write the recipes whose first line is a comment with the name of their file."""
    for part in parts(text):
        named = re.match(r"# ([\w.]+\.yaml)\n", part.text)
        if part.language == "yaml" and named:
            Path(named[1]).write_text(part.text, encoding="utf-8")


def run_page(page: str, text: str, context=dict) -> None:
    """Run the code and the quick commands of a page, in order, in one namespace."""
    write_named_files(text)
    namespace = {"__name__": "page", **context()}
    for line, language, code in runnable(text):
        if language == "python":
            # Lines of a traceback are those of the page.
            exec(compile("\n" * (line - 1) + code, str(ROOT / page), "exec"), namespace)
        else:
            assert main(words(code)) == 0, f"{page}:{line}: keras-recipes {code}"


def words(command: str) -> list[str]:
    """The words of a command, with the files in place of `folder/*`."""
    found: list[str] = []
    for word in shlex.split(command):
        found += sorted(glob.glob(word)) if word.endswith("/*") else [word]
    return found


TEXTS = {
    page.relative_to(ROOT).as_posix(): text
    for page in PAGES
    if runnable(text := page.read_text(encoding="utf-8"))
}


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=[pytest.mark.slow] * (page in SLOW)) for page in TEXTS]
)
def test_code_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_page(page, TEXTS[page], doc_contexts.CONTEXTS.get(page, dict))


def test_a_block_or_a_command_that_fails_is_seen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ZeroDivisionError) as failed:
        run_page("docs/x.md", "words\n\n```python\na = 0\n```\n\n```python\n1 / a\n```\n")
    assert Path(failed.traceback[-1].path).name == "x.md"
    assert failed.traceback[-1].lineno + 1 == 8
    with pytest.raises(AssertionError, match=r"docs/x\.md:3: keras-recipes validate no\.yaml"):
        run_page("docs/x.md", "words\n\n    keras-recipes validate no.yaml  # it says\n")


def test_every_block_is_found_and_nothing_is_listed_that_is_not_there():
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    found = [part for text in texts for part in parts(text)]
    code = [part.text for part in found if part.language == "python"]
    opened = sum(len(re.findall(r"^ *```+ *py", text, re.MULTILINE)) for text in texts)
    assert len(code) == opened > 15
    for block in code:
        compile(block, "page", "exec")
    assert doc_contexts.CONTEXTS.keys() | SLOW.keys() <= TEXTS.keys()
    assert NOT_RUN.keys() <= {part.text for part in found if part.language == "command"}
