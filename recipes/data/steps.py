"""How many updates an epoch makes. Imports no TensorFlow: `plot` asks too."""

from ..errors import DataError


def batch_rows(rows: int, batch_size: int | str) -> int:
    """Rows a batch; `all` is one batch of all rows."""
    if batch_size == "all":
        return rows
    if type(batch_size) is not int or batch_size < 1:  # true is no number
        raise DataError(f"`batch_size` must be `all` or a number from 1. Received {batch_size!r}.")
    if batch_size > rows:
        raise DataError(
            f"data.batch_size: a batch of {batch_size} rows is larger than the training split of "
            f"{rows}. Use `all`, or {rows} at most."
        )
    return batch_size


def steps_per_epoch(rows: int, batch_size: int | str, drop_remainder: bool) -> int:
    """Batches an epoch; the short last one counts unless it is dropped."""
    size = batch_rows(rows, batch_size)
    return rows // size if drop_remainder else -(-rows // size)
