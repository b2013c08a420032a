"""What must hold between the keys about targets, classes and the rest of a recipe."""

from .network import Found
from .schema import Recipe
from .tasks import BINARY_LOSSES, CLASSES, FOCAL_LOSSES, NUMBERS, known_task


def classes_fit_task(recipe: Recipe) -> Found:
    """Only classes have an order and names."""
    task = known_task(recipe)
    if recipe.data.classes is not None and task is not None and task not in CLASSES:
        yield (
            ("data", "classes"),
            f"`classes` gives the order of classes, and the task is {task}. Leave it out, or "
            "write `task: classification` or `task: ordinal`.",
        )
    if task == "ordinal" and recipe.loss is not None and recipe.loss.name in BINARY_LOSSES:
        yield (
            ("loss",),
            f"`{recipe.loss.name}` takes each output by itself, and ordered classes have "
            "probabilities that sum to 1. Leave `loss` out.",
        )


def balance_fits_task(recipe: Recipe) -> Found:
    """Only classes and labels can be balanced, and a focal loss is a loss of its own."""
    balance, task, place = recipe.data.balance, known_task(recipe), ("data", "balance")
    if balance == "none":
        return
    if task in NUMBERS:
        yield place, not_balanced(balance, "the targets are numbers to predict")
    if balance == "resample" and task == "multilabel":
        yield place, SEVERAL_LABELS
    named = None if recipe.loss is None else recipe.loss.name
    if balance == "focal" and named is not None and named not in FOCAL_LOSSES:
        yield (
            ("loss",),
            f"`balance: focal` trains on a focal loss, and the recipe names `{named}`. Leave "
            "`loss` out, or write `balance: class_weights`.",
        )


def not_balanced(balance: str, why: str) -> str:
    """Why a balance is not possible, with the remedy."""
    return f"`{balance}` balances classes, and {why}. Leave `balance` out."


SEVERAL_LABELS = (
    "`resample` draws rows by their class, and a row has several labels. Write "
    "`balance: class_weights`, which weighs each label by itself."
)


def threshold_fits_task(recipe: Recipe) -> Found:
    """A threshold decides between two classes, or on each of several labels."""
    threshold, task, place = recipe.data.threshold, known_task(recipe), ("data", "threshold")
    chosen = isinstance(threshold, dict)
    if not chosen and threshold == 0.5:
        return
    if task is not None and task not in ("classification", "multilabel"):
        yield place, no_threshold(f"the task is {task}")
    if chosen and recipe.data.validation is None:
        yield (
            place,
            "the threshold is chosen on validation rows, and `data.validation` is null. Set it, "
            "or write the threshold as a number.",
        )


def no_threshold(why: str) -> str:
    """Why a threshold is not possible, with the remedy."""
    return (
        f"a threshold decides between two classes, or on each of several labels, and {why}. "
        "Leave `threshold` out."
    )
