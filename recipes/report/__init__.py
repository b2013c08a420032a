"""HTML pages and pictures of runs, made from their directories alone."""

from .page import write_report

__all__ = ["write_report"]
