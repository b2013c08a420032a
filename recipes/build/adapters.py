"""The adapters that a recipe asks for, in its network."""

import keras

from ...layer_paths import layer_paths
from ...models.lora import NothingAdapted, enable_lora
from ..errors import RecipeError
from ..spec import Recipe
from .backbone import NAME
from .objects import first_paragraph


def add_adapters(recipe: Recipe, model: keras.Model) -> None:
    """Add the adapters of a recipe, and freeze the base: the backbone, or all but the last layer.

    Raises:
        RecipeError: a pattern matches no layer, or a layer cannot have one, with its line.
    """
    asked = recipe.model.lora
    if asked is None:
        return
    weighted = [path for path, layer in layer_paths(model) if layer.weights]
    last = weighted[-1].split("/")[0] if weighted else ""

    def base(path: str) -> bool:
        top = path.split("/")[0]
        return top == NAME if recipe.model.backbone is not None else top != last

    try:
        enable_lora(model, asked.rank, asked.layers, base=base, alpha=asked.alpha)
    except NothingAdapted as error:
        place = ("model", "lora", "layers")
        raise RecipeError([recipe.problem(place, str(error))]) from None
    except (ValueError, NotImplementedError) as error:
        place = ("model", "lora")
        raise RecipeError([recipe.problem(place, first_paragraph(str(error)))]) from None
