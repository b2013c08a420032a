"""Sweeps: a search over the keys of a recipe, each trial with its own run directory."""
