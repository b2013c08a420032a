"""Messages go to the standard error of the moment, and a level silences them for a while."""

import logging

from keras_recipes.messages import level, logger


def test_a_message_is_a_line_on_standard_error(capsys):
    logger.info("50% done")
    assert capsys.readouterr() == ("", "50% done\n")


def test_a_level_holds_for_a_block(capsys):
    with level(logging.WARNING):
        logger.info("continues")
        logger.warning("damaged")
    logger.info("after")
    assert capsys.readouterr().err == "damaged\nafter\n"


def test_quiet_prints_the_result_alone(tmp_path, capsys):
    from keras_recipes.recipes.cli import main

    recipe = ["digits_mlp", "epochs=1", "--quiet"]
    assert main(["train", *recipe, "--out", str(tmp_path / "run")]) == 0
    assert main(["train", *recipe, "--resume", "--out", str(tmp_path / "run")]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.count("completed: all 1 epochs were trained") == 2
