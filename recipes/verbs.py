"""What each verb of the command line does. Every heavy import waits inside its verb."""

import argparse
import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import RecipeError, RequestError

if TYPE_CHECKING:
    from .run.result import Result

Arguments = argparse.Namespace


def list_recipes(arguments: Arguments) -> int:
    """Name and first line of each shipped recipe, and of each sweep."""
    from .spec import shipped
    from .sweep.spec.shipped import sweeps

    recipes, searches = shipped.recipes(), sweeps()
    width = max(len(entry.name) for entry in [*recipes, *searches])
    for entry in recipes:
        print(f"{entry.name:<{width}}  {entry.title}")
    print("\nsweeps:")
    for entry in searches:
        print(f"{entry.name:<{width}}  {entry.title}")
    return 0


def show(arguments: Arguments) -> int:
    """The resolved recipe."""
    from .spec import dump

    print(dump(_load(arguments)), end="")
    return 0


def copy(arguments: Arguments) -> int:
    """A shipped recipe or sweep, as it is written, to a new file."""
    from .spec import shipped
    from .sweep.spec.shipped import sweeps

    searches = {sweep.name: sweep for sweep in sweeps()}
    source = searches.get(arguments.recipe) or shipped.find(arguments.recipe)
    destination = Path(arguments.destination)
    if destination.is_dir():
        destination = destination / source.path.name
    try:
        with open(destination, "x", encoding="utf-8") as file:
            file.write(source.path.read_text(encoding="utf-8"))
    except FileExistsError:
        raise RequestError(f"{destination}: is there already; it is not overwritten.") from None
    except OSError as error:
        raise RequestError(f"{destination}: cannot be written: {error.strerror}.") from None
    print(destination)
    return 0


def validate(arguments: Arguments) -> int:
    """Every mistake of every recipe or sweep; `key=value` words are overrides of all of them."""
    from .spec import load
    from .sweep.spec.load import is_sweep, load_sweep

    overrides = [word for word in arguments.recipes if "=" in word]
    problems = []
    for word in arguments.recipes:
        if "=" in word:
            continue
        try:
            read = load_sweep if is_sweep(word) else load
            read(word, overrides, plugins=arguments.plugin)
            print(f"{word}: ok")
        except RecipeError as error:
            problems.extend(error.problems)
    if problems:
        raise RecipeError(problems)
    return 0


def schema(arguments: Arguments) -> int:
    """The JSON Schema of the recipe language, or of the sweep's."""
    if arguments.sweep:
        from .sweep.spec.json_schema import json_schema
    else:
        from .spec import json_schema

    print(json.dumps(json_schema(), indent=2))
    return 0


def train(arguments: Arguments) -> int:
    """Train and tell where to look."""
    from . import front

    recipe = front.load(arguments.recipe, arguments.overrides, plugins=arguments.plugin)
    if arguments.dry_run:
        from .run.dry_run import dry_run

        print(dry_run(recipe))
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
    from . import front

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
    from .run.reproduce import reproduce as train_again

    found = train_again(
        arguments.run, out=arguments.out, plugins=arguments.plugin, progress=not arguments.quiet
    )
    report = sys.stderr if arguments.json else sys.stdout
    for line in found.surroundings:
        print(f"made with another: {line}", file=report)
    for line in found.differences:
        print(f"differs: {line}", file=report)
    words = "the same, bit for bit" if found.same else f"{len(found.differences)} differences"
    print(f"{found.run} trained again, {found.epochs} epochs: {words}", file=report)
    if arguments.json:
        _print_json(found.to_json())
    return 0 if found.same else 1


def _check_resume(arguments: Arguments) -> None:
    if arguments.resume and arguments.out is None:
        raise RequestError("train --resume: name the run directory with `--out`.")
    if arguments.allow_change and not arguments.resume:
        raise RequestError("train --allow-change: only a run that is resumed has a recipe before.")


def _tell_result(result: "Result", arguments: Arguments) -> int:
    """The result for a person, and as JSON where that is asked for."""
    report = sys.stderr if arguments.json else sys.stdout
    print(f"{result.status}: {result.reason}, {result.seconds:.1f} s", file=report)
    for finding in result.findings:
        print(f"finding: {finding}", file=report)
    for index, member in enumerate(result.members, start=1):
        print(f"member {index}: {_metrics(member['test'] or member['validation'])}", file=report)
    for split in ("validation", "test"):
        if getattr(result, split):
            print(f"{split}: {_metrics(getattr(result, split))}", file=report)
    if result.log_probability:
        print(f"log-probability, nats: {_metrics(result.log_probability)}", file=report)
    print(f"everything is in {result.directory} (open report.html)", file=report)
    if arguments.json:
        _print_json(result.to_json())
    return result.exit_status


def sweep(arguments: Arguments) -> int:
    """Search, or work for a search, and tell what was found."""
    from . import front

    if arguments.worker is not None:
        from .sweep.run.remote import work_for
        from .sweep.spec import load_sweep

        loaded = load_sweep(arguments.sweep, arguments.overrides, plugins=arguments.plugin)
        return work_for(loaded, arguments.worker, out=arguments.out, lease=arguments.lease)
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
    )
    print("\n".join(result.lines()), file=sys.stderr if arguments.json else sys.stdout)
    if arguments.json:
        _print_json(result.to_json())
    return result.exit_status


def evaluate(arguments: Arguments) -> int:
    """Metrics on one split."""
    from .run.reload import evaluate as evaluate_run
    from .run.reload import members as evaluate_members

    values = evaluate_run(arguments.run, arguments.split)
    members = evaluate_members(arguments.run, arguments.split)
    told = {"run": arguments.run, "split": arguments.split, "metrics": values}
    if arguments.json:
        _print_json({**told, "members": members} if members else told)
        return 0
    for index, member in enumerate(members, start=1):
        print(f"member {index}: {_metrics(member)}")
    print(f"{arguments.split}: {_metrics(values)}")
    return 0


def predict(arguments: Arguments) -> int:
    """A CSV table of predictions."""
    from .run.reload import predict as predict_rows

    header, rows = predict_rows(arguments.run, arguments.file)
    if arguments.out is None:
        _write_table(sys.stdout, header, rows)
        return 0
    try:
        with open(arguments.out, "w", encoding="utf-8", newline="") as file:
            _write_table(file, header, rows)
    except OSError as error:
        raise RequestError(f"{arguments.out}: cannot be written: {error.strerror}.") from None
    print(f"{len(rows)} predictions in {arguments.out}")
    return 0


def plot(arguments: Arguments) -> int:
    """A picture of the learning rate over the run, of one recipe or several."""
    from .spec import load

    overrides = [word for word in arguments.recipes if "=" in word]
    words = [word for word in arguments.recipes if "=" not in word]
    if not words:
        raise RequestError("plot: name a recipe to draw.")
    recipes = [load(word, overrides, plugins=arguments.plugin) for word in words]
    from .report.schedule import plot_schedules

    path = Path(arguments.out or f"{'-'.join(recipe.name for recipe in recipes)}-schedule.png")
    plot_schedules(recipes, path)
    print(path)
    return 0


def find_lr(arguments: Arguments) -> int:
    """The range test of a recipe: two rates to train with, and a picture."""
    recipe = _load(arguments)
    from .report.range_test import plot_range_test
    from .run.range_test import range_test

    path = Path(arguments.out or f"{recipe.name}-range-test.png")
    finder = range_test(
        recipe, min_lr=arguments.min_lr, max_lr=arguments.max_lr, steps=arguments.steps
    )
    try:
        suggestions = finder.suggestions()
    except ValueError as error:
        raise RequestError(f"find-lr: {error}") from None
    plot_range_test(finder, suggestions, recipe.name, path)
    print(f"{len(finder.losses)} steps up to a rate of {finder.rates[-1]:.3g}")
    for name, rate in suggestions.items():
        print(f"{name}: learning_rate={rate:.3g}")
    print(path)
    if arguments.json:
        _print_json({"recipe": recipe.name, "suggestions": suggestions, "picture": str(path)})
    return 0


def check_gradients(arguments: Arguments) -> int:
    """Automatic against numerical derivatives, a line for each variable."""
    recipe = _load(arguments)
    from .run.check_gradients import check_gradients as check

    rows = check(recipe, rows=arguments.rows, entries=arguments.entries)
    width = max(len(row.path) for row in rows)
    for row in rows:
        verdict = "ok" if row.error <= arguments.tolerance else "WRONG"
        print(
            f"{row.path:<{width}}  {verdict:<5}  relative error {row.error:.1e} of {row.entries}"
            + (
                ""
                if verdict == "ok"
                else f": {row.automatic:.6g} at {list(row.index)}, "
                f"by differences {row.numerical:.6g}"
            )
        )
    wrong = [row.path for row in rows if not row.error <= arguments.tolerance]
    print(f"{len(rows) - len(wrong)} of {len(rows)} gradients agree to {arguments.tolerance:g}")
    return 1 if wrong else 0


def report(arguments: Arguments) -> int:
    """One HTML page."""
    from .report import write_report
    from .sweep.report import is_sweep_directory, write_sweep_report

    if len(arguments.runs) == 1 and arguments.out is None and is_sweep_directory(arguments.runs[0]):
        print(write_sweep_report(arguments.runs[0]))
        return 0
    print(write_report([Path(run) for run in arguments.runs], arguments.out))
    return 0


VERBS: dict[str, Callable[[Arguments], int]] = {
    "list": list_recipes,
    "show": show,
    "copy": copy,
    "validate": validate,
    "schema": schema,
    "train": train,
    "resume": resume,
    "reproduce": reproduce,
    "sweep": sweep,
    "evaluate": evaluate,
    "predict": predict,
    "plot": plot,
    "find-lr": find_lr,
    "check-gradients": check_gradients,
    "report": report,
}


def _load(arguments: Arguments):
    from .spec import load

    return load(arguments.recipe, arguments.overrides, plugins=arguments.plugin)


def _metrics(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in values.items())


def _print_json(value: dict) -> None:
    from .run.directory import strict

    print(json.dumps(strict(value), allow_nan=False))


def _write_table(file, header: list[str], rows: list[list]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
