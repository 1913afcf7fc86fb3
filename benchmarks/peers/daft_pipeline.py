"""The same functions as build-dataset in Daft, as a UDF in processes of its own; runs in an environment with Daft."""

import sys
from pathlib import Path

import daft
import pyarrow as pa

from affectgpt.dataset.schema import SOURCES
from benchmarks.pipeline import annotate_sources, sources_of

PROCESSES = 2
CLIPS_PER_BATCH = 32


@daft.cls(max_concurrency=PROCESSES, use_process=True)
class Annotate:
    """Inspects and annotates a batch of sources."""

    @daft.method.batch(return_dtype=daft.DataType.string(), batch_size=CLIPS_PER_BATCH)
    def outcomes(self, source_key: daft.Series, source_id: daft.Series, uri: daft.Series) -> list[str]:
        """Return how each clip ended."""
        columns = {"source_key": source_key, "source_id": source_id, "uri": uri}
        given = {name: column.to_pylist() for name, column in columns.items()}
        rows = [dict(zip(given, values, strict=True)) | {"attempt": 1} for values in zip(*given.values(), strict=True)]
        return annotate_sources(pa.Table.from_pylist(rows, SOURCES))


def main() -> None:
    """Annotate a folder and count."""
    folder, output = Path(sys.argv[1]), sys.argv[2]
    frame = daft.from_arrow(sources_of(folder).select(["source_key", "source_id", "uri"]))
    annotate = Annotate()
    frame = frame.with_column("outcome", annotate.outcomes(frame["source_key"], frame["source_id"], frame["uri"]))
    frame.write_parquet(output)


if __name__ == "__main__":
    main()
