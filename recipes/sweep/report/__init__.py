"""One HTML page of what a sweep found, made from its directory alone."""

from .page import is_sweep_directory, write_sweep_report

__all__ = ["is_sweep_directory", "write_sweep_report"]
