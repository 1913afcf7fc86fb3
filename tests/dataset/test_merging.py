"""Shards that were not built, but written as a run writes them."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from affectgpt.dataset.history import PUBLISHED, Run
from affectgpt.dataset.ledger import Folder, Ledger
from affectgpt.dataset.merging import merge
from affectgpt.dataset.planning import Plan
from affectgpt.dataset.recipe import load_recipe
from affectgpt.dataset.schema import CLIPS, DATA, OUTCOMES, REJECTED
from affectgpt.dataset.shards import Shard
from affectgpt.dataset.summary import Tally, summarise
from affectgpt.errors import JobError, RequestError
from tests.dataset import rows

COUNT = 3
NAMES = [f"clip-{number}" for number in range(12)]
BROKEN = {"clip-3", "clip-8"}


def write_shard(output: Path, shard: Shard, *settings: str) -> Path:
    """Write the shard of some clips, of which those that are broken are rejected."""
    names = [name for name in NAMES if shard.holds(name)]
    facts = {"run_id": "run", "provenance": {"source": {"frames_got": 8}}}
    outcomes = [
        rows.outcome(name, "rejected" if name in BROKEN else "annotated", clip_id=name, **facts) for name in names
    ]
    path = output / "shards" / shard.folder
    folder = Folder.at(str(path))
    Ledger(folder).sources.write_table([rows.sources(*names)], rows.sources(*names).schema)
    table = pa.Table.from_pylist(outcomes, OUTCOMES)
    for name, schema in (("data", DATA), ("rejected", REJECTED)):
        kept = [row for row in outcomes if (row["outcome"] == "annotated") == (name == "data")]
        (folder / name).write_table(pa.Table.from_pylist(kept, OUTCOMES).select(schema.names).to_batches(), schema)
    tally = Tally("run")
    tally.add_outcomes(table.to_pylist())
    plan = Plan(len(names), CLIPS.empty_table(), REJECTED.empty_table(), 0.5)
    report = summarise(
        tally,
        plan,
        [Run("run", "2026-05-03", "node-1", 1.0, 2.0, 4.0, PUBLISHED)],
        load_recipe("laptop", settings),
        str(path),
    )
    folder.write_text("report.json", json.dumps(report))
    return path


@pytest.fixture
def output(tmp_path: Path) -> Path:
    for number in range(1, COUNT + 1):
        write_shard(tmp_path / "out", Shard(number, COUNT))
    return tmp_path / "out"


def test_shards_of_which_one_was_limited_are_refused(output: Path) -> None:
    file = output / "shards" / "0002-of-0003" / "report.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "limit": 4}))
    with pytest.raises(RequestError, match=r"1/3 and 2/3 were built otherwise \(--limit: all -> 4 sources\)"):
        merge(str(output))


def test_shards_of_an_earlier_release_are_merged_too(output: Path) -> None:
    for file in (output / "shards").glob("*/report.json"):
        told = json.loads(file.read_text())
        file.write_text(json.dumps({name: told[name] for name in told if name not in ("open", "uninspected", "runs")}))
    report = merge(str(output))
    assert (report["annotated"], report["open"], report["runs"]) == (10, 0, [])


def clip_ids(folder: Path) -> list[str]:
    return sorted(pq.read_table(folder)["clip_id"].to_pylist())


def test_all_shards_become_one_data_set(output: Path) -> None:
    for _ in range(2):
        report = merge(str(output))
    assert clip_ids(output / "data") == sorted(set(NAMES) - BROKEN)
    assert clip_ids(output / "rejected") == sorted(BROKEN)
    counts = {name: report[name] for name in ("inputs", "annotated", "filtered", "rejected", "annotated_this_run")}
    assert counts == {"inputs": 12, "annotated": 10, "filtered": 0, "rejected": 2, "annotated_this_run": 10}
    assert report["labels"] == [{"label": "happy", "count": 10}]
    assert report["reasons"] == [{"outcome": "rejected", "stage": "decode", "reason": "undecodable", "count": 2}]
    inspect, decode = report["stages"]
    assert (inspect["seconds"], inspect["clips"]) == (0.5 * COUNT, 12)
    assert (decode["seconds"], decode["clips"], decode["clips_per_second"]) == (3.0, 12, 4.0)
    assert (report["wall_s"], report["duration_s"]["total"], report["duration_s"]["max"]) == (12.0, 20.0, 2.0)
    assert report["output"] == str(output)
    assert json.loads((output / "report.json").read_text()) == report
    assert "out" in (output / "README.md").read_text() and "undecodable" in (output / "report.html").read_text()
    assert sorted(path.name for path in output.iterdir()) == [
        *("README.md", "data", "rejected", "report.html", "report.json", "shards")
    ]


def test_nothing_is_merged_before_all_shards_are_whole(output: Path) -> None:
    (output / "shards" / Shard(2, COUNT).folder / "report.json").unlink()
    with pytest.raises(RequestError, match=r"1 of 3 shards are not finished: 2/3; build them"):
        merge(str(output))
    assert not (output / "data").exists()


def test_shards_of_different_numbers_are_not_mixed(output: Path) -> None:
    write_shard(output, Shard(1, 2))
    with pytest.raises(RequestError, match="shards of 2 and of 3 lie side by side"):
        merge(str(output))


def test_shards_of_different_recipes_are_not_mixed(output: Path) -> None:
    write_shard(output, Shard(3, COUNT), "decode.frames=4")
    with pytest.raises(RequestError, match=r"shards 1/3 and 3/3 were built otherwise \(decode.frames: 8 -> 4\)"):
        merge(str(output))


def changed(table: pa.Table, names: list[str]) -> pa.Table:
    return table.set_column(0, "clip_id", pa.array(names, pa.string()))


def test_clips_that_are_lost_or_there_twice_or_elsewhere_are_noticed(output: Path) -> None:
    merge(str(output))
    shard = output / "shards" / Shard(1, COUNT).folder
    [part] = (shard / "data").iterdir()
    whole = pq.read_table(part)
    pq.write_table(whole.slice(1), part)
    with pytest.raises(JobError, match=rf"shard 1/3: data/ has {len(whole) - 1} of {len(whole)} clips; build it again"):
        merge(str(output))
    pq.write_table(changed(whole, [whole["clip_id"][0].as_py()] * len(whole)), part)
    with pytest.raises(JobError, match="shard 1/3: clips are in data/ twice"):
        merge(str(output))
    pq.write_table(whole, part)
    stranger = next(name for name in NAMES if not Shard(1, COUNT).holds(name))
    Ledger(Folder.at(str(shard))).sources.write_table([rows.sources(stranger)], rows.sources(stranger).schema)
    with pytest.raises(JobError, match=rf"shard 1/3: it holds sources of other shards \({stranger}\)"):
        merge(str(output))
    # What was merged before is still there, and whole.
    assert clip_ids(output / "data") == sorted(set(NAMES) - BROKEN)
    assert (output / "report.json").exists()


@pytest.mark.parametrize(
    ("made", "why"),
    [("nothing", "there are no shards; build-dataset --shard i/N makes them"), ("ledger", "built whole")],
)
def test_what_has_no_shards_is_refused(tmp_path: Path, made: str, why: str) -> None:
    output = tmp_path / "out"
    if made == "ledger":
        (output / "ledger").mkdir(parents=True)
    with pytest.raises(RequestError, match=why):
        merge(str(output))
