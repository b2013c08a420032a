"""What the tests of runs share."""

import pytest
from matplotlib.figure import Figure


@pytest.fixture
def drawn():
    """The pictures of reports are drawn."""


@pytest.fixture(autouse=True)
def _reports_have_empty_pictures(request, monkeypatch):
    """Drawing takes as long as training a tiny network; tests that look ask for `drawn`."""
    if "drawn" in request.fixturenames:
        return
    draw = Figure.savefig

    def save(picture, file, **options):
        if options.get("format") == "svg":
            file.write("<svg></svg>")
        else:
            draw(picture, file, **options)

    monkeypatch.setattr(Figure, "savefig", save)
