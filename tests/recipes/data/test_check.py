"""Faults that are planted are found, and sound data raises no alarm."""

import numpy as np
import pytest

from keras_recipes.recipes.cli import main
from keras_recipes.recipes.data import Splits, load_data
from keras_recipes.recipes.data.check import check_data
from keras_recipes.recipes.data.check_groups import overlaps
from keras_recipes.recipes.data.split import SplitBy
from keras_recipes.recipes.data.table import TableOptions

N = 600


def columns(seed, classes=True):
    """A table without faults: three numbers, a category, and a target that they explain a bit."""
    draw = np.random.default_rng(seed)
    a, b, c = draw.normal(size=(3, N))
    kind = draw.choice(["x", "y", "z"], N)
    score = a + 0.5 * b + (kind == "x") + draw.normal(size=N)
    return {"a": a, "b": b, "c": c, "kind": kind, "target": (score > 0.5) if classes else score}


def constant(table, draw):
    table["fault"] = ["same"] * N


def missing(table, draw):
    cells = draw.normal(size=N).astype(str).astype(object)
    cells[draw.random(N) < 0.8] = ""
    table["fault"] = cells


def identifier(table, draw):
    table["fault"] = [f"row-{i:05d}" for i in range(N)]


def counting(table, draw):
    table["fault"] = range(1000, 1000 + N)


def duplicate(table, draw):
    table["fault"] = table["a"]


def leaking(table, draw):
    target = table["target"]
    if target.dtype == bool:
        table["fault"] = np.where(target, "paid", "late")
    else:
        table["fault"] = target * 3 + 1 + 0.01 * draw.normal(size=N)


def drifting(table, draw):
    table["fault"] = np.arange(N) / N + draw.normal(size=N) * 0.1


def rare(table, draw):
    target = np.where(table["target"], "good", "bad").astype(object)
    target[draw.permutation(N)[:4]] = "rare"
    table["target"] = target


def repeated(table, draw):
    rows = draw.integers(0, N // 2, N)
    for name in table:
        table[name] = np.asarray(table[name])[rows]


def grouped(table, draw):
    table["customerId"] = draw.integers(0, 120, N)


FAULTS = {
    constant: "no information", missing: "missing cells", identifier: "no information",
    counting: "no information", duplicate: "equal columns", leaking: "leakage",
    drifting: "drift", rare: "rare class", repeated: "repeated rows",
    grouped: "group overlap",
}  # fmt: skip


def findings(tmp_path, table, by=None):
    table.setdefault("when", np.arange(N))
    path = tmp_path / "table.csv"
    rows = zip(*table.values(), strict=True)
    path.write_text("\n".join(",".join(map(str, row)) for row in [table, *rows]))
    task = "regression" if np.asarray(table["target"]).dtype.kind == "f" else None
    options = TableOptions(("target",), {"*": "auto", "when": "drop"}, split_by=by)
    data = load_data("csv", {"path": str(path)}, splits=Splits(0.2, 0.2), task=task, table=options)
    return [
        (found.kind, found.place) for found in check_data(data, data) if "`when`" not in found.place
    ]


@pytest.mark.parametrize(
    ("column", "groups", "alarm"),
    [
        ("customer", 120, True),
        ("customer", 12, False),  # kinds of customers
        ("customer", 10**6, False),  # each comes once
        ("price", 120, False),
    ],
)
@pytest.mark.parametrize("other", [False, True])
def test_groups_on_both_sides(tmp_path, column, groups, alarm, other):
    """Whether the rows to test on are drawn or come from another file."""
    files = []
    for part in range(2):
        table = columns(part)
        table[column] = [f"c{n}" for n in np.random.default_rng(part).integers(0, groups, N)]
        files.append(tmp_path / f"{part}.csv")
        rows = zip(*table.values(), strict=True)
        files[-1].write_text("\n".join(",".join(map(str, row)) for row in [table, *rows]))
    test = ("csv", {"path": str(files[1])}) if other else 0.2
    found = {
        by: load_data(
            "csv",
            {"path": str(files[0])},
            splits=Splits(None, test),
            table=TableOptions(("target",), {"*": "auto"}, split_by=by),
        )
        for by in (None, SplitBy("group", column))
    }
    said = [str(each) for each in check_data(found[None], found[None]) if "group" in each.kind]
    assert len(said) == alarm
    assert all(f"split_by: {{group: {column}}}" in each for each in said)
    if not other:
        assert list(overlaps(found[SplitBy("group", column)])) == []


def test_a_column_that_the_recipe_leaves_out_may_name_groups(tmp_path, capsys):
    table = {**columns(0), "customer": np.arange(N) % 120}
    rows = zip(*table.values(), strict=True)
    (tmp_path / "t.csv").write_text("\n".join(",".join(map(str, row)) for row in [table, *rows]))
    (tmp_path / "r.yaml").write_text(
        "data:\n  source: {csv: {path: t.csv}}\n  target: target\n"
        "  features: {'*': auto, customer: drop}\n"
        "model: {layers: []}\nepochs: 1\n"
    )
    assert main(["check-data", "r.yaml"]) == 1
    assert "group overlap: test split" in capsys.readouterr().out
    assert main(["check-data", "r.yaml", "data.split_by={group: customer}"]) == 0


@pytest.mark.parametrize("classes", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_sound_data_raises_no_alarm(tmp_path, seed, classes):
    assert findings(tmp_path, columns(seed, classes)) == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
@pytest.mark.parametrize("classes", [True, False])
def test_planted_faults_are_found(tmp_path, fault, classes):
    if fault is rare and not classes:
        return
    for seed in range(3):
        table = columns(seed, classes)
        fault(table, np.random.default_rng([seed, 1]))
        by = SplitBy("time", "when") if fault is drifting else None
        found = findings(tmp_path, table, by)
        assert {kind for kind, _ in found} == {FAULTS[fault]}, (seed, found)
        if "fault" in table:
            assert {place for _, place in found} == {"column `fault`"}


def test_arrays_are_looked_at_for_repeated_rows():
    x = np.random.default_rng(0).normal(size=(50, 3))
    arrays = np.concatenate([x, x]), np.tile(np.arange(50) % 2, 2)
    found = check_data(load_data("arrays", {}, splits=Splits(0.3, 0.2), arrays=arrays))
    assert {finding.kind for finding in found} == {"repeated rows"}
    assert all("`split_by: {group: COLUMN}`" in str(finding) for finding in found)


def test_rows_of_few_categories_are_equal_by_chance(tmp_path):
    """Rows that agree because their columns are coarse were not entered twice."""
    draw = np.random.default_rng(0)
    table = {"a": draw.choice(["x", "y"], N), "b": draw.choice(["u", "v", "w"], N)}
    table["target"] = (table["a"] == "x") ^ (draw.random(N) < 0.2)
    assert findings(tmp_path, table) == []
