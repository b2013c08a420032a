"""One HTML page of what a sweep found, made from its directory alone."""

from .page import write_sweep_report

__all__ = ["write_sweep_report"]
