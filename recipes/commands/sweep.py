"""The verb `sweep`, which searches over the keys of a recipe."""

from typing import Any

from ..errors import RequestError
from .options import (
    Arguments,
    add_json,
    add_quiet,
    add_several,
    add_sweep,
    add_verb,
    print_json,
    print_line,
)


def add(verbs: Any) -> None:
    text = "search over the keys of a recipe; the same command resumes"
    parser = add_verb(verbs, "sweep", sweep, text)
    add_sweep(parser)
    parser.add_argument("--out", metavar="DIR", help="directory (default: sweeps/NAME)")
    parser.add_argument("--jobs", metavar="N", type=int, help="trials at once on this machine")
    far = parser.add_mutually_exclusive_group()
    far.add_argument("--chief", metavar="HOST:PORT", help="answer workers of other machines there")
    far.add_argument("--worker", metavar="HOST:PORT", help="work for the chief at this address")
    parser.add_argument(
        "--token-file", metavar="FILE", help="with --worker: a copy of DIR/token of the chief"
    )
    parser.add_argument(
        "--lease", metavar="SECONDS", type=float, help="silence that ends a worker (default: 30)"
    )
    text = "send the sweep and its trials to a tracker, `mlflow` or `wandb`"
    add_several(parser, "--track", "NAME", text)
    add_quiet(parser)
    add_json(parser)


def sweep(arguments: Arguments) -> int:
    """Run a sweep, or work for one, and print the result."""
    from .. import front

    if arguments.worker is not None:
        from ..sweep.run.sweep import work_for
        from ..sweep.spec import load_sweep

        loaded = load_sweep(arguments.sweep, arguments.overrides, plugins=arguments.plugin)
        return work_for(
            loaded,
            arguments.worker,
            out=arguments.out,
            lease=arguments.lease,
            token_file=arguments.token_file,
        )
    if arguments.token_file is not None:
        raise RequestError("--token-file: is for a worker; give it together with --worker.")
    result = front.sweep(
        arguments.sweep,
        arguments.overrides,
        plugins=arguments.plugin,
        out=arguments.out,
        jobs=arguments.jobs,
        chief=arguments.chief,
        lease=arguments.lease,
        progress=not arguments.quiet,
        raises=False,
        track=arguments.track,
    )
    for line in result.lines():
        print_line(arguments, line)
    if arguments.json:
        print_json(result.to_json())
    return result.exit_status
