"""Reports in a headless Chromium: no error, no request, hover, legend, phone, dark, accessible."""

import json
from importlib.resources import files

import numpy as np
import pytest
from browser import browser_at, violations
from pages import write_run

from keras_recipes.recipes.report.page import write_report

WIDE, PHONE = 1280, 390


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


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    runs = [one(folder / f"run{seed}", seed) for seed in (1, 2, 3)]
    return {
        "run": write_report(runs[:1], folder / "run.html"),
        "several": write_report(runs, folder / "several.html"),
    }


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, PHONE])
@pytest.mark.parametrize("kind", ["run", "several"])
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


def test_hover_shows_the_values(browser, pages):
    browser.open(pages["run"])
    browser.draw_all()
    shown = browser.hover(".plot", 0.5, 0.5)
    assert "training" in shown
    assert "validation" in shown
    epoch = int("".join(c for c in shown if c.isdigit() or c in " .").split()[0].split(".")[0][:2])
    assert 1 <= epoch <= 12


def test_the_legend_toggles_by_mouse_and_by_keyboard(browser, pages):
    browser.open(pages["run"])
    browser.draw_all()
    traces = "document.querySelector('.plot').querySelectorAll('.scatterlayer .trace')"
    count = f"return {traces}.length"
    assert browser.run(count) == 2
    browser.run("document.querySelector('.legend button').click()")
    browser.wait(f"{count} === 1 || null")
    from selenium.webdriver.common.keys import Keys

    browser.run("document.querySelector('.legend button').focus()")
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    browser.wait(f"{count} === 2 || null")
    pressed = "return document.querySelector('.legend button').getAttribute('aria-pressed')"
    assert browser.run(pressed) == "true"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kind", ["run", "several"])
def test_axe_finds_no_serious_violation(browser, pages, kind, dark):
    pytest.importorskip("axe_core_python", reason="axe-core is not installed")
    browser.open(pages[kind], dark=dark)
    browser.draw_all()
    found = violations(browser, files("axe_core_python") / "axe.min.js")
    assert [row for row in found if row["impact"] in ("serious", "critical")] == []
