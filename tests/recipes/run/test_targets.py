"""Runs of tables of every kind of target: what is learned, stored, predicted and shown."""

import csv
import json

import numpy as np
import pytest
from pyarrow import parquet
from sklearn.linear_model import PoissonRegressor

import keras_recipes
from keras_recipes.recipes import RequestError
from keras_recipes.recipes.build.experiment import experiment
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.cli import main
from keras_recipes.recipes.record.directory import RunDirectory
from keras_recipes.recipes.run.reproduce import compare_runs

RNG = np.random.default_rng(0)
ROWS = 160
A, B = RNG.normal(size=(2, ROWS))
GRADES = np.array(["poor", "fair", "good"])[np.digitize(A + 0.3 * B, [-0.6, 0.6])]
RARE = np.where(A > 1, "bad", "good")


def table(path, **columns):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "a", "b", *columns])
        cells = zip(A.round(4).tolist(), B.round(4).tolist(), *columns.values(), strict=True)
        writer.writerows([f"r{number}", *row] for number, row in enumerate(cells))
    return path


def recipe_of(folder, target, data=None, **keys):
    return keras_recipes.load(
        {
            "name": "x",
            "data": {
                "source": {"csv": {"path": str(folder / "d.csv")}},
                "target": target,
                "features": {"a": "numeric", "b": "numeric"},
                "batch_size": 16,
                **(data or {}),
            },
            "model": {"layers": []},
            "learning_rate": 0.1,
            "epochs": 8,
            "steps_per_execution": 1,
            **keys,
        }
    )


def trained(folder, target, data=None, **keys):
    return recipe_of(folder, target, data, **keys).train(out=folder / "run", progress=False)


def read(path):
    return json.loads(path.read_text("utf-8"))


def test_a_threshold_is_chosen_on_validation_rows_and_decides(tmp_path, capsys):
    table(tmp_path / "d.csv", status=RARE)
    data = {"classes": ["good", "bad"], "threshold": {"maximize": "f1_score"}, "validation": "30%"}
    result = trained(tmp_path, "status", {**data, "balance": "class_weights"})
    (limit,) = result.threshold
    assert read(tmp_path / "run" / "data.json")["threshold"] == [limit]
    assert read(tmp_path / "run" / "result.json")["threshold"] == [limit]
    found = result.predict(tmp_path / "d.csv")
    assert found.classes == ("good", "bad")
    expected = np.where(found.outputs[:, 1] > limit, "bad", "good")
    assert found.values.tolist() == expected.tolist()
    test = result.quality["test"]
    assert {"pr_auc", "roc_auc", "brier", "ece", "f1_score_at_threshold"} <= set(test)
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    for words in ("reliability", "average precision", "true class by row", f"{limit:.4f}"):
        assert words in page
    run = str(tmp_path / "run")
    assert main(["evaluate", run, "--json"]) == 0
    reported = json.loads(capsys.readouterr().out)
    assert reported["quality"]["figures"] == pytest.approx(test)
    assert main(["evaluate", run, str(tmp_path / "d.csv")]) == 0
    bad = found.values == "bad"
    right, true = np.sum(bad & (RARE == "bad")), np.sum(RARE == "bad")
    expected = f"class bad: rows {true}, recall {right / true:.4f}, precision"
    assert expected in capsys.readouterr().out


def test_a_run_without_an_end_says_that_no_threshold_was_chosen(tmp_path, signalled):
    table(tmp_path / "d.csv", status=RARE)
    signalled(12)
    recipe = recipe_of(tmp_path, "status", {"threshold": {"maximize": "f1_score"}})
    result = recipe.train(out=tmp_path / "run", progress=False, raises=False)
    assert result.status == "interrupted"
    found = keras_recipes.predict(tmp_path / "run", tmp_path / "d.csv")
    assert any("has chosen no threshold" in note for note in found.notes)


@pytest.mark.parametrize("balance", ["resample", "class_weights"])
def test_a_resume_in_mid_epoch_ends_with_the_same_bits(tmp_path, eager, signalled, balance):
    table(tmp_path / "d.csv", status=RARE)
    keys = {"epochs": 3, "checkpoints": {"every": "1 steps"}}
    data = {"balance": balance, "threshold": {"maximize": "youden"}}
    recipe = recipe_of(tmp_path, "status", data, **keys)
    recipe.train(out=tmp_path / "whole", progress=False)
    for place in (5, 12):  # of seven steps an epoch
        signalled(place)
        recipe.train(out=tmp_path / "parts", progress=False, raises=False, resume=True)
    signalled(0)
    result = recipe.train(out=tmp_path / "parts", progress=False, resume=True)
    assert result.status == "completed"
    whole, parts = (RunDirectory(tmp_path / name) for name in ("whole", "parts"))
    assert compare_runs(whole, parts) == []
    quality = [read(tmp_path / name / "quality.json") for name in ("whole", "parts")]
    assert quality[0] == quality[1]


def test_ordered_classes(tmp_path):
    table(tmp_path / "d.csv", grade=GRADES)
    result = trained(
        tmp_path, "grade", {"task": "ordinal", "classes": ["poor", "fair", "good"]}, epochs=20
    )
    assert {"loss", "accuracy", "rank_mae"} == set(result.test)
    assert result.test["rank_mae"] < 0.4
    assert result.test["rank_mae"] == pytest.approx(result.quality["test"]["rank_mae"])
    assert result.test["accuracy"] == pytest.approx(result.quality["test"]["accuracy"])
    found = result.predict(tmp_path / "d.csv")
    assert list(found.columns()) == ["prediction", "output_poor", "output_fair", "output_good"]
    np.testing.assert_allclose(found.outputs.sum(axis=1), 1, rtol=1e-5)
    assert np.mean(found.values == GRADES) > 0.7
    measured = keras_recipes.evaluate(tmp_path / "run")
    assert measured == result.test
    other = keras_recipes.evaluate(tmp_path / "run", tmp_path / "d.csv")
    assert 0 < other["rank_mae"] < 0.4
    with pytest.raises(RequestError, match="needs the order of the classes"):
        recipe_of(tmp_path, "grade", {"task": "ordinal"}).train(out=tmp_path / "r", progress=False)


def test_the_parts_of_ordered_classes_by_name_are_those_that_are_chosen(tmp_path):
    table(tmp_path / "d.csv", grade=GRADES)
    data = {"task": "ordinal", "classes": ["poor", "fair", "good"]}
    named = {
        "metrics": ["accuracy", {"rank_mae": {"name": "ranks"}}],
        "model": {"layers": [], "output": {"cumulative_link": {"classes": 3}}},
    }
    found = []
    for keys in ({}, named):
        recipe = recipe_of(tmp_path, "grade", data, **keys)
        built = experiment(recipe, data_of(recipe), tmp_path)
        found.append(built.model.evaluate(built.test, verbose=0, return_dict=True))
    assert found[1].pop("ranks") == found[0].pop("rank_mae") > 0
    assert found[0] == found[1]
    with pytest.raises(RequestError, match="is the error in ranks of ordered classes"):
        recipe = recipe_of(tmp_path, "grade", metrics=["rank_mae"])
        experiment(recipe, data_of(recipe), tmp_path)


def test_counts_are_scikit_learns_poisson_regression(tmp_path):
    counts = RNG.poisson(np.exp(2 + 0.7 * A - 0.4 * B))
    table(tmp_path / "d.csv", visits=counts)
    data = {"task": "count", "validation": None, "test": None, "batch_size": "all"}
    trained(tmp_path, "visits", data, epochs=150, learning_rate=0.1)
    found = keras_recipes.predict(tmp_path / "run", tmp_path / "d.csv")
    assert list(found.columns()) == ["prediction"]
    x = np.stack([A.round(4), B.round(4)], axis=1)
    expected = PoissonRegressor(alpha=0, tol=1e-8, max_iter=1000).fit(x, counts).predict(x)
    np.testing.assert_allclose(found.values, expected, rtol=0.01)


def test_the_quality_of_rates(tmp_path):
    table(tmp_path / "d.csv", visits=RNG.poisson(np.exp(1 + A)))
    result = trained(tmp_path, "visits", {"task": "count"}, epochs=20)
    assert result.quality["test"]["d2"] > 0.2
    assert {"loss", "rmse", "mae"} == set(result.test)
    own = {"layers": [], "output": {"dense": {"units": 1}}}
    with pytest.raises(RequestError, match="activation exponential or softplus"):
        recipe_of(tmp_path, "visits", {"task": "count"}, model=own).train(out=tmp_path / "own")


def test_several_labels_of_a_table_are_predicted_by_name_in_every_format(tmp_path, capsys):
    labels = {"hot": np.where(A > 0, "yes", "no"), "wet": (B > 0.8).astype(int)}
    table(tmp_path / "d.csv", **labels)
    result = trained(tmp_path, ["hot", "wet"], {"threshold": {"maximize": "accuracy"}})
    assert len(result.threshold) == 2
    rows = (tmp_path / "d.csv").read_text().splitlines()[:4]
    rows[2] = "r1,what,0.1,yes,0"
    (tmp_path / "new.csv").write_text("\n".join(rows) + "\n")
    names = ["id", "hot", "wet", "probability_hot", "probability_wet", "error"]
    run = str(tmp_path / "run")
    words = ["predict", run, str(tmp_path / "new.csv"), "--on-error", "skip", "--keep", "id"]
    for name in ("p.csv", "p.jsonl", "p.parquet"):
        assert main([*words, "--out", str(tmp_path / name)]) == 0
        assert "2 predictions in" in capsys.readouterr().out
    lines = list(csv.DictReader((tmp_path / "p.csv").read_text().splitlines()))
    objects = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    arrow = parquet.read_table(tmp_path / "p.parquet").to_pylist()
    assert list(lines[0]) == list(objects[0]) == list(arrow[0]) == names
    assert objects == arrow
    assert [row["id"] for row in lines] == ["r0", "r1", "r2"]
    assert (lines[1]["hot"], objects[1]["hot"]) == ("", None)
    assert "expected a number" in objects[1]["error"]
    decided = [row["probability_wet"] > result.threshold[1] for row in (objects[0], objects[2])]
    assert [objects[0]["wet"], objects[2]["wet"]] == [int(one) for one in decided]
    assert main([*words, "--out", str(tmp_path / "p.xlsx")]) == 2
    assert main([*words, "--keep", "hot"]) == 2
    assert main([*words, "--keep", "absent"]) == 2
    said = capsys.readouterr().err
    assert "the column `hot` would stand beside" in said
    assert "has no column `absent`" in said
    assert main(["evaluate", run, str(tmp_path / "d.csv")]) == 0
    said = capsys.readouterr().out
    assert "label hot: threshold" in said
    assert "quality: pr_auc" in said
    measured = keras_recipes.evaluate(tmp_path / "run", tmp_path / "d.csv")
    assert measured["accuracy"] > 0.7
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert "Each label, test rows" in page


def test_several_numbers_of_a_table_are_predicted_by_name(tmp_path):
    table(tmp_path / "d.csv", north=A + B, east=A - B)
    result = trained(tmp_path, ["north", "east"])
    assert result.quality == {}
    found = result.predict(tmp_path / "d.csv")
    assert list(found.columns()) == ["prediction_north", "prediction_east"]


def test_true_and_false_are_classes_and_categories(tmp_path):
    flags = np.where(RNG.random(ROWS) < 0.5, "true", "false")
    table(tmp_path / "d.csv", flag=flags, ok=np.where(flags == "true", "True", "False"))
    features = {"a": "numeric", "flag": "auto"}
    result = trained(tmp_path, "ok", {"features": features}, epochs=20)
    assert result.test["accuracy"] == 1
    assert result.predict({"a": [0.1, 0.2], "flag": ["true", "false"]}).values.tolist() == [
        "True",
        "False",
    ]
