"""One HTML page that tells how runs went, made from their directories alone."""

from .page import write_report

__all__ = ["write_report"]
