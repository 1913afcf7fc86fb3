"""How data sets were made, and in which steps two of them differ: what their comparison is about."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from affectgpt.annotate.engines import STEP_NAMES
from affectgpt.evaluation.agreement.annotated import ORIGINS, STEP_FIELDS
from affectgpt.evaluation.agreement.pairing import Pair

_HASH: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHOWN_DIGITS: Final = 12


def made_by(rows: pa.Table) -> dict[str, Any]:
    """Give the versions that clips were annotated by, and for each step how it was done, the most frequent first."""
    versions = Counter(rows["pipeline_version"].to_pylist())
    found: dict[str, Any] = {"pipeline_versions": [version for version, _ in versions.most_common()]}
    for step in STEP_NAMES:
        columns = [f"{step}.{field}" for field in STEP_FIELDS]
        counted = rows.group_by(columns).aggregate([([], "count_all")]).sort_by([("count_all", "descending")])
        found[step] = [
            {**{field: row[f"{step}.{field}"] for field in STEP_FIELDS}, "clips": row["count_all"]}
            for row in counted.to_pylist()
        ]
    return found


def differences(pair: Pair) -> list[dict[str, Any]]:
    """Give what differs between the compared clips of two data sets, step by step, in the order of the steps.

    Returns:
        For each difference ``step`` (None for the version), ``field``, in how many ``clips``, and the most frequent
        value there in the ``first`` and in the ``second``.
    """
    first, second = (side.rows.select(ORIGINS).take(rows) for side, rows in pair.sides)
    found = []
    for origin in ORIGINS:
        step, _, field = origin.rpartition(".")
        both = pa.chunked_array([*first[origin].chunks, *second[origin].chunks], pa.string()).combine_chunks()
        encoded = both.dictionary_encode(null_encoding="encode")
        one, other = np.split(encoded.indices.to_numpy(), 2)
        differing = one != other
        if differing.any():
            values = encoded.dictionary.to_pylist()
            shown = {
                name: values[np.bincount(side[differing]).argmax()]
                for name, side in (("first", one), ("second", other))
            }
            found.append({"step": step or None, "field": field, "clips": int(differing.sum()), **shown})
    return found


def sentence(differing: Sequence[dict[str, Any]]) -> str:
    """Say what a comparison is about: which steps differ, and whether a figure can be laid at the door of one."""
    steps = list(dict.fromkeys(one["step"] for one in differing if one["step"]))
    versions = [one for one in differing if one["step"] is None]
    told = [_told(step, [one for one in differing if one["step"] == step]) for step in steps]
    if versions:
        told.append(f"the version ({versions[0]['first']}, {versions[0]['second']})")
    if not told:
        return (
            "their steps have the same engines, models and prompts: what differs comes of other settings (see their "
            "recipe.yaml), of chance, or of a service behind an endpoint"
        )
    listed = f"they differ in {'; '.join(told)}"
    return listed if len(told) == 1 else f"{listed}: no figure here is due to one of these alone"


def _told(step: str, differing: Sequence[dict[str, Any]]) -> str:
    fields = "; ".join(
        f"{one['field'].removesuffix('_sha256')} {_shown(one['first'])}, {_shown(one['second'])}" for one in differing
    )
    return f"{step} ({fields})"


def _shown(value: str | None) -> str:
    """Shorten hashes, and name what is not there."""
    return value[:_SHOWN_DIGITS] if value and _HASH.fullmatch(value) else value or "none"
