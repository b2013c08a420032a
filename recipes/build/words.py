"""Words for messages, from the recipe language."""

from ..spec.fields import did_you_mean, listed, shown

__all__ = ["did_you_mean", "listed", "shown"]
