"""Kill trainings at random moments, resume them, and compare with trainings never killed.

    python tests/kill/kill.py --kills 100 --seed 1

Each recipe beside this file is trained once by a fresh `keras-recipes train`, and again and again
by processes that are killed with SIGKILL: at any time of their lives, while a checkpoint is being
written, while the model is evaluated, before the first checkpoint. What is left is resumed until a
life comes to its own end, and then everything in the two run directories must be equal, bit for
bit, but for times and places. The exit status is 1 if anything was not.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import compare
import lives
import made
from lives import Life

HERE = Path(__file__).parent
# Where files are written beside their places, and moved there whole.
FOLDERS = (lives.STATES, "checkpoints", "pretraining", ".")
# How the moments of kills are drawn.
KINDS = (*["any"] * 2, *["training"] * 3, *["writing"] * 5, *["end"] * 2)
# Lives of one run that are killed; after these it may come to its end.
MOST_LIVES = 8


@dataclass
class Timeline:
    """When a run that is never killed reaches what, in seconds from its start."""

    first_line: float = 0.0
    model: float = 0.0
    end: float = 0.0
    # Folders of the run directory in which files were seen while they were written.
    writes: set[str] = field(default_factory=set)


@dataclass
class Tally:
    """What became of one recipe's kills."""

    recipe: str
    kills: Counter = field(default_factory=Counter)
    before_first: int = 0
    runs: int = 0
    faults: list[str] = field(default_factory=list)


class Recipe:
    """A recipe, its run that is never killed, and runs that are."""

    def __init__(self, path: Path, folder: Path):
        self.path, self.folder, self.name = path, folder / path.stem, path.stem
        self.folder.mkdir()
        self.reference = self.folder / "never_killed"
        self.overrides = overrides(path.stem, self.folder)
        self.timeline = Timeline()
        self.tally = Tally(path.stem)

    def prepare(self) -> None:
        """Train it once by the command itself, once by a fork; both must be the same run."""
        words = ["train", str(self.path), *self.overrides, "--quiet", "--out", str(self.reference)]
        done = subprocess.run(
            [sys.executable, "-m", "keras_recipes", *words],
            capture_output=True,
            text=True,
            preexec_fn=lambda: lives.hurry(lives.HURRY),
        )
        if done.returncode != 0:
            raise SystemExit(f"{self.name} cannot be trained at all:\n{done.stderr[-2000:]}")
        forked = self.folder / "forked"
        life = lives.begin([*words[:-1], str(forked)], self.folder)
        self.watch(life, forked)
        self.check(forked, life.wait(), "a fork that was never killed")

    def watch(self, life: Life, run: Path) -> None:
        """Note when a life that is left alone reaches what."""
        while not life.ended():
            metrics = run / "metrics.jsonl"
            if not self.timeline.first_line and metrics.exists() and metrics.stat().st_size:
                self.timeline.first_line = life.age
            if not self.timeline.model and (run / "model.keras").exists():
                self.timeline.model = life.age
            self.timeline.writes |= {name for name in FOLDERS if lives.unfinished(run, name)}
            time.sleep(lives.LOOK)
        self.timeline.end = life.age

    def run(self, number: int, kills: int, dice: random.Random) -> int:
        """One run, killed at most so often; how often it was."""
        run, count = self.folder / f"run_{number}", 0
        while count < min(kills, MOST_LIVES):
            life = lives.begin(self.words(run, dice), self.folder)
            where = lives.killed(life, run, self.moment(dice))
            if where is None:
                break
            count += 1
            self.tally.kills[where] += 1
            self.tally.before_first += not list(run.glob(f"**/{lives.STATES}/state-*"))
        else:
            life = lives.begin(self.words(run, dice), self.folder)
        self.tally.runs += 1
        self.check(run, life.wait(), f"run {number}, killed {count} times")
        return count

    def words(self, run: Path, dice: random.Random) -> list[str]:
        """The command of the next life: either way to resume, or to begin."""
        if (run / "recipe.yaml").exists() and dice.random() < 0.7:
            return ["resume", str(run), "--quiet"]
        words = ["train", str(self.path), *self.overrides, "--quiet", "--out", str(run)]
        return [*words, "--resume"] if run.exists() else words

    def moment(self, dice: random.Random) -> lives.Moment:
        """When the next life is killed, if it lives so long."""
        line = self.timeline
        kind = dice.choice((*KINDS, *["pretraining"] * (5 if "pretraining" in line.writes else 0)))
        if kind == "writing":
            folder = dice.choice([*[lives.STATES] * 4, *sorted(line.writes)])
            count, pause = dice.choice((1, 1, 1, 2, 3, 5)), dice.choice((0, 0, 0.001, 0.005))
            return lives.while_writing(folder, count, pause)
        if kind == "end":
            return lives.when_there("model.keras", dice.uniform(0, line.end - line.model))
        if kind == "pretraining":
            return lives.at(dice.uniform(0.2, 1) * line.first_line)
        if kind == "training":
            return lives.at(dice.uniform(0.5 * line.first_line, line.model))
        return lives.at(dice.uniform(0, line.end))

    def check(self, run: Path, status: int, what: str) -> None:
        """Note where a finished run is not the run that was never killed."""
        faults = [] if status == 0 else [f"exit status {status}: {self.said()}"]
        faults += compare.differences(self.reference, run) if not faults else []
        faults += self.touched(run) if not faults and self.tally.runs <= 1 else []
        if faults:
            self.tally.faults += [f"{self.name}, {what}: {fault}" for fault in faults]
            print("\n".join(self.tally.faults[-len(faults) :][:12]), flush=True)
        elif "fork" not in what:
            shutil.rmtree(run)

    def touched(self, run: Path) -> list[str]:
        """Whether resuming a finished run changes anything."""
        before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}
        status = lives.begin(["resume", str(run), "--quiet"], self.folder).wait()
        after = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}
        faults = [] if status == 0 else [f"resuming what is finished: exit status {status}"]
        changed = sorted({path.name for path, _ in before.items() ^ after.items()})
        return [*faults, *([f"resuming what is finished changed {changed}"] if changed else [])]

    def said(self) -> str:
        lines = (self.folder / "log.txt").read_text(encoding="utf-8").strip().splitlines()
        return " | ".join(lines[-4:])


def overrides(name: str, folder: Path) -> list[str]:
    """The overrides of a recipe whose data is made here."""
    match name:
        case "pictures":
            return [f"data.source.image_folder.path={made.pictures(folder / 'data')}"]
        case "text":
            return [f"data.source.csv.path={made.reviews(folder / 'reviews.csv')}"]
        case "transfer":
            return [f"model.backbone.saved.path={made.network(folder / 'trained')}"]
        case _:
            return []


def table(tallies: list[Tally]) -> str:
    """A row a recipe: where its kills fell, and whether its runs were the run never killed."""
    places = [lives.ELSEWHERE, *(name for name, _ in lives.PLACES)]
    header = ["recipe", "kills", *places, "before 1st", "runs", "verdict"]
    rows = [
        [
            tally.recipe,
            str(tally.kills.total()),
            *(str(tally.kills[name]) for name in places),
            str(tally.before_first),
            str(tally.runs),
            f"{len(tally.faults)} FAULTS" if tally.faults else "identical",
        ]
        for tally in tallies
    ]
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [header, *rows]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100, help="over all recipes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--recipes", nargs="*", help="names of some; default: all")
    parser.add_argument("--keep", action="store_true", help="keep the folder of all runs")
    request = parser.parse_args()
    paths = [
        path
        for path in sorted((HERE / "recipes").glob("*.yaml"))
        if not request.recipes or path.stem in request.recipes
    ]
    lives.prepare()
    lives.hurry(-lives.HURRY)
    folder = Path(tempfile.mkdtemp(prefix="kill-"))
    recipes = [Recipe(path, folder) for path in paths]
    for index, recipe in enumerate(recipes):
        dice = random.Random(f"{request.seed}/{recipe.name}")
        recipe.prepare()
        missing = (request.kills + index) // len(recipes)
        number = 0
        while missing > 0 and number < 4 * request.kills:
            number += 1
            missing -= recipe.run(number, missing, dice)
        print(f"{recipe.name}: {json.dumps(recipe.tally.kills)}", flush=True)
    print(table([recipe.tally for recipe in recipes]))
    faults = sum(len(recipe.tally.faults) for recipe in recipes)
    return lives.clean_up(folder, faults, request.keep)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main())
