"""Verbs that train a recipe: train, resume, branch, reproduce."""

import argparse
import os
from typing import TYPE_CHECKING, TypedDict

from ..errors import RequestError
from .options import (
    Arguments,
    Verbs,
    add_deterministic,
    add_json,
    add_plugins,
    add_quiet,
    add_recipe,
    add_run,
    add_several,
    add_verb,
    check_run,
    load_data,
    metrics,
    print_json,
    print_line,
)

if TYPE_CHECKING:
    from ..record.result import Result


def add(verbs: Verbs) -> None:
    training = add_verb(verbs, "train", train, "train a recipe and write a run directory")
    add_recipe(training)
    training.add_argument(
        "--out", metavar="DIR", help="run directory (default: runs/NAME-DATE-TIME)"
    )
    training.add_argument(
        "--dry-run",
        action="store_true",
        help="build everything and print its tables only",
    )
    add_deterministic(training)
    add_quiet(training)
    training.add_argument(
        "--resume", action="store_true", help="continue the run in --out, if there is one"
    )
    _add_allow_change(training)
    _add_track(training)
    _add_devices(training)
    add_json(training)

    resuming = add_verb(verbs, "resume", resume, "continue a run that was killed or interrupted")
    add_run(resuming)
    resuming.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help="change to its recipe")
    _add_allow_change(resuming)
    _add_track(resuming)
    _add_devices(resuming)
    add_plugins(resuming)
    add_deterministic(resuming)
    add_quiet(resuming)
    add_json(resuming)

    branching = add_verb(
        verbs, "branch", branch, "start a new run from the state of a run at a step"
    )
    add_run(branching)
    branching.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help="change to its recipe")
    branching.add_argument(
        "--at", metavar="WHEN", required=True, help="`500 steps`, `3 epochs` or `60%%` of the run"
    )
    branching.add_argument(
        "--out", metavar="DIR", help="run directory (default: runs/NAME-DATE-TIME)"
    )
    add_plugins(branching)
    add_deterministic(branching)
    add_quiet(branching)
    add_json(branching)

    again = add_verb(verbs, "reproduce", reproduce, "train a run again, and compare bit for bit")
    add_run(again)
    again.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help="change to its recipe")
    again.add_argument("--out", metavar="DIR", help="keep the second run there")
    add_deterministic(again)
    add_quiet(again)
    add_plugins(again)
    add_json(again)


def _add_allow_change(parser: argparse.ArgumentParser) -> None:
    text = "key of the recipe that may differ from that of the run"
    add_several(parser, "--allow-change", "KEY", text)


def _add_track(parser: argparse.ArgumentParser) -> None:
    text = "experiment tracker beside those of the recipe, mlflow or wandb"
    add_several(parser, "--track", "NAME", text)


def _add_devices(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--devices", metavar="N", help="devices of this machine that share a batch, or `all`"
    )
    parser.add_argument(
        "--workers", metavar="N", type=int, help="processes on this machine that share a batch"
    )
    parser.add_argument(
        "--worker-timeout",
        metavar="SECONDS",
        type=float,
        help="silence after which a worker counts as lost (default: 60)",
    )
    parser.add_argument(
        "--exact-shards",
        metavar="S",
        type=int,
        help="sum over S shards in one order: the same bits with any number of workers",
    )


class DeviceOptions(TypedDict):
    """The arguments of `train` and `resume` that say which devices train."""

    devices: int | str | None
    exact_shards: int | None
    worker_timeout: float | None


def _devices(arguments: Arguments) -> DeviceOptions:
    return {
        "devices": arguments.devices,
        "exact_shards": arguments.exact_shards,
        "worker_timeout": arguments.worker_timeout,
    }


def train(arguments: Arguments) -> int:
    """Train a recipe and print the result."""
    if arguments.workers is not None:
        return _launched(arguments)
    from .. import front

    recipe = front.load(arguments.recipe, arguments.overrides, plugins=arguments.plugin)
    if arguments.dry_run:
        data = load_data(recipe)
        from ..devices.request import asked
        from ..run.analysis import dry_run, shares

        print(dry_run(recipe, data))
        request = asked(os.environ, **_devices(arguments))
        if not request.alone:
            print(shares(recipe, data, request))
        return 0
    _check_resume(arguments)
    result = recipe.train(
        out=arguments.out,
        progress=not arguments.quiet,
        raises=False,
        resume=arguments.resume,
        allow_change=arguments.allow_change,
        track=arguments.track,
        **_devices(arguments),
    )
    return _print_result(result, arguments)


def _launched(arguments: Arguments) -> int:
    """Start the workers on this machine, each with the same request."""
    from ..devices.launch import launch

    return launch(arguments.words, arguments.workers, arguments.worker_timeout)


def resume(arguments: Arguments) -> int:
    """Resume a run and print the result."""
    if arguments.workers is not None:
        return _launched(arguments)
    from .. import front

    result = front.resume(
        arguments.run,
        arguments.overrides,
        plugins=arguments.plugin,
        allow_change=arguments.allow_change,
        track=arguments.track,
        progress=not arguments.quiet,
        raises=False,
        **_devices(arguments),
    )
    return _print_result(result, arguments)


def branch(arguments: Arguments) -> int:
    """Branch a run and print the result."""
    check_run(arguments.run)
    from .. import front

    result = front.branch(
        arguments.run,
        arguments.at,
        arguments.overrides,
        out=arguments.out,
        plugins=arguments.plugin,
        progress=not arguments.quiet,
        raises=False,
    )
    return _print_result(result, arguments)


def reproduce(arguments: Arguments) -> int:
    """Train a run again and print the differences; status 1 if there are any."""
    check_run(arguments.run)
    from ..run.reproduce import reproduce as train_again

    found = train_again(
        arguments.run,
        arguments.overrides,
        out=arguments.out,
        plugins=arguments.plugin,
        progress=not arguments.quiet,
    )
    for line in found.surroundings:
        print_line(arguments, f"environment differs: {line}")
    for line in found.differences:
        print_line(arguments, f"differs: {line}")
    words = "the same, bit for bit" if found.same else f"{len(found.differences)} differences"
    print_line(arguments, f"{found.run} trained again, {found.epochs} epochs: {words}")
    if arguments.json:
        print_json(found.to_json())
    return 0 if found.same else 1


def _check_resume(arguments: Arguments) -> None:
    if arguments.resume and arguments.out is None:
        raise RequestError("train --resume: name the run directory with `--out`.")
    if arguments.allow_change and not arguments.resume:
        raise RequestError("train --allow-change: only applies to a resumed run; add `--resume`.")


def _print_result(result: "Result", arguments: Arguments) -> int:
    """Print the result, and as JSON if requested."""
    print_line(arguments, f"{result.status}: {result.reason}, {result.seconds:.1f} s")
    # With progress, findings were printed during training.
    for finding in result.findings if arguments.quiet else ():
        print_line(arguments, f"finding: {finding}")
    for index, member in enumerate(result.members, start=1):
        print_line(arguments, f"member {index}: {metrics(member['test'] or member['validation'])}")
    for index, fold in enumerate(result.folds, start=1):
        print_line(arguments, f"fold {index}: {metrics(fold['validation'])}")
    for split, spread in (("validation", result.validation_std), ("test", {})):
        if getattr(result, split):
            print_line(arguments, f"{split}: {metrics(getattr(result, split), spread)}")
    for split, figures in result.quality.items():
        print_line(arguments, f"{split} quality: {metrics(figures)}")
    several = isinstance(result.threshold, dict)
    thresholds = result.threshold if isinstance(result.threshold, dict) else {"": result.threshold}
    for name, threshold in thresholds.items():
        if threshold is not None and len(threshold) == 1:
            print_line(arguments, f"{f'{name} ' * several}threshold: {threshold[0]:.4f}")
    if result.log_probability:
        print_line(arguments, f"log-probability, nats: {metrics(result.log_probability)}")
    if os.path.isdir(result.directory):  # its disk may be gone
        print_line(arguments, f"everything is in {result.directory} (open report.html)")
    if arguments.json:
        print_json(result.to_json())
    return result.exit_status
