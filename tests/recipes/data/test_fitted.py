"""What was learned of columns, as a run keeps it."""

from frames import frame_of_cells as table

from keras_recipes.recipes.data.features import Category, Date, Numeric, Text
from keras_recipes.recipes.data.fitted import FITTED


def test_what_was_learned_is_read_again_as_it_was():
    rows = table(
        n=[1, 2, ""], c=["a", "b", "a"], t=["x y", "y", "z"], d=["2013-01-05", "2013-02-05", ""]
    )
    fitted = tuple(
        feature.fit(name, rows)
        for name, feature in {
            "n": Numeric(),
            "c": Category(),
            "t": Text("tf_idf"),
            "d": Date(),
        }.items()
    )
    assert FITTED.validate_json(FITTED.dump_json(fitted)) == fitted


def test_the_width_of_each_feature_is_that_of_its_numbers():
    rows = table(
        n=[1, 2, ""], c=["a", "b", "a"], t=["x y", "y", "z"], d=["2013-01-05", "2014-02-05", ""]
    )
    for feature, name, width in (
        (Numeric(), "n", 2),
        (Numeric("quantile", indicator=False, bins=2), "n", 2),
        (Category(), "c", 2),
        (Category(min_count=2), "c", 2),
        (Category(output="hashing", dimensions=5), "c", 5),
        (Category(output="embedding"), "c", 1),
        (Date(["year", "month"]), "d", 3),
        (Text(length=7), "t", 7),
    ):
        assert feature.fit(name, rows).width == width
