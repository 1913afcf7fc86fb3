"""From the ledger to the finished data set: whole Parquet parts of a size that readers like."""

import secrets
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from affectgpt.dataset.filtering import FILTERED, MEASURED, apply_filters
from affectgpt.dataset.filters import FiltersSection
from affectgpt.dataset.ledger import Folder, Ledger
from affectgpt.dataset.lookup import Lookup
from affectgpt.dataset.planning import Plan
from affectgpt.dataset.schema import DATA, OUTCOMES, REJECTED
from affectgpt.dataset.versions import archive

MAX_ROWS_PER_PART = 10_000_000
ROWS_PER_GROUP = 10_000


def find_filtered(ledger: Ledger, plan: Plan, filters: FiltersSection) -> pa.Table:
    """Find the annotated clips that are left out of the data set: rows of ``affectgpt.dataset.filtering.FILTERED``."""
    if not filters.measures() and not filters.needs_fingerprint():
        return FILTERED.empty_table()
    measured = [
        table.filter(pc.equal(table["outcome"], "annotated")).select(MEASURED.names)
        for table in outcome_batches(ledger, plan, FILTERED.empty_table())
    ]
    return apply_filters(pa.concat_tables([MEASURED.empty_table(), *measured]), filters)


def outcome_batches(ledger: Ledger, plan: Plan, filtered: pa.Table) -> Iterator[pa.Table]:
    """Read one outcome for each of the plan's clips, part by part, with the places where the clips lie now.

    Args:
        ledger: where the outcomes are.
        plan: whose clips are wanted.
        filtered: rows of FILTERED: the annotated clips that are left out.
    """
    planned, left_out = Lookup(plan.work["work_id"]), Lookup(filtered["work_id"])
    uris = plan.work["uri"]
    taken = np.zeros(plan.work.num_rows, np.bool_)
    for info in ledger.outcomes.files(".parquet"):
        table = pq.read_table(info.path, filesystem=ledger.outcomes.filesystem, schema=OUTCOMES)
        places = planned.places(table["work_id"])
        known = np.flatnonzero(places >= 0)
        first = known[~taken[places[known]]]
        taken[places[first]] = True
        table = table.take(first)
        table = _with_column(table, "uri", uris.take(places[first]))
        yield _with_filtered(table, filtered, left_out) if filtered.num_rows else table


def _with_filtered(table: pa.Table, filtered: pa.Table, left_out: Lookup) -> pa.Table:
    """Let the outcome of clips that are left out be ``filtered``, with filter, score and message."""
    found_at = left_out.places(table["work_id"])
    is_filtered = pa.array(found_at >= 0)
    places = pa.array(found_at, mask=found_at < 0)
    found = {
        "outcome": pa.scalar("filtered"),
        "stage": pa.scalar("filter"),
        "error": filtered["filter"].take(places),
        "message": filtered["message"].take(places),
        "score": filtered["score"].take(places),
    }
    for name, values in found.items():
        table = _with_column(table, name, pc.if_else(is_filtered, values, table[name]))
    return table


def _with_column(table: pa.Table, name: str, values: pa.ChunkedArray) -> pa.Table:
    return table.set_column(OUTCOMES.get_field_index(name), OUTCOMES.field(name), values)


def publish(
    output: Folder,
    ledger: Ledger,
    plan: Plan,
    filtered: pa.Table,
    part_mib: int,
    check_claim: Callable[[], None],
) -> None:
    """Write ``data/`` and ``rejected/`` anew; what another recipe made becomes a version of its own.

    The parts are complete in the ledger before the first of them is moved, and the reports, which say that the output
    is whole, are absent while they are moved. ``check_claim`` raises where the output is this run's no more; parts are
    staged apart from those of other runs, so that one that was taken for dead disturbs nothing.
    """
    rows_per_part = _rows_per_part(ledger, part_mib)
    staged = _new_staging(ledger)
    annotated = _selected(ledger, plan, filtered, lambda outcome: pc.equal(outcome, "annotated"), DATA)
    _write_parts(staged / "data", annotated, DATA, rows_per_part)
    others = _selected(ledger, plan, filtered, lambda outcome: pc.not_equal(outcome, "annotated"), REJECTED)
    _write_parts(staged / "rejected", _chained(plan.settled, others), REJECTED, rows_per_part)
    check_claim()
    archive(output)
    withdraw_reports(output)
    for name in ("data", "rejected"):
        check_claim()
        _replace(output / name, staged / name)
    check_claim()
    ledger.staging.clear()


def publish_rejected(output: Folder, ledger: Ledger, plan: Plan, check_claim: Callable[[], None]) -> None:
    """Write ``rejected/`` anew with what is settled, for a run that ends before anything is annotated."""
    staged = _new_staging(ledger)
    _write_parts(staged / "rejected", iter(plan.settled.to_batches()), REJECTED, MAX_ROWS_PER_PART)
    check_claim()
    withdraw_reports(output)
    _replace(output / "rejected", staged / "rejected")
    ledger.staging.clear()


def _new_staging(ledger: Ledger) -> Folder:
    return ledger.staging / secrets.token_hex(4)


def withdraw_reports(output: Folder) -> None:
    """Delete the reports, which say that an output is whole."""
    for name in ("report.json", "report.html"):
        output.delete(name)


def read_rejected(output: Folder) -> pa.Table:
    """Read the published table of clips that were filtered or rejected."""
    return pa.Table.from_batches((output / "rejected").read_batches(REJECTED.names, REJECTED), REJECTED)


def _rows_per_part(ledger: Ledger, part_mib: int) -> int:
    files = ledger.outcomes.files(".parquet")
    size = sum(info.size for info in files)
    rows = sum(pq.read_metadata(info.path, filesystem=ledger.outcomes.filesystem).num_rows for info in files)
    return max(ROWS_PER_GROUP, min(MAX_ROWS_PER_PART, int(rows * part_mib * 2**20 // max(size, 1))))


def _selected(
    ledger: Ledger,
    plan: Plan,
    filtered: pa.Table,
    wanted: Callable[[pa.ChunkedArray], pa.ChunkedArray],
    schema: pa.Schema,
) -> Iterator[pa.RecordBatch]:
    for table in outcome_batches(ledger, plan, filtered):
        yield from table.filter(wanted(table["outcome"])).select(schema.names).cast(schema).to_batches(ROWS_PER_GROUP)


def _chained(table: pa.Table, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from table.to_batches(ROWS_PER_GROUP)
    yield from batches


def _write_parts(folder: Folder, batches: Iterator[pa.RecordBatch], schema: pa.Schema, rows_per_part: int) -> None:
    folder.clear()
    groups = _row_groups(batches, schema)
    group: pa.Table | None = next(groups, schema.empty_table())
    number = 0
    while group is not None:
        with pq.ParquetWriter(f"{folder.path}/part-{number}.parquet", schema, filesystem=folder.filesystem) as writer:
            rows = 0
            while group is not None and rows < rows_per_part:
                writer.write_table(group)
                rows += group.num_rows
                group = next(groups, None)
        number += 1


def _row_groups(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Gather batches, however small, to tables of ``ROWS_PER_GROUP`` rows or a little more."""
    gathered: list[pa.RecordBatch] = []
    for batch in batches:
        gathered.append(batch)
        if sum(one.num_rows for one in gathered) >= ROWS_PER_GROUP:
            yield pa.Table.from_batches(gathered, schema)
            gathered = []
    if gathered:
        yield pa.Table.from_batches(gathered, schema)


def _replace(target: Folder, staged: Folder) -> None:
    target.clear()
    target.take_files(staged)
