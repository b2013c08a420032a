"""Sweeps: a search over the keys of a recipe, every trial a run directory of its own."""
