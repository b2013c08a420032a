"""What a feature that a recipe names left open, and how the training rows decided it."""

from .features import Category, Date, Feature, Numeric
from .fitted import Fitted, FittedCategory, FittedDate, FittedNumeric
from .image_feature import FittedImage, Image


def decided(asked: Feature, fitted: Fitted) -> str | None:
    """What was decided, for people; None where the recipe says all of it.

    Args:
        asked: what the recipe says of the column.
        fitted: what was learned of it.
    """
    match asked, fitted:
        case Numeric(indicator=None), FittedNumeric(indicator=True):
            return f"missing ones become {fitted.fill:.6g}, and an indicator says so"
        case Category(output="auto"), FittedCategory():
            how = "one-hot" if fitted.output == "one_hot" else f"{fitted.dimensions} numbers each"
            return f"{len(fitted.vocabulary)} categories, {how}"
        case Date(parts=None), FittedDate():
            return f"its {', '.join(fitted.parts)}"
        case Image(), FittedImage() if asked.size is None or asked.channels is None:
            height, width = fitted.size
            return f"{height} x {width}, {'grey' if fitted.channels == 1 else 'RGB'}"
    return None
