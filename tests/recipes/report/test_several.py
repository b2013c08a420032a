"""Runs side by side: means and bands over seeds, keys that differ, differences row by row."""

import json

import numpy as np
import pytest
from pages import HOSTILE, elements, write_run

from keras_recipes.recipes.record.several import differences, keys_that_differ, read_run
from keras_recipes.recipes.report.page import write_report
from keras_recipes.recipes.report.several import sentence


def test_runs_of_other_seeds_have_a_mean_and_a_band(tmp_path):
    values = {1: [3.0, 2.0, 1.0], 2: [5.0, 4.0, 1.5], 3: [4.0, 3.0, 0.5]}
    runs = [
        write_run(
            tmp_path / f"run{seed}",
            recipe=f"name: x\nseed: {seed}\nepochs: 3\n",
            lines=[{"epoch": e, "loss": v} for e, v in enumerate(found, start=1)],
        )
        for seed, found in values.items()
    ]
    found = elements(write_report(runs, tmp_path / "page.html"))
    mean = found.trace("epoch", "mean of 3 seeds")
    rows = np.array(list(values.values()))
    assert mean["y"] == pytest.approx(rows.mean(axis=0))
    area = next(t for c in found.charts for t in c["data"] if t.get("fill") == "toself")
    assert area["y"][:3] == pytest.approx(rows.mean(axis=0) + rows.std(axis=0, ddof=1))


@pytest.mark.parametrize(
    ("seeds", "said"),
    [
        ({"a": [1, 2]}, "2 runs of 1 recipe, repeated with other seeds."),
        ({"a": [1, 2], "b": [1]}, "3 runs of 2 recipes, 1 of them repeated with other seeds."),
        ({"a": [1], "b": [1]}, "2 runs of 2 recipes."),
    ],
)
def test_the_lead_counts_runs_and_recipes(tmp_path, seeds, said):
    runs = [
        read_run(write_run(tmp_path / f"{key}{seed}", recipe=f"{key}: 1\nseed: {seed}\n"))
        for key, found in seeds.items()
        for seed in found
    ]
    assert sentence(runs) == said


@pytest.mark.parametrize("validated", [False, True])
def test_dashed_lines_are_explained_where_there_are_any(tmp_path, validated):
    line = {"epoch": 1, "loss": 2.0, **({"val_loss": 3.0} if validated else {})}
    runs = [write_run(tmp_path / f"r{n}", recipe=f"a: {n}\n", lines=[line]) for n in (1, 2)]
    page = write_report(runs, tmp_path / "page.html").read_text()
    assert ("Dashed lines are of training rows." in page) == validated


def test_keys_that_differ_stand_beside_the_results(tmp_path):
    layers = "model:\n  layers:\n  - dense:\n      units: {}\n"
    runs = [write_run(tmp_path / f"r{n}", recipe=layers.format(n)) for n in (8, 16)]
    found = keys_that_differ([read_run(run) for run in runs])
    assert found == {"model.layers[0].dense.units": ["8", "16"]}
    page = write_report(runs, tmp_path / "page.html").read_text()
    assert "model.layers[0].dense.units" in page


def with_rows(folder, right, digest, recipe):
    run = write_run(folder, recipe=recipe, more={"evidence.json": {"test": {"digest": digest}}})
    np.savez(run / "evidence.npz", **{"test/right": np.asarray(right, "float32")})
    return run


def test_differences_are_of_the_same_rows_only(tmp_path):
    rng = np.random.default_rng(0)
    first, second = rng.random(500) < 0.5, rng.random(500) < 0.9
    runs = [
        with_rows(tmp_path / "a", first, "same", "a: 1\n"),
        with_rows(tmp_path / "b", second, "same", "a: 2\n"),
        with_rows(tmp_path / "c", second, "other", "a: 3\n"),
    ]
    (found,) = differences([read_run(run) for run in runs])
    assert found.runs == (1,)
    assert found.mean == pytest.approx(second.mean() - first.mean())
    # The interval of a difference of paired rows, by the normal approximation.
    apart = second.astype(float) - first
    half = 1.96 * apart.std(ddof=1) / np.sqrt(500)
    assert found.low == pytest.approx(found.mean - half, abs=0.2 * half)
    assert found.high == pytest.approx(found.mean + half, abs=0.2 * half)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "[" * 100_000 + "]" * 100_000, "a: *b\n", "&a [*a]", "\x00", "x"]
)
def test_a_recipe_that_is_none_is_said(tmp_path, text):
    runs = [write_run(tmp_path / "a"), write_run(tmp_path / "b", recipe=text)]
    page = write_report(runs, tmp_path / "page.html").read_text()
    assert "0.8125" in page


def test_an_alias_does_not_stand_for_billions_of_keys(tmp_path):
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    run = read_run(write_run(tmp_path / "a", recipe=bomb))
    assert "has more than" in run.problem


def test_names_are_text(tmp_path):
    runs = [
        write_run(
            tmp_path / name / HOSTILE.replace("/", ""), recipe=f"{json.dumps(HOSTILE)}: {name}"
        )
        for name in ("a", "b")
    ]
    found = elements(write_report(runs, tmp_path / "page.html"))
    assert "img" not in found.names
    assert len([kind for kind, _ in found.scripts if kind == ""]) == 1
