"""Completions, by the shells that are installed."""

import shutil
import subprocess

import pytest

from keras_recipes.recipes.cli import main, parser


def script(shell, capsys):
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


def completed(text, words):
    """What bash offers for words, the last of which is completed."""
    quoted = " ".join(f"'{word}'" for word in words)
    ask = f"\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _keras_recipes"
    command = f'{text}{ask}\nprintf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_bash_completes_verbs_options_and_recipes(capsys):
    text = script("bash", capsys)
    assert completed(text, ["keras-recipes", "comp"]) == ["compare", "completion"]
    assert completed(text, ["keras-recipes", "train", "--dry"]) == ["--dry-run"]
    assert completed(text, ["keras-recipes", "train", "digits_m"]) == ["digits_mlp"]
    assert completed(text, ["keras-recipes", "sweep", "digits_l"]) == ["digits_learning_rate"]
    assert completed(text, ["keras-recipes", "completion", "z"]) == ["zsh"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_verb_and_option_is_there(shell, capsys):
    text = script(shell, capsys)
    verbs = next(a for a in parser()._actions if a.dest == "verb").choices
    assert len(verbs) > 20
    for name, each in verbs.items():
        assert name in text
        for action in each._actions:
            for option in action.option_strings:
                assert (option.lstrip("-") if shell == "fish" else option) in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_reads_it(shell, capsys, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    path = tmp_path / "script"
    path.write_text(script(shell, capsys))
    subprocess.run([shell, "-n", str(path)], check=True)
