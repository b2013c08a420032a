"""Files of tables piece by piece."""

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from keras_recipes.recipes.data.column_file import BATCH_ROWS, ColumnFile, ColumnWriter
from keras_recipes.recipes.data.table_files import PARQUET_ROWS, open_parquet

GROUPS = 8


def test_row_groups_that_were_read_leave_the_memory(tmp_path):
    path, rng = tmp_path / "table.parquet", np.random.default_rng(0)
    with parquet.ParquetWriter(path, pa.schema([("x", pa.float64())])) as writer:
        for _ in range(GROUPS):
            writer.write_table(pa.table({"x": rng.normal(size=4 * PARQUET_ROWS)}))
    stream = open_parquet(path).columns.file.stream
    before, held = pa.total_allocated_bytes(), []
    for pieces in stream(["x"]):
        del pieces
        held.append(pa.total_allocated_bytes() - before)
    group = 8 * 4 * PARQUET_ROWS
    assert max(held) < 3 * group < GROUPS * group


def test_a_writer_of_a_column_keeps_no_more_than_a_part_of_a_batch(tmp_path):
    before = pa.total_allocated_bytes()
    writer = ColumnWriter(tmp_path / "x", pa.float64())
    for piece in range(4):
        writer.add(pa.array(range(BATCH_ROWS), pa.float64()))
        assert pa.total_allocated_bytes() == before, piece
    writer.add(pa.array([0.5]))
    writer.finish()
    assert ColumnFile(tmp_path / "x").whole().to_pylist() == [*range(BATCH_ROWS)] * 4 + [0.5]
