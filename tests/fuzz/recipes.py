"""Mutated recipes through the command line's own front door: refused well, or accepted.

    python tests/fuzz/recipes.py --count 10000 --seed 1

Each case takes a recipe that ships, makes it wrong at random, and asks `keras-recipes validate`
what it thinks. Where it has no objection, the resolved recipe is written out and must read back as
the same, and every so often `train --dry-run` builds the model too, which is all that happens
before the first step. A case ends well with status 0, or with status 2
and a message; it fails by a traceback, by lasting or taking memory beyond what its input warrants,
or by leaving a file behind. The exit status is 1 if any case failed.
"""

import argparse
import faulthandler
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
# Nothing is downloaded: a build whose data is not at hand is a refusal like any other.
os.environ["KERAS_HOME"] = tempfile.mkdtemp(prefix="fuzz-keras-")

import harness
import mutations
import yaml

from keras_recipes.recipes import cli
from keras_recipes.recipes.run.backend import use_tensorflow
from keras_recipes.recipes.spec import dump, load, shipped

# Of computing; a case takes some 0.02 s, a build about one second.
SECONDS, BUILD_SECONDS = 5, 30
# A text of 4 MiB is the largest that is read; some 100,000 nodes come from it.
MEBIBYTES, BUILD_MEBIBYTES = 256, 1536
# Whatever a case does, the machine stays usable for others.
ADDRESS_SPACE = 16 << 30
# Data that would have to be fetched from another machine.
REMOTE = ("mnist", "cifar", "reuters", "imdb", "california", "boston")


class Fuzzer:
    """A folder with one recipe in it, made wrong again and again."""

    def __init__(self, folder: Path, seed: int, builds: float):
        self.folder, self.seed, self.builds = folder, seed, builds
        self.tally = harness.Tally()
        self.texts = [path.path.read_text(encoding="utf-8") for path in shipped.recipes()]
        self.trees = [yaml.safe_load(text) for text in self.texts]
        self.file, self.again = folder / "recipe.yaml", folder / "again.yaml"
        shutil.copytree(shipped.recipes()[0].path.parent / "data", folder / "data")
        self.before = self.files()

    def files(self) -> set[Path]:
        return set(self.folder.rglob("*")) - {self.file, self.again}

    def case(self, number: int) -> None:
        """Make one recipe wrong and see what is said of it."""
        dice = random.Random(f"{self.seed}/{number}")
        which = dice.randrange(len(self.texts))
        tree, text = self.trees[which], self.texts[which]
        content = mutations.mutated(tree, text, dice)
        words = mutations.overrides(tree, dice)
        self.file.write_bytes(content)
        name = f"case {number}"
        ended = self.ask(name, ["validate", "recipe.yaml", *words], SECONDS, MEBIBYTES)
        if ended is None:
            return
        self.tally.count("validate: accepted" if ended.status == 0 else "validate: refused")
        if ended.status == 0 and not self.comes_back(name, words):
            return
        if ended.status == 0 and dice.random() < self.builds and not remote(content, words):
            request = ["train", "recipe.yaml", *words, "--dry-run", "--out", "run"]
            ended = self.ask(f"{name}, build", request, BUILD_SECONDS, BUILD_MEBIBYTES)
            if ended is not None:
                self.tally.count("build: built" if ended.status == 0 else "build: refused")
            forget_models()

    def comes_back(self, name: str, words: list[str]) -> bool:
        """Whether a recipe that was accepted is the same after it was written out and read."""
        try:
            with harness.limited(SECONDS):
                recipe = load("recipe.yaml", words)
                self.again.write_text(dump(recipe), encoding="utf-8")
                same = load("again.yaml") == recipe
        except (Exception, harness.Hang) as error:
            self.keep(name, f"written out: {type(error).__name__}: {error}", words)
            return False
        if not same:
            self.keep(name, "is another recipe after it was written out and read", words)
        return same

    def ask(self, name: str, words: list[str], seconds: int, most: int) -> Any:
        """What the command line says; None after noting what is wrong with that."""
        resident, began = harness.forget_peak(), time.perf_counter()
        try:
            with harness.limited(seconds):
                ended = harness.command(cli.main, words)
        except (Exception, harness.Hang) as error:
            self.keep(name, f"{type(error).__name__}: {error}", words)
            return None
        more = harness.peak() - resident
        self.tally.cost(name, time.perf_counter() - began, more)
        wrong = harness.complaint(ended)
        if wrong is None and more > most * 1024:
            wrong = f"took {more / 1024:.0f} MiB"
        left = self.files() - self.before
        if left:
            wrong = f"left {sorted(path.name for path in left)[:5]}"
            for path in left:
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        if wrong is not None:
            self.keep(name, wrong, words)
            return None
        return ended

    def keep(self, name: str, wrong: str, words: list[str]) -> None:
        """Note a failure, and keep its recipe for a person to look at."""
        kept = Path(tempfile.gettempdir()) / f"fuzz-{self.seed}-{name.replace(' ', '-')}.yaml"
        shutil.copy(self.file, kept)
        self.tally.fail(f"{wrong} ({' '.join(words)[:300]!r}, {kept})", name)


def remote(content: bytes, words: list[str]) -> bool:
    """Whether a recipe may ask for data from another machine."""
    text = content.decode("utf-8", "replace") + " ".join(words)
    return any(word in text for word in REMOTE)


def forget_models() -> None:
    """Keras keeps every graph that was ever traced."""
    if "keras" in sys.modules:
        sys.modules["keras"].utils.clear_session()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--builds", type=float, default=0.1, help="share of accepted ones built")
    parser.add_argument("--only", type=int, help="a single case, by its number")
    request = parser.parse_args()
    warnings.simplefilter("ignore")
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    if request.builds:
        use_tensorflow()
        from keras_recipes.recipes.build import experiment  # noqa: F401
    numbers = (
        range(request.first, request.first + request.count)
        if request.only is None
        else [request.only]
    )
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        fuzzer = Fuzzer(Path(folder), request.seed, request.builds)
        for number in numbers:
            fuzzer.case(number)
            if number % 1000 == 999:
                print(f"{number + 1} cases, {time.perf_counter() - began:.0f} s", flush=True)
        os.chdir("/")
    print(fuzzer.tally.table())
    print(f"{len(numbers)} recipes, {len(fuzzer.tally.failures)} failed")
    return 1 if fuzzer.tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
