"""Which attempt at a piece of work counts, so that what failed can be tried again without losing what is known."""

import hashlib
import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from affectgpt.dataset.ledger import Ledger
from affectgpt.dataset.schema import CLIPS, OUTCOMES


class Attempts:
    """Names attempts at pieces of work: the latest one made, or one more where failures are to be tried again.

    The key of an attempt is a hash of the facts that decide its result and of its number, so that work is done again
    exactly when one of the facts has changed.
    """

    def __init__(self, known: set[str], failed: set[str], retry: bool) -> None:
        self._known = known
        self._failed = failed
        self._retry = retry

    def without_known(self, rows: pa.RecordBatch, key_column: str) -> pa.RecordBatch:
        """Leave out the rows whose attempt was made."""
        return rows.filter(pa.array([key not in self._known for key in rows[key_column].to_pylist()], pa.bool_()))

    def of(self, facts: Sequence[str | float | None]) -> tuple[str, int]:
        """Return the key and the number (from 1) of the attempt that counts at the work with these facts."""
        attempt = 1
        key = _key(facts, attempt)
        while key in self._failed:
            following = _key(facts, attempt + 1)
            if following not in self._known and not self._retry:
                break
            key, attempt = following, attempt + 1
        return key, attempt


def _key(facts: Sequence[str | float | None], attempt: int) -> str:
    return hashlib.sha256(json.dumps([*facts, attempt]).encode()).hexdigest()[:32]


def source_attempts(ledger: Ledger, retry: bool) -> Attempts:
    """Know which sources were inspected before, and which of them could not be used."""
    known, failed = set(), set()
    for batch in ledger.clips.read_batches(["source_key", "error"], CLIPS):
        known.update(batch["source_key"].to_pylist())
        failed.update(batch.filter(pc.is_valid(batch["error"]))["source_key"].to_pylist())
    return Attempts(known, failed, retry)


def clip_attempts(ledger: Ledger, retry: bool) -> Attempts:
    """Know which clips have an outcome from before, and which of them were rejected."""
    known, failed = set(), set()
    for batch in ledger.outcomes.read_batches(["work_id", "outcome"], OUTCOMES):
        known.update(batch["work_id"].to_pylist())
        failed.update(batch.filter(pc.equal(batch["outcome"], "rejected"))["work_id"].to_pylist())
    return Attempts(known, failed, retry)
