"""The verb that prints a script of completions for a shell: completion."""

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .options import Arguments, Verbs, add_verb

PROGRAM = "keras-recipes"


def add(verbs: Verbs) -> None:
    text = 'print completions for a shell, as in `eval "$(keras-recipes completion bash)"`'
    parser = add_verb(verbs, "completion", completion, text)
    parser.add_argument("shell", choices=sorted(SHELLS))
    # The parser of all verbs, from which the scripts are made.
    parser.set_defaults(all_verbs=verbs)


@dataclass(frozen=True)
class Verb:
    """A verb as it is completed.

    Attributes:
        name: what it is called.
        text: what it does.
        options: its options, with what each does.
        words: what may stand without an option, beside files.
    """

    name: str
    text: str
    options: Sequence[tuple[str, str]]
    words: Sequence[str]


def completion(arguments: Arguments) -> int:
    """Print the script."""
    print(SHELLS[arguments.shell](verbs_of(arguments.all_verbs)))
    return 0


def verbs_of(verbs: Verbs) -> list[Verb]:
    """The verbs of the command line, from their parsers."""
    from ..spec import shipped
    from ..spec.shipped import sweeps

    names = {
        "recipe": [entry.name for entry in shipped.recipes()],
        "sweep": [entry.name for entry in sweeps()],
    }
    names["recipes"] = names["recipe"]
    texts = {action.dest: action.help or "" for action in verbs._choices_actions}
    return [
        Verb(name, _plain(texts.get(name, "")), _options(parser), _words(parser, names))
        for name, parser in verbs.choices.items()
    ]


def _options(parser: argparse.ArgumentParser) -> list[tuple[str, str]]:
    return [
        (option, _plain(action.help or ""))
        for action in parser._actions
        for option in action.option_strings
    ]


def _words(parser: argparse.ArgumentParser, names: dict[str, list[str]]) -> list[str]:
    for action in parser._actions:
        if not action.option_strings:
            return [*map(str, action.choices)] if action.choices else names.get(action.dest, [])
    return []


def _plain(text: str) -> str:
    """A help text in one line, without what a shell reads as its own."""
    return " ".join(re.sub(r"[^\w .,;:()/=-]", "", text.replace("%%", "%")).split())


def bash(verbs: Sequence[Verb]) -> str:
    """For bash."""
    cases = "\n".join(
        f'    {verb.name}) options="{" ".join(option for option, _ in verb.options)}"'
        f' words="{" ".join(verb.words)}" ;;'
        for verb in verbs
    )
    return f"""\
_keras_recipes() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" options="" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{" ".join(verb.name for verb in verbs)}" -- "$current"))
    return
  fi
  case "${{COMP_WORDS[1]}}" in
{cases}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$options" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$current") $(compgen -f -- "$current")) ;;
  esac
}}
complete -o filenames -F _keras_recipes {PROGRAM}"""


def zsh(verbs: Sequence[Verb]) -> str:
    """For zsh, by `eval` or as the file `_keras-recipes` of a folder in `fpath`."""
    named = "\n".join(f"    '{verb.name}:{verb.text.replace(':', ';')}'" for verb in verbs)
    cases = "\n".join(
        f"    {verb.name}) options=({' '.join(option for option, _ in verb.options)})"
        f" names=({' '.join(verb.words)}) ;;"
        for verb in verbs
    )
    return f"""\
#compdef {PROGRAM}
_keras_recipes() {{
  local -a verbs options names
  verbs=(
{named}
  )
  if (( CURRENT == 2 )); then _describe verb verbs; return; fi
  case $words[2] in
{cases}
  esac
  if [[ $words[CURRENT] == -* ]]; then compadd -- $options
  else compadd -- $names; _files; fi
}}
compdef _keras_recipes {PROGRAM}"""


def fish(verbs: Sequence[Verb]) -> str:
    """For fish."""
    begin = f"complete -c {PROGRAM}"
    lines = [f"{begin} -n __fish_use_subcommand -f -a {v.name} -d '{v.text}'" for v in verbs]
    for verb in verbs:
        chosen = f"{begin} -n '__fish_seen_subcommand_from {verb.name}'"
        for option, text in verb.options:
            kind = f"-l {option[2:]}" if option.startswith("--") else f"-s {option[1:]}"
            lines.append(f"{chosen} {kind} -d '{text}'")
        if verb.words:
            lines.append(f"{chosen} -a '{' '.join(verb.words)}'")
    return "\n".join(lines)


SHELLS: dict[str, Callable[[Sequence[Verb]], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
