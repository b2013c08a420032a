"""Run directories that no training made, and what a page that is written from them holds."""

import json
from html.parser import HTMLParser

HOSTILE = "<script>alert(1)</script>\"'$\\bad{$_</script><img src=x onerror=alert(2)>"


def write_run(folder, epochs=3, lines=None, recipe="name: run\nseed: 1\n", more=None, **result):
    """Write a run directory, and return it.

    Args:
        lines: of `metrics.jsonl`; by default a falling loss.
        more: further files of JSON, by name.
        result: keys of `result.json`.
    """
    folder.mkdir(parents=True)
    written = {
        "status": "completed",
        "directory": str(folder),
        "reason": "all epochs were trained",
        "epochs": epochs,
        "seconds": 1.5,
        "validation": {"loss": 0.5, "accuracy": 0.75},
        "test": {"loss": 0.5, "accuracy": 0.8125},
        **result,
    }
    made = [{"epoch": e + 1, "loss": 1.0 / (e + 1), "val_loss": 1.0} for e in range(epochs)]
    (folder / "result.json").write_text(json.dumps(written))
    (folder / "metrics.jsonl").write_text(
        "".join(json.dumps(line) + "\n" for line in (made if lines is None else lines))
    )
    (folder / "manifest.json").write_text(json.dumps({"x": result.get("reason", 1)}))
    (folder / "recipe.yaml").write_text(recipe)
    for name, content in (more or {}).items():
        (folder / name).write_text(json.dumps(content))
    return folder


class Elements(HTMLParser):
    """The elements of a page, their attributes, where links lead, and what scripts hold."""

    def __init__(self, text):
        super().__init__()
        self.names, self.attributes, self.links = [], set(), []
        self.scripts, self._script = [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes.update(name for name, _ in attrs)
        self.links += [value for name, value in attrs if name in ("href", "src")]
        if tag == "script":
            self._script = dict(attrs).get("type", "")

    def handle_data(self, data):
        if self._script is not None:
            self.scripts.append((self._script, data))

    def handle_endtag(self, tag):
        if tag == "script":
            self._script = None

    @property
    def charts(self):
        """The content of each chart."""
        return [json.loads(text) for kind, text in self.scripts if kind == "application/json"]

    def trace(self, title_of_axis, name):
        """A trace of the first chart that has it."""
        for chart in self.charts:
            axis = chart["layout"].get("xaxis", {}).get("title", {}).get("text")
            for trace in chart["data"]:
                if axis == title_of_axis and trace.get("name") == name:
                    return trace
        raise AssertionError(f"no trace {name}")


def elements(path):
    return Elements(path.read_text(encoding="utf-8"))
