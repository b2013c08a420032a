"""Packages that only some installations have."""

import pytest


def needs(*packages):
    """Skip where the extra is not installed."""
    for package in packages:
        pytest.importorskip(package, reason="needs the extra `export`", exc_type=ImportError)
