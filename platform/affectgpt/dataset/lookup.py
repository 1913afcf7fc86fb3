"""Finding the rows of many small tables in one large column."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


class Lookup:
    """Where each value of a column is; it is hashed once, which pyarrow's own functions do for each table anew."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        """Hash a column of strings; of equal ones the first counts."""
        values = column.to_pylist()
        self._places = dict(zip(reversed(values), range(len(values) - 1, -1, -1), strict=True))

    def places(self, values: pa.ChunkedArray) -> NDArray[np.int64]:
        """Give the place of each value, or -1 where the column has it not."""
        return np.array([self._places.get(value, -1) for value in values.to_pylist()], np.int64)

    def holds(self, values: pa.ChunkedArray) -> pa.BooleanArray:
        """Say of each value whether the column has it."""
        return pa.array(self.places(values) >= 0, pa.bool_())
