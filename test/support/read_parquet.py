"""Reads an archived day as others would: pyarrow and hashlib know nothing of Longwatch.

Prints what it found as JSON.
"""
import datetime
import hashlib
import json
import pathlib
import sys

import pyarrow.parquet as pq

folder = pathlib.Path(sys.argv[1])
found = []
for path in sorted(folder.glob("*.parquet")):
    file = pq.ParquetFile(path)
    # The folder's name is a column only of a dataset; this is the file alone.
    table = file.read()
    statistics = [
        [file.metadata.row_group(i).column(c).statistics for c in range(2)] for i in range(file.metadata.num_row_groups)
    ]
    rows = [
        {
            **row,
            "ts": int(row["ts"].replace(tzinfo=row["ts"].tzinfo or datetime.timezone.utc).timestamp() * 1000 + 0.5),
        }
        for row in table.to_pylist()
    ]
    found.append(
        {
            "name": path.name,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "bytes": path.stat().st_size,
            "rows": rows,
            "utc": str(table.schema.field("ts").type),
            "compression": file.metadata.row_group(0).column(0).compression,
            "devices": [[s[0].min, s[0].max] for s in statistics],
        }
    )
json.dump(found, sys.stdout)
