import hashlib
from pathlib import Path

import pyarrow as pa
import pytest

from affectgpt.errors import RequestError
from affectgpt.evaluation.splits import Split, write_split
from affectgpt.training.data.parts import assign_parts
from affectgpt.training.data.schema import PREPARED_CLIPS
from tests.training.data.clip_tables import clips, named, prepared


def ids(table: pa.Table | None, part: str) -> set[str]:
    assert table is not None
    return {row["clip_id"] for row in table.select(["clip_id", "part"]).to_pylist() if row["part"] == part}


def split_file(folder: Path, **parts: tuple[str, ...]) -> str:
    path = str(folder / "split.csv")
    write_split(Split({part: parts.get(part, ()) for part in ("train", "validation", "test")}), path)
    return path


def test_the_first_by_hash_are_validated_on() -> None:
    table = named("fine", range(50))
    _, fine = assign_parts(None, table, None, 0.1, 256, seed=3)
    order = sorted(table["clip_id"].to_pylist(), key=lambda one: hashlib.sha256(f"3\t{one}".encode()).digest())
    assert ids(fine, "validation") == set(order[:5])
    assert ids(fine, "train") == set(order[5:])
    _, other = assign_parts(None, table, None, 0.1, 256, seed=4)
    assert ids(other, "validation") != set(order[:5])


def test_the_order_of_the_rows_does_not_matter() -> None:
    table = named("coarse", range(100))
    backwards = table.take(list(range(99, -1, -1)))
    one, _ = assign_parts(table, None, None, 0.2, 256, 0)
    other, _ = assign_parts(backwards, None, None, 0.2, 256, 0)
    assert ids(one, "validation") == ids(other, "validation")


@pytest.mark.parametrize(
    ("count", "fraction", "most", "expected"),
    [(1, 0.5, 10, 0), (2, 0.01, 10, 1), (2, 0.99, 10, 1), (10, 0.0, 10, 0), (100, 0.1, 256, 10), (100, 0.5, 7, 7)],
)
def test_how_many_are_validated_on(count: int, fraction: float, most: int, expected: int) -> None:
    coarse, fine = assign_parts(
        named("coarse", range(count), "c"), named("fine", range(count)), None, fraction, most, 0
    )
    for table in (coarse, fine):
        assert len(ids(table, "validation")) == expected
        assert len(ids(table, "train")) == count - expected


def test_what_one_holds_out_the_other_does_not_train_on() -> None:
    in_both = {f"clip {number}" for number in range(280, 300)}
    seeds_that_hold_out_shared_clips = 0
    for seed in range(8):
        coarse, fine = assign_parts(named("coarse", range(300)), named("fine", range(280, 340)), None, 0.1, 8, seed)
        held_out = ids(coarse, "validation") | ids(fine, "validation")
        assert not held_out & (ids(coarse, "train") | ids(fine, "train"))
        assert (len(ids(coarse, "validation")), len(ids(fine, "validation"))) == (8, 6)
        assert len(ids(fine, "train")) == 54, "coarse has enough clips of its own to hold out"
        assert in_both & ids(fine, "validation") <= ids(coarse, "validation")
        seeds_that_hold_out_shared_clips += bool(in_both & ids(fine, "validation"))
    assert seeds_that_hold_out_shared_clips


def test_fine_within_coarse_loses_nothing() -> None:
    coarse, fine = assign_parts(named("coarse", range(1000)), named("fine", range(100)), None, 0.1, 256, 0)
    assert (len(ids(fine, "train")), len(ids(fine, "validation"))) == (90, 10)
    assert ids(fine, "validation") < ids(coarse, "validation")
    assert len(ids(coarse, "train")) == 900


def test_coarse_within_fine_never_trains_on_what_fine_holds_out() -> None:
    left_out = []
    for seed in range(8):
        coarse, fine = assign_parts(named("coarse", range(20)), named("fine", range(40)), None, 0.5, 256, seed)
        assert len(ids(coarse, "validation")) == 10
        assert not ids(coarse, "train") & ids(fine, "validation")
        assert not ids(fine, "train") & ids(coarse, "validation")
        assert coarse is not None
        left_out.append(20 - coarse.num_rows)
    assert any(left_out), "with some seed fine holds out more of these clips than coarse may validate on"


def test_one_content_under_two_names_is_one_clip() -> None:
    fine_rows = [{"clip_id": f"f{number}", "content_sha256": f"content {number}"} for number in range(10)]
    coarse_rows = [{"clip_id": f"c{number}", "content_sha256": f"content {number}"} for number in range(40)]
    coarse, fine = assign_parts(clips("coarse", *coarse_rows), clips("fine", *fine_rows), None, 0.2, 256, 0)
    held_out = {one[1:] for table in (coarse, fine) for one in ids(table, "validation")}
    assert {one[1:] for one in ids(fine, "validation")} < {one[1:] for one in ids(coarse, "validation")}
    assert not held_out & {one[1:] for table in (coarse, fine) for one in ids(table, "train")}


def test_spans_of_one_file_are_the_same_where_they_overlap(tmp_path: Path) -> None:
    talk = {"content_sha256": "talk"}
    coarse = clips(
        "coarse",
        {"clip_id": "before", "end_s": 2.0, **talk},
        {"clip_id": "over", "start_s": 3.5, "end_s": 6.0, **talk},
        {"clip_id": "after", "start_s": 4.0, **talk},
        {"clip_id": "other", "start_s": 2.0, "end_s": 4.0, "content_sha256": "another"},
        {"clip_id": "unknown", "start_s": 2.0, "end_s": 4.0},
    )
    fine = clips("fine", {"clip_id": "held", "start_s": 2.0, "end_s": 4.0, **talk}, {"clip_id": "learnt"})
    for part in ("validation", "test"):
        split = split_file(tmp_path, train=("learnt",), **{part: ("held",)})
        assigned, _ = assign_parts(coarse, fine, split, 0.0, 256, 0)
        assert ids(assigned, "train") == {"before", "after", "other", "unknown"}
        assert ids(assigned, "validation") == set()


def test_spans_of_one_address_are_the_same_where_they_overlap_whatever_tells_the_content(tmp_path: Path) -> None:
    talk = {"uri": "s3://bucket/talk.mp4", "content_sha256": "a hash of its version"}
    coarse = clips(
        "coarse",
        {"clip_id": "over", "start_s": 3.5, "end_s": 6.0, **talk},
        {"clip_id": "after", "start_s": 4.0, **talk},
    )
    held = {"clip_id": "held", "start_s": 2.0, "end_s": 4.0, **talk, "content_sha256": "a hash of its content"}
    signed = {**held, "uri": "s3://bucket/talk.mp4?endpoint_override=host:9000"}
    fine = clips("fine", signed, {"clip_id": "learnt"})
    split = split_file(tmp_path, train=("learnt",), validation=("held",))
    assigned, _ = assign_parts(coarse, fine, split, 0.0, 256, 0)
    assert ids(assigned, "train") == {"after"}


def test_a_split_gives_the_parts_of_both(tmp_path: Path) -> None:
    split = split_file(tmp_path, train=("clip 0", "clip 1"), validation=("clip 2",), test=("clip 3", "clip 9"))
    coarse, fine = assign_parts(named("coarse", range(1, 6)), named("fine", range(4)), split, 0.5, 1, 0)
    assert (ids(fine, "train"), ids(fine, "validation")) == ({"clip 0", "clip 1"}, {"clip 2"})
    assert (ids(coarse, "train"), ids(coarse, "validation")) == ({"clip 1", "clip 4", "clip 5"}, {"clip 2"})
    assert fine is not None
    assert fine.num_rows == 3


def test_a_split_of_other_clips_is_refused(tmp_path: Path) -> None:
    split = split_file(tmp_path, train=("clip 0",), validation=("clip 1",))
    with pytest.raises(RequestError, match=r"does not name 2 of the 4 fine clips: clip 2, clip 3; make one"):
        assign_parts(None, named("fine", range(4)), split, 0.1, 256, 0)


def test_nothing_left_to_train_on_is_refused(tmp_path: Path) -> None:
    split = split_file(tmp_path, test=("clip 0", "clip 1"))
    with pytest.raises(RequestError, match=r"none of the 2 fine clips is left to train on"):
        assign_parts(None, named("fine", range(2)), split, 0.1, 256, 0)


def test_prepared_clips_keep_their_columns() -> None:
    table = prepared(*({"clip_id": f"clip {number}", "content_sha256": str(number)} for number in range(4)))
    _, fine = assign_parts(None, table, None, 0.25, 256, 0)
    assert fine is not None
    assert fine.schema == PREPARED_CLIPS
    assert fine["part"].to_pylist().count("validation") == 1


def test_coarse_clips_are_held_out_where_a_split_names_none_of_them(tmp_path: Path) -> None:
    coarse = pa.concat_tables([named("coarse", range(20), "c"), named("coarse", range(1), "f")])
    fine = named("fine", range(4), "f")
    names = fine["clip_id"].to_pylist()
    split = split_file(tmp_path, train=tuple(names[:2]), validation=(names[2],), test=(names[3],))
    coarse_parts, fine_parts = assign_parts(coarse, fine, split, 0.1, 256, 0)
    assert len(ids(coarse_parts, "validation")) == 2
    assert names[0] in ids(coarse_parts, "train")
    assert ids(fine_parts, "train") == set(names[:2])
    assert ids(fine_parts, "validation") == {names[2]}
