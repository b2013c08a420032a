"""What happened in a run: two sentences, its results, its folds, what was diagnosed."""

from collections.abc import Sequence
from pathlib import PurePath

from ..record.manifest import BRANCHED
from ..record.result import Result, duration
from .content import RunContent
from .markup import number, rounded, table, text

# The rows of every run after its metrics.
REST = ("status", "epochs", "best epoch", "time", "why it ended")
WORDS = {
    "completed": "was completed",
    "failed": "failed",
    "interrupted": "was interrupted",
    "running": "has not ended: it is running, or was killed",
}
# Metrics that a sentence names.
MOST_NAMED = 3


def sentences(run: RunContent) -> str:
    """How the run ended, and what its weights are worth."""
    return outcome(run.result, run.epochs_logged) + branch_sentence(run)


def branch_sentence(run: RunContent) -> str:
    """How much of a branched run was trained by the run that it started from."""
    other = run.manifest.get(BRANCHED)
    steps = other.get("steps") if isinstance(other, dict) else None
    if not isinstance(other, dict) or not isinstance(steps, int):
        return ""
    trained = f"trained {max(run.result.steps - steps, 0):,} of {run.result.steps:,} steps"
    name = PurePath(str(other.get("run", ""))).name
    sentence = f"It {trained}; the first {steps:,} are those of {name or 'another run'}."
    return f'<p class="lead">{text(sentence)}</p>'


def outcome(result: Result, logged: int = 0) -> str:
    """The same of a result.

    Args:
        logged: epochs that are in the metrics of a run that has not ended.
    """
    epochs = max(result.epochs, logged if result.status == "running" else 0)
    took = f" in {duration(result.seconds)}" if result.seconds else ""
    first = f"The run {WORDS[result.status]}: {epochs} {_plural('epoch', epochs)}{took}"
    first += f", {result.reason.rstrip('.')}." if result.reason else "."
    return f'<p class="lead {text(result.status)}">{text(first)}</p>{_worth(result)}'


def _worth(result: Result) -> str:
    split = "test" if result.test else "validation"
    measured = result.test or result.validation
    if not measured:
        return ""
    names = [name for name in measured if name != "loss"][:MOST_NAMED] or ["loss"]
    values = ", ".join(f"{name.replace('_', ' ')} {measured[name]:.4g}" for name in names)
    best = f" of epoch {result.best_epoch}" if result.best_epoch is not None else ""
    sentence = f"On the {split} rows the saved weights{best} have {values}."
    return f'<p class="lead">{text(sentence)}</p>'


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"


def facts(result: Result) -> dict[str, object]:
    """The rows of a run in a table of results, by name: metrics, then how it ended."""
    measured = {
        f"{split} {name}": value
        for split, values in (("test", result.test), ("validation", result.validation))
        for name, value in values.items()
    }
    rest = (
        result.status,
        result.epochs,
        result.best_epoch,
        duration(result.seconds),
        result.reason,
    )
    return {**measured, **dict(zip(REST, rest, strict=True))}


def results(result: Result) -> str:
    """The results of a run: a row for each metric, a column for each split."""
    splits = {
        name: values
        for name, values in (
            ("training, last epoch", result.train),
            ("validation", result.validation),
            ("test", result.test),
        )
        if values
    }
    measured = {**result.test, **result.validation}
    rows = [
        f'<th scope="row">{text(name)}</th>'
        + "".join(number(values.get(name)) for values in splits.values())
        for name in measured or result.train
    ]
    rest = ((name, value) for name, value in facts(result).items() if name in REST)
    ended = [
        f'<th scope="row">{text(name)}</th><td>{"" if value is None else text(value)}</td>'
        for name, value in rest
    ]
    return (table(["", *splits], rows) if rows else "") + table(["", "run"], ended)


def folds(result: Result) -> str:
    """The validation metrics of each fold, with their mean and standard deviation."""
    if not result.folds:
        return ""
    names = list(result.folds[0]["validation"])
    rows = [
        f"{cell(f'fold {index}')}{''.join(cell(fold['validation'].get(name)) for name in names)}"
        for index, fold in enumerate(result.folds, start=1)
    ]
    spread = (
        cell(f"{rounded(result.validation.get(name))} ± {rounded(result.validation_std.get(name))}")
        for name in names
    )
    rows.append(f"{cell('mean ± standard deviation')}{''.join(spread)}")
    return table(["", *names], rows)


def members(result: Result) -> str:
    """The metrics of each member of an ensemble."""
    if not result.members:
        return ""
    split = "test" if result.members[0]["test"] else "validation"
    names = list(result.members[0][split])
    rows = [
        f"{cell(f'member {index}')}{''.join(cell(member[split].get(name)) for name in names)}"
        for index, member in enumerate(result.members, start=1)
    ]
    return f"<p>{split} rows</p>{table(['', *names], rows)}"


def cell(value: object) -> str:
    """A table cell for text or a number."""
    if value in ("completed", "failed", "interrupted"):
        return f'<td class="{value}">{value}</td>'
    return f"<td>{text(value)}</td>" if isinstance(value, str) else number(value)


def findings(found: Sequence[str]) -> str:
    """What callbacks diagnosed."""
    items = "".join(f"<li>{text(finding)}</li>" for finding in found)
    return f"<ul>{items}</ul>" if items else ""
