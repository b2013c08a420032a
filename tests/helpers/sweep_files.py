"""Directories of sweeps that no search made."""

import json

RATE, LAYERS = "optimizer.sgd.momentum", "model.layers"
SHALLOW, DEEP = [{"dense": {"units": 8}}], [{"dense": {"units": 8}}, {"dense": {"units": 4}}]
SPACE = [
    [RATE, {"type": "LogUniform", "min": 0.001, "max": 1.0}, []],
    [LAYERS, {"type": "Choice", "values": [SHALLOW, DEEP], "ordered": False}, []],
    ["epochs", {"type": "Fixed", "value": 3}, []],
]


def row(trial, score, **more):
    reported = {
        "trial": trial,
        "status": "completed" if score is not None else "failed",
        "score": score,
        "low": None,
        "high": None,
        "values": {RATE: 0.01, LAYERS: SHALLOW},
        "epochs": 3,
        "seconds": 1.5,
        "reason": "",
        "directories": [f"trials/000{trial}"],
        "curves": [[1.0, 0.8, score]] if score is not None else [],
    }
    return {**reported, **more}


def best(trial, score):
    known = ("trial", "score", "low", "high", "values")
    return {name: row(trial, score)[name] for name in known}


def write_sweep(folder, rows, **result):
    """Write the directory of a sweep with some rows and keys of its result, and return it."""
    reported = {
        "status": "completed",
        "reason": "the search is complete",
        "trials": len(rows),
        "failed": sum(item["score"] is None for item in rows),
        "epochs": 6,
        "seconds": 12.0,
        "order": [item["trial"] for item in rows if item["score"] is not None],
        **result,
    }
    objective = {"type": "Objective", "metric": "val_loss", "direction": "min"}
    identity = {"objective": objective, "algorithm": {"name": "random"}, "space": SPACE}
    files = {"manifest.json": {"identity": identity}, "result.json": reported, "trials.json": rows}
    for name, value in files.items():
        (folder / name).write_text(json.dumps(value))
    (folder / "oracle").mkdir(exist_ok=True)
    return folder
