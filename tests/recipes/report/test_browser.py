"""Reports in a headless Chromium: no error, no request, hover, legend, phone, dark, accessible."""

import json
import re
from importlib.resources import files

import numpy as np
import pytest
from browser import browser_at, violations
from pages import HOSTILE, write_run
from sweep_files import DEEP, LAYERS, RATE, SHALLOW, best, row, write_sweep

from keras_recipes.recipes.report.page import write_report
from keras_recipes.recipes.sweep.report import write_sweep_report

WIDE, PHONE = 1280, 390
KINDS = ("run", "several", "sweep")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    found = browser_at(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


def lines(seed, epochs=12):
    rng = np.random.default_rng(seed)
    return [
        {
            "epoch": e,
            "loss": float(1 / e + 0.01 * rng.random()),
            "val_loss": float(1.2 / e + 0.1 * rng.random()),
            "learning_rate": 0.1 / e,
            "gradient_norm": float(rng.random()),
        }
        for e in range(1, epochs + 1)
    ]


def one(folder, seed=1):
    quality = {
        "figures": {"roc_auc": 0.9},
        "reliability": [{"rows": 9, "predicted": 0.2, "observed": 0.1}],
        "confusion": {"classes": ["a<b", "b"], "rows": [[7, 1], [2, 3]]},
    }
    boxes = [{"name": "rows", "lines": ["(4,)"], "sources": []}]
    boxes.append({"name": "layers", "lines": ["dense units=8"], "sources": ["rows"]})
    run = write_run(
        folder,
        lines=lines(seed),
        recipe=f"name: x\nseed: {seed}\n",
        more={"quality.json": {"test": quality}, "network.json": {"boxes": boxes}},
        quality={"test": {"roc_auc": 0.9}},
        best_epoch=9,
        findings=["Healthy."],
    )
    found = [{"epoch": e, "gradients": {"a/kernel": 0.1, "b/kernel": 1.0}} for e in (1, 2)]
    (run / "gradients.jsonl").write_text("".join(json.dumps(row) + "\n" for row in found))
    return run


def sweep(folder):
    """Nine trials in two rounds, one of which failed; enough to say what matters."""
    rng = np.random.default_rng(0)
    rows = [row("8", None, reason=HOSTILE)]
    for index in range(8):
        score, until = 0.5 + 0.1 * index, 1 if index > 3 else 3
        values = {RATE: float(10 ** -rng.uniform(0, 3)), LAYERS: (SHALLOW, DEEP)[index % 2]}
        curve = [1.0, 0.75, score][:until]
        rows.append(row(str(index), score, values=values, until=until, curves=[curve]))
    ranges = {RATE: [0.001, 1.0], LAYERS: [SHALLOW, DEEP]}
    rounds = [
        {"number": at, "epochs": 1, "ranges": ranges, "trials": [str(at)], "kept": [str(at)]}
        for at in (0, 1)
    ]
    folder.mkdir()
    (folder / "best.yaml").write_text("name: best\n")
    found = {"best": best("0", 0.5), "rounds": rounds, "steps": 2000, "shared_steps": 500}
    return write_sweep(folder, rows, **found)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    runs = [one(folder / f"run{seed}", seed) for seed in (1, 2, 3)]
    return {
        "run": write_report(runs[:1], folder / "run.html"),
        "several": write_report(runs, folder / "several.html"),
        "sweep": write_sweep_report(sweep(folder / "sweep"), folder / "sweep.html"),
    }


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, PHONE])
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_opens_from_disk(browser, pages, kind, width, dark):
    browser.open(pages[kind], width=width, dark=dark)
    browser.draw_all()
    assert browser.console() == []
    assert browser.requests() == [pages[kind].resolve().as_uri()]
    # The page itself never scrolls sideways; wide tables do, each by itself.
    assert browser.run("return document.documentElement.scrollWidth") <= width
    paper = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, paper[4:-1].split(","))) < 200) == dark
    # Charts have the ink of the page.
    inks = browser.run(
        "return [getComputedStyle(document.querySelector('.plot .xtick text')).fill,"
        "getComputedStyle(document.body).color]"
    )
    assert inks[0] == inks[1]


# What the mouse points at, and what the first chart says then.
HOVERED = {
    "run": (".plot", ("training", "validation")),
    "several": (".plot", ("run1", "run2", "run3", "mean of 3 seeds")),
    "sweep": (".plot .point", ("trial ",)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_hover_shows_the_values(browser, pages, kind):
    browser.open(pages[kind])
    browser.draw_all()
    place, words = HOVERED[kind]
    shown = browser.hover(place, 0.5, 0.5)
    assert [each for each in words if each not in shown] == []
    assert re.search(r"\d\.\d+", shown)
    if kind != "sweep":
        epoch = re.match(r"\s*([1-9]|1[0-2])(?=\D)", shown)
        assert epoch


@pytest.mark.parametrize("kind", KINDS)
def test_the_legend_toggles_by_mouse_and_by_keyboard(browser, pages, kind):
    from selenium.webdriver.common.keys import Keys

    browser.open(pages[kind])
    browser.draw_all()
    traces = "document.querySelector('.plot').querySelectorAll('.scatterlayer .trace')"
    count, button = f"return {traces}.length", "document.querySelector('.legend button')"
    before = browser.run(count)
    own = len(browser.run(f"return {button}.dataset.traces").split())
    browser.run(f"{button}.click()")
    browser.wait(f"return {traces}.length === {before - own} || null")
    browser.run(f"{button}.focus()")
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    browser.wait(f"return {traces}.length === {before} || null")
    assert browser.run(f"return {button}.getAttribute('aria-pressed')") == "true"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_no_serious_violation(browser, pages, kind, dark):
    pytest.importorskip("axe_core_python", reason="axe-core is not installed")
    browser.open(pages[kind], dark=dark)
    browser.draw_all()
    found = violations(browser, files("axe_core_python") / "axe.min.js")
    assert [row for row in found if row["impact"] in ("serious", "critical")] == []
