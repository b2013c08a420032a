"""The verb `sweep`, which searches over the keys of a recipe."""

from ..errors import RequestError
from .options import (
    Arguments,
    Verbs,
    add_deterministic,
    add_json,
    add_quiet,
    add_several,
    add_sweep,
    add_verb,
    print_json,
    print_line,
)

# Options of one side, and what names that side.
SIDES = {
    "token_file": "worker",
    "tls_ca": "worker",
    "tls_cert": "chief",
    "tls_key": "chief",
}


def add(verbs: Verbs) -> None:
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
        "--tls-cert",
        metavar="FILE",
        help="with --chief: certificate of this machine, in PEM format",
    )
    parser.add_argument("--tls-key", metavar="FILE", help="with --tls-cert: its private key")
    parser.add_argument(
        "--tls-ca", metavar="FILE", help="with --worker: certificates to trust; the chief has TLS"
    )
    parser.add_argument(
        "--lease", metavar="SECONDS", type=float, help="silence that ends a worker (default: 30)"
    )
    add_deterministic(parser)
    text = "send the sweep and its trials to a tracker, `mlflow` or `wandb`"
    add_several(parser, "--track", "NAME", text)
    add_quiet(parser)
    add_json(parser)


def sweep(arguments: Arguments) -> int:
    """Run a sweep, or work for one, and print the result."""
    from .. import front

    _check_sides(arguments)
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
            tls_ca=arguments.tls_ca,
        )
    result = front.sweep(
        arguments.sweep,
        arguments.overrides,
        plugins=arguments.plugin,
        out=arguments.out,
        jobs=arguments.jobs,
        chief=arguments.chief,
        tls_cert=arguments.tls_cert,
        tls_key=arguments.tls_key,
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


def _check_sides(arguments: Arguments) -> None:
    """Raise where an option of a worker is given to a chief, or the reverse."""
    for name, side in SIDES.items():
        if getattr(arguments, name) is not None and getattr(arguments, side) is None:
            option = "--" + name.replace("_", "-")
            raise RequestError(f"{option}: is for a {side}; give it together with --{side}.")
