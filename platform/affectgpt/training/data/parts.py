"""Parts clips are learnt from or validated on, so that nothing is learnt from what is held out, in either data set."""

import hashlib
import heapq
import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from affectgpt.clips.storage import address_of
from affectgpt.errors import RequestError
from affectgpt.evaluation.splits import Split, read_split
from affectgpt.training.data.schema import CLIPS

_TRAIN, _VALIDATION, _OUT = 0, 1, 2
_PARTS = pa.array(["train", "validation"])
_NAMES_SHOWN = 5

Mask = NDArray[np.bool_]


def assign_parts(
    coarse: pa.Table | None, fine: pa.Table | None, split_uri: str | None, fraction: float, most_clips: int, seed: int
) -> tuple[pa.Table | None, pa.Table | None]:
    """Say for each clip whether it is trained or validated on, and take out those that may be neither.

    Two clips are the same if they have one id, or one content or address (see
    ``affectgpt.clips.storage.address_of``) and spans that overlap. What one data set holds out is never trained on in
    the other.

    With a split, its validation clips are validated on and its test clips are taken out of both data sets. Coarse
    clips that it does not name are trained on; where it names none to validate on, a share of them is held out as
    without a split. Without one, a share of each data set is validated on: the first by SHA-256 of the seed and the
    id, on every machine and in any order of rows; coarse clips that are held out in fine come first, and coarse clips
    that fine trains on come last, so that fine loses few or none.

    Args:
        coarse: rows of CLIPS (with or without the columns of preparation), or None for no such data set.
        fine: likewise.
        split_uri: a split that split-dataset wrote, or None.
        fraction: the share of each data set to validate on where no split says it; 0 for none, else at least one clip
            of two.
        most_clips: the most clips to validate on in each data set, where no split says it.
        seed: another seed chooses other clips.

    Returns:
        The tables with the column ``part``, without the clips that are in no part.

    Raises:
        RequestError: the split cannot be read or does not name a fine clip, or nothing is left to train on.
    """
    tables = {name: table for name, table in (("coarse", coarse), ("fine", fine)) if table is not None}
    if split_uri is not None:
        split = read_split(split_uri)
        if fine is not None:
            _check_named(fine, split, split_uri)
        parts = _parts_of_split(tables, split)
        if "coarse" in tables and not (parts["coarse"] == _VALIDATION).any():
            _hold_out_of_coarse(tables, parts, fraction, most_clips, seed)
    else:
        parts = _drawn_parts(tables, fraction, most_clips, seed)
    assigned = {name: _with_parts(table, parts[name]) for name, table in tables.items()}
    for name, table in assigned.items():
        if not pc.any(pc.equal(table["part"], "train"), min_count=0).as_py():
            raise RequestError(
                f"none of the {tables[name].num_rows} {name} clips is left to train on, since they are held out for "
                f"validation or test{f' by the split {split_uri}' if split_uri else ''}; give more clips, another "
                "split, or data.validation_fraction=0"
            )
    return assigned.get("coarse"), assigned.get("fine")


@dataclass(frozen=True)
class _HeldOut:
    """Clips that may not be trained on: their ids, and the spans (seconds) of each content and of each address.

    A file may be known by its content in one data set, and as a version of what an address names in another.
    """

    ids: set[str] = field(default_factory=set)
    spans: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, clips: pa.Table) -> None:
        self.ids.update(clips["clip_id"].to_pylist())
        for sources in _sources(clips):
            for source, begin, end in zip(sources, *_spans(clips), strict=True):
                if source is not None:
                    self.spans[source].append((begin, end))

    def holds(self, clips: pa.Table) -> Mask:
        """Tell for each row whether it is one of these clips."""
        held: Mask = _is_in(clips["clip_id"], self.ids)
        for sources in _sources(clips):
            places = np.flatnonzero(_is_in(pa.chunked_array([pa.array(sources, pa.string())]), self.spans) & ~held)
            spans = _spans(clips.select(["start_s", "end_s"]).take(places))
            for place, source, begin, end in zip(places, (sources[place] for place in places), *spans, strict=True):
                held[place] = any(begin < other_end and other < end for other, other_end in self.spans[source])
        return held


def _parts_of_split(tables: Mapping[str, pa.Table], split: Split) -> dict[str, NDArray[np.int8]]:
    held = {name: _HeldOut(ids=set(split.parts[name])) for name in ("validation", "test")}
    for ids_and_spans in held.values():
        for table in tables.values():
            ids_and_spans.add(table.filter(pa.array(_is_in(table["clip_id"], ids_and_spans.ids))))
    parts = {}
    for name, table in tables.items():
        part = np.full(table.num_rows, _TRAIN, np.int8)
        part[held["validation"].holds(table)] = _OUT
        part[_is_in(table["clip_id"], split.parts["validation"])] = _VALIDATION
        part[held["test"].holds(table)] = _OUT
        parts[name] = part
    return parts


def _hold_out_of_coarse(
    tables: Mapping[str, pa.Table], parts: Mapping[str, NDArray[np.int8]], fraction: float, most_clips: int, seed: int
) -> None:
    """Draw coarse clips to validate on, those that fine trains on last, where a split names none of them."""
    free = np.flatnonzero(parts["coarse"] == _TRAIN)
    candidates = tables["coarse"].take(free)
    fine = _HeldOut()
    if "fine" in tables:
        fine.add(tables["fine"])
    drawn = _draw(candidates, fine.holds(candidates).astype(np.int64), fraction, most_clips, seed)
    held_out = _HeldOut()
    held_out.add(candidates.filter(pa.array(drawn)))
    for name, table in tables.items():
        parts[name][held_out.holds(table) & (parts[name] == _TRAIN)] = _OUT
    parts["coarse"][free[drawn]] = _VALIDATION


def _drawn_parts(
    tables: Mapping[str, pa.Table], fraction: float, most_clips: int, seed: int
) -> dict[str, NDArray[np.int8]]:
    chosen: dict[str, Mask] = {}
    held_out = _HeldOut()
    fine = _HeldOut()
    if "fine" in tables:
        chosen["fine"] = _draw(tables["fine"], None, fraction, most_clips, seed)
        held_out.add(tables["fine"].filter(pa.array(chosen["fine"])))
        fine.add(tables["fine"])
    if "coarse" in tables:
        rank = np.where(held_out.holds(tables["coarse"]), 0, np.where(fine.holds(tables["coarse"]), 2, 1))
        chosen["coarse"] = _draw(tables["coarse"], rank, fraction, most_clips, seed)
        held_out.add(tables["coarse"].filter(pa.array(chosen["coarse"])))
    return {
        name: np.where(chosen[name], _VALIDATION, np.where(held_out.holds(table), _OUT, _TRAIN)).astype(np.int8)
        for name, table in tables.items()
    }


def _draw(clips: pa.Table, rank: NDArray[np.int64] | None, fraction: float, most_clips: int, seed: int) -> Mask:
    """Choose the share of the clips to validate on, those of a lower rank first."""
    rows = clips.num_rows
    count = min(most_clips, rows - 1, max(1, math.floor(fraction * rows + 0.5))) if fraction > 0 else 0
    ranks: Sequence[int] = [0] * rows if rank is None else rank.tolist()
    ids: list[str] = clips["clip_id"].to_pylist()
    order = ((ranks[place], _hash(seed, clip_id), place) for place, clip_id in enumerate(ids))
    drawn = np.zeros(rows, np.bool_)
    drawn[[place for _, _, place in heapq.nsmallest(count, order)]] = True
    return drawn


def _with_parts(clips: pa.Table, parts: NDArray[np.int8]) -> pa.Table:
    names = _PARTS.take(pa.array(np.where(parts == _OUT, _TRAIN, parts)))
    column = CLIPS.get_field_index("part")
    clips = clips.set_column(column, CLIPS.field("part"), names)
    return clips.filter(pa.array(parts != _OUT)) if (parts == _OUT).any() else clips


def _check_named(fine: pa.Table, split: Split, split_uri: str) -> None:
    named = {clip_id for ids in split.parts.values() for clip_id in ids}
    unnamed: list[str] = fine.filter(pa.array(~_is_in(fine["clip_id"], named)))["clip_id"].to_pylist()
    if unnamed:
        others = f" and {len(unnamed) - _NAMES_SHOWN} others" if len(unnamed) > _NAMES_SHOWN else ""
        raise RequestError(
            f"the split {split_uri} does not name {len(unnamed)} of the {fine.num_rows} fine clips: "
            f"{', '.join(unnamed[:_NAMES_SHOWN])}{others}; make one of the same data set with split-dataset"
        )


def _sources(clips: pa.Table) -> tuple[list[str | None], list[str | None]]:
    """What tells of each clip which file it is of: its content, and its address."""
    uris: list[str | None] = clips["uri"].to_pylist()
    return clips["content_sha256"].to_pylist(), [None if uri is None else address_of(uri) for uri in uris]


def _spans(clips: pa.Table) -> tuple[list[float], list[float]]:
    return pc.fill_null(clips["start_s"], 0.0).to_pylist(), pc.fill_null(clips["end_s"], math.inf).to_pylist()


def _is_in(column: pa.ChunkedArray, values: Collection[str]) -> Mask:
    """Tell for each cell whether it is one of some texts; null is none of them."""
    found: Mask = pc.is_in(column, pa.array(list(values), pa.string())).to_numpy(zero_copy_only=False).astype(np.bool_)
    return found


def _hash(seed: int, clip_id: str) -> bytes:
    return hashlib.sha256(f"{seed}\t{clip_id}".encode()).digest()
