"""The documentation site: it builds without a warning, is whole, and opens from disk alone."""

import importlib.util
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browser import browser_at, violations

ROOT = Path(__file__).parent.parent
NEEDS = ("sphinx", "myst_parser", "furo")
# Pages that the index of a site does not list; a browser, or a search, leads there.
BESIDE = {"search.html", "genindex.html", "py-modindex.html"}


class Page(HTMLParser):
    """Links, places and loaded files of a page."""

    def __init__(self, path: Path):
        super().__init__()
        self.path = path
        self.links: list[str] = []
        self.loads: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {key: value or "" for key, value in attrs}
        self.places.add(found.get("id", ""))
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag == "link":
            self.loads.append(found["href"])
        elif "src" in found:
            self.loads.append(found["src"])

    def targets(self) -> list[tuple[Path, str]]:
        """The files and places of the site that the page links to."""
        parts = [urlsplit(link) for link in self.links]
        return [
            ((self.path.parent / unquote(part.path)).resolve() if part.path else self.path,
             unquote(part.fragment))
            for part in parts
            if not part.scheme
        ]  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    for name in NEEDS:
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed (the extra `docs`)")
    out = tmp_path_factory.mktemp("site").resolve()
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    done = subprocess.run(
        [*command, "-d", str(out / "doctrees"), "docs", str(out / "html")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    return out / "html"


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path) for path in site.rglob("*.html")}


def test_every_page_is_reached_from_the_first(site, pages):
    reached, waiting = set(), [site / "index.html"]
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting += [target for target, _ in pages[path].targets() if target in pages]
    assert {path.name for path in set(pages) - reached} <= BESIDE
    written = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert written <= {path.stem for path in reached}


def test_links_lead_to_files_and_places_of_the_site(pages):
    lost = [
        (page.path.name, target.name, place)
        for page in pages.values()
        for target, place in page.targets()
        if not target.exists()
        or (place and target in pages and place not in pages[target].places)
    ]  # fmt: skip
    assert lost == []


def test_addresses_of_other_sites_are_public_ones(pages):
    """Whether they are there asks `make linkcheck`, since tests ask no network."""
    found = [urlsplit(link) for page in pages.values() for link in page.links]
    others = [part for part in found if part.scheme]
    assert len({part.netloc for part in others}) > 2
    for part in others:
        assert part.scheme == "https", part.geturl()
        assert re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", part.netloc), part.geturl()
        assert not part.netloc.endswith((".local", ".internal", ".localhost")), part.geturl()


def test_formulas_are_drawn_without_a_script(site):
    text = (site / "api" / "schedules.html").read_text(encoding="utf-8")
    assert text.count("<math ") > 30
    assert "<mfrac>" in text
    every = "".join(path.read_text(encoding="utf-8") for path in (site / "api").glob("*.html"))
    assert "mathjax" not in every.lower()
    # A formula that stands in a page as text was not recognized.
    assert not re.search(r"rate\(t\) = ", every)


def test_pages_load_nothing_from_a_network(site, pages):
    for page in pages.values():
        for load in page.loads:
            part = urlsplit(load)
            assert not part.netloc, (page.path.name, load)
            assert part.scheme == "data" or (page.path.parent / unquote(part.path)).exists()
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"(url\(|@import )[\"']?(https?:)?//", text), sheet


def test_public_names_are_in_the_reference(site):
    for room in ("schedules", "callbacks", "models", "pretraining"):
        places = Page(site / "api" / f"{room}.html").places
        module = importlib.import_module(f"keras_recipes.{room}")
        for name in module.__all__:
            if callable(getattr(module, name)):
                assert f"keras_recipes.{room}.{name}" in places, name


def test_a_search_answers_from_disk(site):
    assert "cosine" in (site / "searchindex.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser(site, tmp_path_factory):
    found = browser_at(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


# The first page, text, a wide table, pictures, classes with their formulas.
@pytest.mark.parametrize("name", ["index", "start", "coming_from", "gallery", "api/schedules"])
@pytest.mark.parametrize(("width", "dark"), [(1280, True), (390, False)], ids=["wide", "phone"])
def test_in_a_browser(browser, site, name, width, dark):
    browser.open(site / f"{name}.html", width=width, dark=dark)
    assert browser.console() == []
    assert [url for url in browser.requests() if not url.startswith("file:")] == []
    wide = "return document.documentElement.scrollWidth - innerWidth"
    assert browser.run(wide) <= 0
    pytest.importorskip("axe_core_python", reason="axe-core is not installed")
    found = violations(browser, files("axe_core_python") / "axe.min.js")
    assert [row for row in found if row["impact"] in ("serious", "critical")] == []


def test_formulas_in_a_browser(browser, site):
    """They have a size, and a fraction is higher than what stands in a line."""
    browser.open(site / "api" / "schedules.html")
    heights = browser.run(
        "return [...document.querySelectorAll('math')].map("
        "each => [each.getBoundingClientRect().height, !!each.querySelector(':scope > mfrac')])"
    )
    assert min(height for height, _ in heights) > 10
    flat = min(height for height, fraction in heights if not fraction)
    assert all(height > 1.3 * flat for height, fraction in heights if fraction)


def test_a_search_in_a_browser(browser, site):
    browser.console()
    browser.driver.get((site / "search.html").as_uri() + "?q=cosine")
    browser.wait("return document.querySelectorAll('#search-results li a').length > 3")
    assert browser.console() == []
