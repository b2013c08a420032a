"""Several trainings by the same processes, since TensorFlow takes longer to start than to train.

    python tests/helpers/trainings.py '{"run": [["epochs=2"], {"devices": 2}]}'

Each training is that of `recipe.yaml` in the working directory.
"""

import json
import subprocess
import sys
from pathlib import Path

from keras_recipes.recipes.devices.launch import environment, free_ports

# Seconds in which all trainings of a list end, also on a busy machine.
LONGEST = 1800


def train_all(folder, trainings, workers=1):
    """Train each of a list of trainings in `folder`, by `workers` processes.

    Args:
        trainings: name of a run directory -> the overrides of the recipe, and the options of
            `Recipe.train`.
    """
    command = [sys.executable, str(Path(__file__).resolve()), json.dumps(trainings)]
    ports = free_ports(workers + 1)
    processes = [
        subprocess.Popen(
            command,
            cwd=folder,
            env=environment(index, ports) if workers > 1 else None,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(workers)
    ]
    try:
        said = [process.communicate(timeout=LONGEST)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert not any(p.returncode for p in processes), "\n".join(text[-2000:] for text in said)


def main(trainings):
    """Train them one after another in this process."""
    import keras_recipes

    for out, (overrides, options) in trainings.items():
        recipe = keras_recipes.load("recipe.yaml", overrides)
        recipe.train(out=out, progress=False, worker_timeout=LONGEST, **options)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
