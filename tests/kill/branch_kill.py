"""Kill branches of runs at random moments, and compare them with branches never killed.

    python tests/kill/branch_kill.py --kills 20 --seed 1

A run is branched once without a kill, and again and again by processes that are killed with
SIGKILL at any moment: on the way to the step, between the two recipes, before the first checkpoint
of the new one, at its end. Until the new directory is there the same command is given again, then
`resume`. What comes out must be the branch that was never killed, bit for bit, but for times and
places. The exit status is 1 if anything was not.
"""

import argparse
import os
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

import compare
import lives

RECIPE = Path(__file__).parent / "recipes" / "accumulation.yaml"
SCHEDULE = "{exponential: {initial_learning_rate: 0.05, decay_steps: 20, decay_rate: 0.9}}"
# The learning rate of the run, and that of its branch.
CASES = {
    "number to number": ("0.05", "0.01"),
    "schedule to number": (SCHEDULE, "0.01"),
    "number to schedule": ("0.05", SCHEDULE),
}


class Case:
    """A run, its branch that is never killed, and branches that are."""

    def __init__(self, name: str, folder: Path):
        self.name, self.folder = name, folder / name.replace(" ", "_")
        self.folder.mkdir()
        before, self.rate = CASES[name]
        self.run("train", str(RECIPE), f"learning_rate={before}", "--out", "run")
        self.run(*self.words("never_killed"))
        self.seconds = self.last.age
        self.kills: Counter[str] = Counter()
        self.faults: list[str] = []

    def run(self, *words: str) -> int:
        self.last = lives.begin([*words, "--quiet"], self.folder)
        status = self.last.wait()
        if status:
            raise SystemExit((self.folder / "log.txt").read_text()[-2000:])
        return status

    def words(self, name: str) -> list[str]:
        if (self.folder / name).exists():
            return ["resume", name]
        return ["branch", "run", "--at", "60%", f"learning_rate={self.rate}", "--out", name]

    def kill(self, number: int, most: int, dice: random.Random) -> int:
        """One branch, killed at most so often; how often it was."""
        name, count = f"branch_{number}", 0
        while count < most:
            life = lives.begin([*self.words(name), "--quiet"], self.folder)
            moment = lives.at(dice.uniform(0, self.seconds))
            if dice.random() < 0.5:
                # Soon after the run has its name, when it has no checkpoint of its own.
                moment = lives.when_there("recipe.yaml", dice.uniform(0, self.seconds / 3))
            where = lives.killed(life, self.folder / name, moment)
            if where is None:
                break
            count += 1
            self.kills[where] += 1
        else:
            life = lives.begin([*self.words(name), "--quiet"], self.folder)
        status = life.wait()
        found = [f"exit status {status}"] if status else []
        found += compare.differences(self.folder / "never_killed", self.folder / name)
        self.faults += [f"{self.name}, killed {count} times: {fault}" for fault in found]
        return count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20, help="over all cases")
    parser.add_argument("--seed", type=int, default=1)
    request = parser.parse_args()
    lives.prepare()
    folder = Path(tempfile.mkdtemp(prefix="branch-kill-"))
    dice = random.Random(request.seed)
    faults = []
    for index, name in enumerate(CASES):
        case = Case(name, folder)
        missing, number = (request.kills + index) // len(CASES), 0
        while missing > 0 and number < 4 * request.kills:
            number += 1
            missing -= case.kill(number, min(missing, 4), dice)
        verdict = f"{len(case.faults)} FAULTS" if case.faults else "identical"
        print(f"{name}: {case.kills.total()} kills in {number} branches, {verdict}", flush=True)
        print(f"  {dict(case.kills)}", flush=True)
        faults += case.faults
    print("\n".join(faults[:20]))
    return lives.clean_up(folder, len(faults))


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main())
