"""Headless Chromium, where it is installed: what a page does when it is opened from disk."""

import json
import shutil
import time
from pathlib import Path

import pytest

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--disable-extensions", "--no-proxy-server",
)  # fmt: skip
# A busy machine takes long to start a browser.
PATIENCE = 120
# What a page asks for of itself, and a new browser for the page that it shows first.
OWN = ("data:", "blob:", "chrome")


class Browser:
    """A browser that records what a page logs and requests."""

    def __init__(self, profile: Path):
        from selenium import webdriver

        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = webdriver.ChromeService(shutil.which("chromedriver"))
        self.driver = webdriver.Chrome(options=options, service=service)
        self.driver.set_page_load_timeout(PATIENCE)
        self.driver.set_script_timeout(PATIENCE)

    def open(self, page: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Open a page, and wait until its script is done and what is in view is drawn."""
        self.console(), self.requests()
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.driver.get(page.resolve().as_uri())
        self.wait(
            "return !document.querySelector('.plot') || document.documentElement.dataset.ready"
        )

    def run(self, script: str, *arguments):
        """The value of a script."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, script: str):
        """Wait until a script gives something that is true, and return it."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if found := self.run(script):
                return found
            time.sleep(0.1)
        raise AssertionError(f"{script}: {self.console()}")

    def draw_all(self) -> None:
        """Draw the charts that are not in view, as printing does."""
        self.run("dispatchEvent(new Event('beforeprint'))")
        drawn = "[...document.querySelectorAll('.plot')].every(plot => plot.dataset.drawn)"
        self.wait(f"return {drawn}")

    def console(self) -> list[str]:
        """What was logged since the last call."""
        return [row["message"] for row in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Addresses that were asked for since the last call, but for data in the page itself."""
        found = []
        for row in self.driver.get_log("performance"):
            event = json.loads(row["message"])["message"]
            if event["method"] == "Network.requestWillBeSent":
                url, page = event["params"]["request"]["url"], event["params"]["documentURL"]
                # A new browser shows a page of its own first.
                if not page.startswith("chrome") and not url.startswith(OWN):
                    found.append(url)
        return found

    def hover(self, selector: str, x: float, y: float) -> str:
        """Move the mouse to a place of an element, in fractions; what the first chart says then."""
        box = self.run(
            "const e = document.querySelector(arguments[0]); e.scrollIntoView({block: 'center'});"
            "const b = e.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]",
            selector,
        )
        # A second movement, as a mouse makes many.
        for shift in (0, 1, 2):
            place = {"x": box[0] + x * box[2] + shift, "y": box[1] + y * box[3]}
            self.driver.execute_cdp_cmd(
                "Input.dispatchMouseEvent", {"type": "mouseMoved", **place, "button": "none"}
            )
            time.sleep(0.1)
        return self.wait("return document.querySelector('.plot .hoverlayer')?.textContent")

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        """A picture of the page."""
        import base64

        found = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot", {"captureBeyondViewport": whole, "format": "png"}
        )
        path.write_bytes(base64.b64decode(found["data"]))

    def close(self) -> None:
        self.driver.quit()


def browser_at(profile: Path) -> Browser:
    """A browser; the test is skipped where there is none."""
    pytest.importorskip("selenium", reason="selenium is not installed")
    for name in ("chromium", "chromedriver"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")
    return Browser(profile)


def violations(browser: Browser, script) -> list[dict]:
    """What axe-core finds; it enters through the debugger, past the policy of the page."""
    source = script.read_text(encoding="utf-8")
    browser.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": source})
    asked = {
        "expression": "axe.run(document, {resultTypes: ['violations']})"
        ".then(found => JSON.stringify(found.violations.map(v => ({id: v.id, impact: v.impact, "
        "nodes: v.nodes.slice(0, 3).map(n => n.html.slice(0, 200))}))))",
        "awaitPromise": True,
    }
    result = browser.driver.execute_cdp_cmd("Runtime.evaluate", asked)
    return json.loads(result["result"]["value"])
