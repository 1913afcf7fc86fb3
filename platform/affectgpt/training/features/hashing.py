"""The content of files, hashed in tasks that load nothing of the model."""

from typing import Any

import pyarrow as pa

from affectgpt.clips.storage import content_sha256
from affectgpt.errors import ClipError

HASHES = pa.schema([("uri", pa.string()), ("sha256", pa.string()), ("error", pa.string()), ("message", pa.string())])


def hash_block(table: pa.Table) -> pa.Table:
    """Hash the files of a table with the column ``uri``; returns HASHES."""
    rows: list[dict[str, Any]] = []
    for uri in table["uri"].to_pylist():
        try:
            rows.append({"uri": uri, "sha256": content_sha256(uri)})
        except ClipError as error:
            rows.append({"uri": uri, "error": error.reason, "message": error.message})
    return pa.Table.from_pylist(rows, HASHES)
