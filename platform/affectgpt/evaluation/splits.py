"""Splits of a data set into parts for training, validation and test that two papers can share."""

import csv
import hashlib
import heapq
import io
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import PurePath

from affectgpt.clips.sources import printable
from affectgpt.clips.storage import split_uri, translated_errors
from affectgpt.dataset.ledger import Folder
from affectgpt.errors import ClipError, RequestError
from affectgpt.evaluation.cells import clip_ids as read_clip_ids
from affectgpt.evaluation.raw_columns import read_columns, table_parts

PARTS = ("train", "validation", "test")
_COLUMNS = ("clip_id", "part", "seed")


@dataclass(frozen=True)
class Split:
    """Which clips belong to which part.

    Attributes:
        parts: the ids of each of ``PARTS``, sorted; a part may be empty.
        seed: what ties were broken by, or None where that is not known.
        fractions: the wanted shares in the order of ``PARTS``, or None where they are not known.
        fingerprint: SHA-256 of the lines "id, tab, part", sorted and joined by line feeds.
    """

    parts: Mapping[str, tuple[str, ...]]
    seed: int | None = None
    fractions: tuple[float, ...] | None = None
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        lines = sorted(f"{clip_id}\t{part}" for part, ids in self.parts.items() for clip_id in ids)
        object.__setattr__(self, "fingerprint", hashlib.sha256("\n".join(lines).encode()).hexdigest())


def make_split(
    clip_ids: Sequence[str],
    groups: Sequence[Collection[str]],
    fractions: Sequence[float] = (0.7, 0.1, 0.2),
    seed: int = 0,
) -> Split:
    """Split clips so that every group is spread over the parts as the clips are.

    Iterative stratification of Sechidis, Tsoumakas and Vlahavas (On the Stratification of Multi-Label Data, ECML PKDD
    2011): the group with the fewest clips left goes first, each of its clips to the part that lacks most of that group,
    then to the one that lacks most clips. A part that is full takes no more, so that its size is the wanted one,
    rounded up or down. A group with fewer clips than would give each part one is left to chance. What is still equal is
    ordered by SHA-256 of the seed and the id: the split depends neither on the order of the clips nor on the machine.

    Args:
        clip_ids: unique ids.
        groups: the groups, for instance emotions, of each clip; there may be none.
        fractions: the shares of training, validation and test; they sum to 1.
        seed: another seed gives another split.

    Raises:
        RequestError: there are no clips, an id stands there twice, or the fractions are no shares.
    """
    if len(groups) != len(clip_ids):
        raise RequestError(f"there are {len(clip_ids)} clips and {len(groups)} sets of groups; give one for each clip")
    if not clip_ids:
        raise RequestError("there are no clips to split; give one at least")
    ids = read_clip_ids("ids to split", clip_ids)
    weights = _weights(fractions)
    order = sorted(range(len(ids)), key=lambda place: _hash(seed, ids[place]))
    assigned = _Stratifier([frozenset(groups[place]) for place in order], weights).assign()
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    for place, part in zip(order, assigned, strict=True):
        parts[PARTS[part]].append(ids[place])
    return Split({part: tuple(sorted(members)) for part, members in parts.items()}, seed, tuple(fractions))


def check_split_output(path: str) -> None:
    """See that a split can go to a path or URI: a CSV file that is new or holds an earlier split, and nothing else.

    Raises:
        RequestError: its name does not end in .csv, or something else is there.
    """
    folder, name = split_uri(path)
    if PurePath(name).suffix.lower() != ".csv":
        raise RequestError(f"the output {path} does not end in .csv; name a file like split.csv")
    try:
        with translated_errors(path, writing=True):
            is_new = not Folder.at(folder).exists(name)
    except ClipError as error:
        raise RequestError(f"output: {error.message}; name another") from error
    if is_new:
        return
    try:
        _read_split(path, _written_columns)
    except RequestError as error:
        raise RequestError(
            f"the output {path} is there already and is no split that was written earlier ({error}); name another file"
        ) from error


def write_split(split: Split, path: str) -> None:
    """Write a split as CSV with the columns clip_id, part and seed, sorted by id, in place of an earlier one.

    Raises:
        RequestError: the path or URI cannot be written to, or is refused by ``check_split_output``.
    """
    check_split_output(path)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    rows = sorted((clip_id, part) for part, ids in split.parts.items() for clip_id in ids)
    writer.writerows((clip_id, part, "" if split.seed is None else split.seed) for clip_id, part in rows)
    folder, name = split_uri(path)
    try:
        with translated_errors(path, writing=True):
            Folder.at(folder).write_text(name, text.getvalue())
    except ClipError as error:
        raise RequestError(f"output: {error.message}; name another") from error


def read_split(path: str) -> Split:
    """Read a split from a table (CSV, TSV, Parquet, JSON Lines) with the columns clip_id and part, and seed if known.

    Raises:
        RequestError: it cannot be read, lacks a column, holds an id twice, a part that is none of ``PARTS``, or
            different seeds.
    """
    return _read_split(path, _split_columns)


def _read_split(path: str, choose_columns: Callable[[str, Sequence[str]], Sequence[str]]) -> Split:
    columns = read_columns(table_parts(path), lambda names: choose_columns(path, names))
    ids = read_clip_ids(f"column clip_id of the split {path}", columns["clip_id"])
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    for number, (clip_id, part) in enumerate(zip(ids, columns["part"], strict=True), start=1):
        if part not in parts:
            raise RequestError(
                f"row {number} of the split {path} has the part {printable(str(part))}; give one of {', '.join(PARTS)}"
            )
        parts[part].append(clip_id)
    seed = _seed(path, columns.get("seed", ()))
    return Split({part: tuple(sorted(members)) for part, members in parts.items()}, seed)


class _Stratifier:
    """Assigns clips to parts; all wants are whole numbers, multiplied by the sum of the weights, and so exact."""

    def __init__(self, groups: Sequence[frozenset[str]], weights: Sequence[int]) -> None:
        self._total = sum(weights)
        self._members = _spreadable(groups, math.ceil(self._total / min(weight for weight in weights if weight)))
        self._groups = [its & self._members.keys() for its in groups]
        self._left = {group: len(places) for group, places in self._members.items()}
        self._room = _sizes(len(groups), weights)
        self._lacking = [len(groups) * weight for weight in weights]
        self._group_lacking = {group: [count * weight for weight in weights] for group, count in self._left.items()}
        self._part = [-1] * len(groups)
        # Counts that have changed since are left in the heap, and recognised when they come up.
        self._rarest = [(count, group) for group, count in self._left.items()]
        heapq.heapify(self._rarest)

    def assign(self) -> list[int]:
        """Give the part of each clip, by its place."""
        while self._rarest:
            count, group = heapq.heappop(self._rarest)
            if count and count == self._left[group]:
                self._take(self._members[group], self._group_lacking[group])
        self._take(range(len(self._groups)), [0] * len(self._room))
        return self._part

    def _take(self, places: Iterable[int], lacking: Sequence[int]) -> None:
        for place in places:
            if self._part[place] < 0:
                open_parts = [part for part, room in enumerate(self._room) if room]
                self._put(place, max(open_parts, key=lambda part: (lacking[part], self._lacking[part], -part)))

    def _put(self, place: int, part: int) -> None:
        self._part[place] = part
        self._room[part] -= 1
        self._lacking[part] -= self._total
        for group in self._groups[place]:
            self._group_lacking[group][part] -= self._total
            self._left[group] -= 1
            heapq.heappush(self._rarest, (self._left[group], group))


def _spreadable(groups: Sequence[frozenset[str]], fewest: int) -> dict[str, list[int]]:
    """Give the places of the clips of each group that is large enough.

    A group of a clip or two would always go to the largest part, and such clips would fill it before its turn comes.
    """
    members: dict[str, list[int]] = {}
    for place, its in enumerate(groups):
        for group in its:
            members.setdefault(group, []).append(place)
    return {group: places for group, places in members.items() if len(places) >= fewest}


def _hash(seed: int, clip_id: str) -> bytes:
    return hashlib.sha256(f"{seed}\t{clip_id}".encode()).digest()


def _weights(fractions: Sequence[float]) -> list[int]:
    """Bring shares to whole numbers in the same ratio."""
    if len(fractions) != len(PARTS) or not all(math.isfinite(share) and share >= 0 for share in fractions):
        raise RequestError(
            f"the fractions {list(fractions)} are not the shares of {', '.join(PARTS)}; give three from 0"
        )
    if not math.isclose(sum(fractions), 1, abs_tol=1e-6):
        raise RequestError(f"the fractions {list(fractions)} sum to {sum(fractions):g}; give three that sum to 1")
    exact = [Fraction(share).limit_denominator(1_000_000) for share in fractions]
    scale = math.lcm(*(share.denominator for share in exact))
    return [int(share * scale) for share in exact]


def _sizes(count: int, weights: Sequence[int]) -> list[int]:
    """Round the wanted sizes to whole clips that sum to their number, the largest remainders upwards."""
    total = sum(weights)
    sizes = [count * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda part: (-(count * weights[part] % total), part))
    for part in by_remainder[: count - sum(sizes)]:
        sizes[part] += 1
    return sizes


def _split_columns(path: str, names: Sequence[str]) -> list[str]:
    missing = [name for name in _COLUMNS[:2] if name not in names]
    if missing:
        listed = ", ".join(printable(name) for name in names[:20])
        raise RequestError(
            f"the split {path} has no column {missing[0]} (its columns: {listed}); give it clip_id and part, the part "
            f"being one of {', '.join(PARTS)}"
        )
    return [name for name in _COLUMNS if name in names]


def _written_columns(path: str, names: Sequence[str]) -> Sequence[str]:
    """Refuse a table of labels that has the columns of a split beside others."""
    if tuple(names) != _COLUMNS:
        listed = ", ".join(printable(name) for name in names[:20])
        raise RequestError(f"its columns are {listed}, not {', '.join(_COLUMNS)}")
    return names


def _seed(path: str, cells: Iterable[object]) -> int | None:
    """Read the seed, which is the same in all rows."""
    stated = {"" if cell is None else str(cell).strip() for cell in cells}
    if len(stated) > 1:
        raise RequestError(f"the split {path} has several seeds; keep the rows of one split alone")
    text = next(iter(stated), "")
    try:
        return int(text) if text else None
    except ValueError:
        raise RequestError(f"the split {path} has the seed {printable(text)}; give a whole number, or none") from None
