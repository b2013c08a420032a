"""The page of a sweep, from made-up files: everything is reported, and nothing breaks it."""

import json
from functools import partial

import numpy as np
import pytest
from sweep_files import DEEP, LAYERS, RATE, SHALLOW, SPACE, best, row, write_sweep

from keras_recipes import RequestError
from keras_recipes.recipes.record.listing import is_sweep_directory
from keras_recipes.recipes.sweep.report import write_sweep_report
from keras_recipes.recipes.sweep.report.files import SweepFiles, parameters
from keras_recipes.recipes.sweep.report.importance import importance


@pytest.fixture
def sweep(tmp_path):
    """Writes the directory of a sweep with some rows and results."""
    return partial(write_sweep, tmp_path)


def charts(text):
    return text.count('class="plot"')


def text_of(folder):
    return write_sweep_report(folder).read_text(encoding="utf-8")


def test_the_page_tells_best_lead_test_ensemble_and_failures(sweep):
    text = text_of(
        sweep(
            [row("0", 0.5), row("1", None, reason="loss became <nan>")],
            best=best("0", 0.5),
            lead={"said": "trial 0 is ahead, no more than the noise"},
            test={"accuracy": 0.75},
            ensemble={"members": ["0"], "validation": {"loss": 0.25}},
        )
    )
    assert "best: trial 0, val_loss 0.5" in text
    assert "no more than the noise" in text
    assert "test rows: accuracy 0.7500" in text
    assert "ensemble: loss 0.2500" in text
    assert "trial 1: loss became &lt;nan&gt;" in text


def test_what_shared_beginnings_saved_is_reported(sweep):
    rows = [row("0", 0.5), row("1", 0.7)]
    text = text_of(sweep(rows, steps=2000, shared_steps=750))
    assert "trained 1,250 of 2,000 steps; the other 750 are beginnings that trials share" in text
    assert "trials share" not in text_of(sweep(rows, steps=2000))


def test_columns_without_a_value_are_left_out(sweep):
    assert ">low<" not in text_of(sweep([row("0", 0.5)]))
    text = text_of(sweep([row("0", 0.5, low=0.25, high=0.75, reason="ended early")]))
    assert all(f">{name}<" in text for name in ("low", "high", "remark", "ended early"))


def test_every_chart_has_its_numbers_or_says_where_they_are(sweep):
    rows = [row(str(at), 0.5 + at, values={RATE: 0.1**at, LAYERS: DEEP}) for at in range(3)]
    ranges = {RATE: [0.001, 1.0], LAYERS: [SHALLOW, DEEP]}
    found = {"number": 0, "epochs": 1, "ranges": ranges, "trials": ["0", "1"], "kept": ["0"]}
    text = text_of(sweep(rows, rounds=[found]))
    figures = text.split("<figure")[1:]
    assert len(figures) == 7
    for figure in figures:
        assert "<summary>numbers" in figure or "table of trials" in figure


def test_every_parameter_has_a_picture_by_its_short_name(sweep):
    rows = [row("0", 0.5), row("1", 0.7, values={RATE: 0.5, LAYERS: DEEP})]
    text = text_of(sweep(rows))
    assert "val_loss by momentum" in text
    assert "val_loss by layers" in text
    # Progress, curves, one for each of two parameters, parallel coordinates.
    assert charts(text) == 5


def test_intervals_of_repeats_are_drawn_and_reported(sweep):
    rows = [row("0", 0.5, low=0.4, high=0.6, curves=[[0.9, 0.5], [0.8, 0.5]])]
    reported = {**best("0", 0.5), "low": 0.4, "high": 0.6}
    assert "95 % interval 0.4 to 0.6" in text_of(sweep(rows, best=reported))


def test_the_ranges_of_each_round_are_drawn(sweep):
    rows = [row("0", 0.5), row("1", 0.7, values={RATE: 0.5, LAYERS: DEEP})]
    rounds = [
        {
            "number": number,
            "epochs": 1,
            "ranges": {RATE: [0.001, 1.0], LAYERS: [SHALLOW, DEEP]},
            "trials": [str(number)],
            "kept": [str(number)],
        }
        for number in range(2)
    ]
    text = text_of(sweep(rows, rounds=rounds))
    assert "Ranges by round" in text
    assert "ranges of momentum" in text
    assert charts(text) == 7


def test_a_value_that_is_not_active_leaves_a_gap(sweep):
    rows = [row("0", 0.5), row("1", 0.7, values={RATE: 0.5})]
    assert charts(text_of(sweep(rows))) == 5


def test_a_sweep_without_a_completed_trial_has_a_page(sweep):
    text = text_of(sweep([row("0", None, reason="too large")], status="failed"))
    assert "No trial was completed" in text
    assert charts(text) == 0


def test_equal_files_give_equal_pages(sweep):
    rows = [row("0", 0.5), row("1", 0.7)]
    assert text_of(sweep(rows)) == text_of(sweep(rows))


def test_a_folder_of_something_else_is_recognized(sweep, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    assert not is_sweep_directory(other)
    with pytest.raises(RequestError, match="holds no sweep"):
        write_sweep_report(other)
    assert is_sweep_directory(sweep([row("0", 0.5)]))


def test_heights_go_from_the_lowest_to_the_highest_value():
    rate, layers = parameters(SPACE)
    assert [rate.height(value) for value in (0.001, 1.0, None)] == [0.0, 1.0, None]
    assert rate.height(10**-1.5) == pytest.approx(0.5)
    assert [layers.height(value) for value in (SHALLOW, DEEP)] == [0.0, 1.0]


def test_a_parameter_of_two_branches_has_one_picture():
    space = [
        ["rate", {"type": "Uniform", "min": 0.0, "max": 0.5}, [["kind", ["a"]]]],
        ["rate", {"type": "Uniform", "min": 0.25, "max": 2.0}, [["kind", ["b"]]]],
    ]
    (found,) = parameters(space)
    assert (found.low, found.high, found.log) == (0.0, 2.0, False)


def test_the_summary_ranks_by_the_result(sweep):
    folder = sweep([row("0", 0.5), row("1", 0.7), row("2", None)], order=["1", "0"])
    assert [item["trial"] for item in SweepFiles(folder).ranked] == ["1", "0"]


def changed(name, change):
    """Changes a file of a sweep, as a hand or a bad disk might."""

    def apply(folder):
        reported = json.loads((folder / name).read_text())
        found = change(reported)
        (folder / name).write_text(json.dumps(reported if found is None else found))

    return apply


def damaged_rows(**values):
    return changed("trials.json", lambda rows: rows[0].update(values))


def damaged_result(**values):
    return changed("result.json", lambda reported: reported.update(values))


def damaged_identity(**values):
    return changed("manifest.json", lambda reported: reported["identity"].update(values))


def damaged_domain(**values):
    space = [["a", {"type": "Uniform", "min": 0, "max": 1, **values}, []]]
    return damaged_identity(space=space)


@pytest.mark.parametrize("name", ["manifest.json", "result.json", "trials.json"])
@pytest.mark.parametrize("content", [b"", b"null", b"{", b"3", b'"x"', b"[[]]", b"\xff{}"])
def test_a_file_that_is_damaged_is_refused_and_named(sweep, name, content):
    folder = sweep([row("0", 0.5)], best=best("0", 0.5))
    (folder / name).write_bytes(content)
    with pytest.raises(RequestError, match=name):
        write_sweep_report(folder)
    assert not (folder / "report.html").exists()


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("trials.json", damaged_rows(trial="../../x")),
        ("trials.json", damaged_rows(score="good")),
        ("trials.json", damaged_rows(values=None)),
        ("trials.json", damaged_rows(values={RATE: "fast"})),
        ("trials.json", damaged_rows(values={RATE: -1.0})),
        ("trials.json", damaged_rows(curves=[1.0])),
        ("trials.json", damaged_rows(reason=3)),
        ("trials.json", damaged_rows(directories=["javascript:alert(1)"])),
        ("trials.json", damaged_rows(directories=["trials/../../x"])),
        ("trials.json", changed("trials.json", lambda rows: rows[0].pop("seconds"))),
        ("result.json", damaged_result(status="almost")),
        ("result.json", damaged_result(trials="many")),
        ("result.json", damaged_result(order=["7"])),
        ("result.json", damaged_result(order=3)),
        ("result.json", damaged_result(best={"trial": "0"})),
        ("result.json", damaged_result(test={"loss": "low"})),
        ("result.json", damaged_result(lead={"said": 3})),
        ("result.json", damaged_result(ensemble={"validation": 3})),
        ("result.json", damaged_result(rounds=[{"number": 0}])),
        ("manifest.json", damaged_identity(objective="val_loss")),
        ("manifest.json", damaged_identity(algorithm={})),
        ("manifest.json", damaged_identity(space=[["a"]])),
        ("manifest.json", damaged_domain(type="Strange")),
        ("manifest.json", damaged_domain(min="low")),
        ("manifest.json", damaged_domain(max=-1)),
        ("manifest.json", damaged_domain(log=True)),
    ],
)
def test_a_value_that_no_sweep_writes_is_refused(sweep, name, damage):
    folder = sweep([row("0", 0.5)], best=best("0", 0.5))
    damage(folder)
    with pytest.raises(RequestError, match=name):
        write_sweep_report(folder)


def test_what_matters_is_found(sweep):
    """The score follows one parameter; the other is drawn at random."""
    rng = np.random.default_rng(0)
    rows = []
    for index in range(40):
        rate = float(10 ** rng.uniform(-3, 0))
        layers = SHALLOW if rng.random() < 0.5 else DEEP
        score = float(abs(np.log10(rate) + 1))
        rows.append(row(f"{index}", score, values={RATE: rate, LAYERS: layers}))
    rows.sort(key=lambda each: each["score"])
    found = dict(importance(SweepFiles(sweep(rows))))
    assert found["momentum"] > 0.5
    assert found["layers"] < 0.2


def test_rungs_are_drawn_where_trials_had_different_epochs(sweep):
    rows = [row("0", 0.5, until=1), row("1", 0.4, until=3, continues="0")]
    assert ">rungs<" in text_of(sweep(rows))
    assert ">rungs<" not in text_of(sweep([row("0", 0.5, until=1)]))


def test_the_best_recipe_is_there_to_copy(sweep):
    folder = sweep([row("0", 0.5)])
    (folder / "best.yaml").write_text("name: <script>\n")
    assert "name: &lt;script&gt;" in text_of(folder)
