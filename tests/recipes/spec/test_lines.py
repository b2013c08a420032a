"""Each mistake in parts, outputs, phases, adapters and cached features has its line and column."""

import pytest

from keras_recipes.recipes.errors import RecipeError
from keras_recipes.recipes.spec import load

TEXT = """\
name: x
data:
  source: {csv: {path: t.csv}}
  target: [price, cut]
  features: {age: numeric, size: numeric}
model:
  parts:
    one: {from: age, layers: [{dense: {units: 3}}]}
    two: {from: [one, size], merge: concatenate}
    end: {from: two, layers: [{dense: {units: 2}}]}
  outputs:
    price: {from: end, target: price, task: regression}
    cut: {from: end, target: cut, task: classification}
phases:
  - {epochs: 1, freeze: one_}
  - {epochs: 1}
"""
BACKBONE = """\
name: x
data: {source: cifar10}
model:
  backbone: {mobilenet_v2: {weights: null}}
  cache_features: true
  layers: [global_average_pooling2d]
phases:
  - {epochs: 1, freeze: backbone}
"""
LORA = """\
name: x
data: {source: iris}
model:
  layers: [{dense: {units: 3}}]
  lora: {rank: 2, layers: dense}
"""
FREEZE = "output: null\nphases: [{epochs: 1, freeze: tense}]"


def reported(text, old, new, tmp_path):
    assert text.count(old) == 1
    (tmp_path / "x.yaml").write_text(text.replace(old, new))
    with pytest.raises(RecipeError) as caught:
        load(tmp_path / "x.yaml")
    return [str(one).removeprefix(f"{tmp_path}/x.yaml:") for one in caught.value.problems]


def test_the_recipes_are_right_without_a_mistake(tmp_path):
    for text in (TEXT, BACKBONE, LORA):
        (tmp_path / "x.yaml").write_text(text)
        load(tmp_path / "x.yaml")


@pytest.mark.parametrize(
    ("text", "old", "new", "place", "message"),
    [
        # Wrong names: of keys, of inputs, of parts.
        (TEXT, "merge: con", "merges: con", "9:30 model.parts.two.merges", "`merge`"),
        (TEXT, "from: age", "form: age", "8:11 model.parts.one.form", "`from`"),
        (TEXT, "[one, size]", "[one, sise]", "9:23 model.parts.two.from[1]", "`size`"),
        (TEXT, "cut: {from: end", "cut: {from: ent", "13:17 model.outputs.cut.from", "`end`"),
        (TEXT, "cut, task", "cut, tasks", "13:35 model.outputs.cut.tasks", "`task`"),
        (TEXT, "  - {epochs: 1}", "  - {epoch: 1}", "16:6 phases[1].epoch", "`epochs`"),
        (BACKBONE, "cache_", "cached_", "5:3 model.cached_features", "`cache_features`"),
        (BACKBONE, "lenet_v2: {w", "lenet_v2: {inferense: true, w", "4:29 model.backbone", "`infe"),
        (LORA, "rank", "ranks", "5:10 model.lora.ranks", "`rank`"),
        # Cycles.
        (TEXT, "from: age", "from: [age, end]", "8:5 model.parts", "take each other's output"),
        (TEXT, "from: age", "from: [age, one]", "8:17 model.parts.one.from", "its own output"),
        # Parts, inputs and targets that nothing takes.
        (TEXT, "  outputs:", "    no: {from: one, layers: [flatten]}\n  outputs:", "11:9", "`no`"),
        (TEXT, "size: num", "size: numeric, more: num", "8:5 model.parts", "the input `more`"),
        (
            TEXT,
            "[price, cut]",
            "[price, cut, more]",
            "12:5 model.outputs: no output predicts",
            "`more`",
        ),
        # Two that feed one slot: the same name twice, one input of a layer, one target.
        (TEXT, "    two:", "    one:", "9:5 the key `one`", "twice"),
        (TEXT, "[one, size]", "[one, size, one]", "9:17 model.parts.two.from", "is there twice"),
        (
            TEXT,
            "size], merge: concatenate",
            "size, age], merge: subtract",
            "9:17 model.parts.two.from",
            "takes 2 inputs. Received 3",
        ),
        (TEXT, "target: cut", "target: price", "13:30 model.outputs.cut.target", "is predicted"),
        # Unknown targets.
        (TEXT, "target: price,", "target: prize,", "12:32 model.outputs.price.target", "`prize`"),
        # Patterns of frozen layers that match nothing, and patterns that are none.
        (
            LORA,
            "lora: {rank: 2, layers: dense}",
            FREEZE,
            "6:30 phases[0].freeze",
            "matches no layer",
        ),
        (TEXT, "freeze: one_", "freeze: (", "15:25 phases[0].freeze", "no regular expression"),
        (LORA, "layers: dense", "layers: (", "5:27 model.lora.layers", "no regular expression"),
        # Features that would change.
        (BACKBONE, "freeze: backbone", "freeze: false", "8:25 phases[0].freeze", "whole backbone"),
    ],
)
def test_each_mistake_is_reported_with_its_line(text, old, new, place, message, tmp_path):
    found = reported(text, old, new, tmp_path)
    assert any(one.startswith(place) and message in one for one in found)
