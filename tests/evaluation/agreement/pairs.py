"""Pairs of data sets for tests."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from affectgpt.evaluation.agreement.annotated import read_dataset
from affectgpt.evaluation.agreement.measuring import Measured, measure_pair
from affectgpt.evaluation.agreement.pairing import pair_datasets
from affectgpt.evaluation.emotion_wheels import shipped_wheels
from affectgpt.evaluation.grouping import Grouping, exact_grouping, wheel_groupings
from affectgpt.evaluation.recipe import BootstrapSection
from tests.evaluation.agreement.made_datasets import annotated, write_dataset

Labels = Mapping[str, Sequence[str]]


def groupings() -> list[Grouping]:
    level1 = [one for one in wheel_groupings(shipped_wheels()) if one.key.startswith("level1.")]
    return [exact_grouping(), *level1]


def measured_pair(folder: Path, first: Labels, second: Labels, **changes_of_second: Any) -> Measured:
    """Write two data sets and measure them; the changes are those of every row of the second."""
    write_dataset(folder / "first", [annotated(clip_id, labels) for clip_id, labels in first.items()])
    rows = [annotated(clip_id, labels, **changes_of_second) for clip_id, labels in second.items()]
    write_dataset(folder / "second", rows)
    sides = [read_dataset(str(folder / name), []) for name in ("first", "second")]
    return measure_pair(pair_datasets(sides[0], sides[1], None), groupings(), BootstrapSection(resamples=100))
