"""Verbs that train a recipe: train, resume, reproduce."""

import argparse
from typing import TYPE_CHECKING, Any

from ..errors import RequestError
from .options import (
    Arguments,
    load_data,
    metrics,
    print_json,
    takes_json,
    takes_plugins,
    takes_quiet,
    takes_recipe,
    takes_run,
    takes_several,
    tell,
    verb,
)

if TYPE_CHECKING:
    from ..record.result import Result


def add(verbs: Any) -> None:
    training = verb(verbs, "train", train, "train a recipe and write a run directory")
    takes_recipe(training)
    training.add_argument(
        "--out", metavar="DIR", help="run directory (default: runs/NAME-DATE-TIME)"
    )
    training.add_argument(
        "--dry-run", action="store_true", help="build everything, print its tables, train nothing"
    )
    takes_quiet(training)
    training.add_argument(
        "--resume", action="store_true", help="go on with the run in --out, if any"
    )
    _takes_changes(training)
    takes_json(training)

    going_on = verb(verbs, "resume", resume, "go on with a run that was killed or interrupted")
    takes_run(going_on)
    going_on.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help="change of its recipe")
    _takes_changes(going_on)
    takes_plugins(going_on)
    takes_quiet(going_on)
    takes_json(going_on)

    again = verb(verbs, "reproduce", reproduce, "train a run once more, and compare bit for bit")
    takes_run(again)
    again.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help="change of its recipe")
    again.add_argument("--out", metavar="DIR", help="keep the second run there")
    takes_quiet(again)
    takes_plugins(again)
    takes_json(again)


def _takes_changes(made: argparse.ArgumentParser) -> None:
    text = "key of the recipe that may differ from that of the run"
    takes_several(made, "--allow-change", "KEY", text)


def train(arguments: Arguments) -> int:
    """Train and tell where to look."""
    from .. import front

    recipe = front.load(arguments.recipe, arguments.overrides, plugins=arguments.plugin)
    if arguments.dry_run:
        data = load_data(recipe)
        from ..run.dry_run import dry_run

        print(dry_run(recipe, data))
        return 0
    _check_resume(arguments)
    result = recipe.train(
        out=arguments.out,
        progress=not arguments.quiet,
        raises=False,
        resume=arguments.resume,
        allow_change=arguments.allow_change,
    )
    return _tell_result(result, arguments)


def resume(arguments: Arguments) -> int:
    """Go on with a run and tell where to look."""
    from .. import front

    result = front.resume(
        arguments.run,
        arguments.overrides,
        plugins=arguments.plugin,
        allow_change=arguments.allow_change,
        progress=not arguments.quiet,
        raises=False,
    )
    return _tell_result(result, arguments)


def reproduce(arguments: Arguments) -> int:
    """Train a run again and tell what differs; status 1 where anything does."""
    from ..run.backend import use_tensorflow

    use_tensorflow()
    from ..run.reproduce import reproduce as train_again

    found = train_again(
        arguments.run,
        arguments.overrides,
        out=arguments.out,
        plugins=arguments.plugin,
        progress=not arguments.quiet,
    )
    for line in found.surroundings:
        tell(arguments, f"made with another: {line}")
    for line in found.differences:
        tell(arguments, f"differs: {line}")
    words = "the same, bit for bit" if found.same else f"{len(found.differences)} differences"
    tell(arguments, f"{found.run} trained again, {found.epochs} epochs: {words}")
    if arguments.json:
        print_json(found.to_json())
    return 0 if found.same else 1


def _check_resume(arguments: Arguments) -> None:
    if arguments.resume and arguments.out is None:
        raise RequestError("train --resume: name the run directory with `--out`.")
    if arguments.allow_change and not arguments.resume:
        raise RequestError("train --allow-change: only a run that is resumed has a recipe before.")


def _tell_result(result: "Result", arguments: Arguments) -> int:
    """The result for a person, and as JSON where that is asked for."""
    tell(arguments, f"{result.status}: {result.reason}, {result.seconds:.1f} s")
    # With progress each finding was printed when it came.
    for finding in result.findings if arguments.quiet else ():
        tell(arguments, f"finding: {finding}")
    for index, member in enumerate(result.members, start=1):
        tell(arguments, f"member {index}: {metrics(member['test'] or member['validation'])}")
    for split in ("validation", "test"):
        if getattr(result, split):
            tell(arguments, f"{split}: {metrics(getattr(result, split))}")
    if result.log_probability:
        tell(arguments, f"log-probability, nats: {metrics(result.log_probability)}")
    tell(arguments, f"everything is in {result.directory} (open report.html)")
    if arguments.json:
        print_json(result.to_json())
    return result.exit_status
