"""A network as boxes with arrows."""

from tables import write_table

import keras_recipes
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.cli import main
from keras_recipes.recipes.record.boxes import Box, columns
from keras_recipes.recipes.run.drawing import boxes_of

PARTS = {
    "all": {"from": "*", "layers": [{"dense": {"units": 6, "activation": "relu"}}]},
    "end": {"from": "all", "layers": [{"residual": [{"dense": {"units": 6}}]}]},
    "joined": {"from": ["all", "end"]},
}
OUTPUTS = {"price": {"from": "all", "task": "regression", "weight": 0.5}, "cut": {}}


def test_boxes_have_their_layers_shapes_and_sources(tmp_path):
    path = write_table("diamonds", tmp_path, 40)
    recipe = keras_recipes.load({
        "name": "x", "data": {"source": {"csv": {"path": str(path)}}, "target": ["price", "cut"],
            "batch_size": 8},
        "model": {"parts": PARTS, "outputs": OUTPUTS},
    })  # fmt: skip
    boxes = {box.name: box for box in boxes_of(recipe, data_of(recipe))}
    assert boxes["*"].lines[:2] == ("carat", "color")
    assert boxes["all"] == Box("all", ("dense units=6 activation=relu", "gives (6,)"), ("*",))
    assert boxes["end"].lines == ("residual:", "  dense units=6", "gives (6,)")
    assert boxes["joined"] == Box("joined", ("concatenate", "gives (12,)"), ("all", "end"))
    assert boxes["price: output"].sources == ("all",)
    assert boxes["cut: output"] == Box("cut: output", ("gives (3,)", "weight 1.0"), ("joined",))
    assert columns(list(boxes.values()))["cut: output"] == 4


def test_a_list_of_layers_is_drawn_too(tmp_path):
    out = tmp_path / "model.png"
    assert main(["plot", "--model", "digits_mlp", "--out", str(out)]) == 0
    assert out.stat().st_size > 1000
