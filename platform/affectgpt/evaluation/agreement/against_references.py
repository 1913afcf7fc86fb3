"""Judges each data set by references that people checked, and tells whether one beats another there."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

from affectgpt.clips.sources import printable
from affectgpt.errors import RequestError
from affectgpt.evaluation.agreement.annotated import AnnotatedDataset
from affectgpt.evaluation.comparing import compare_clips
from affectgpt.evaluation.grouping import Grouping
from affectgpt.evaluation.labelled_clips import LabelledClips
from affectgpt.evaluation.paired import paired_test
from affectgpt.evaluation.recipe import BootstrapSection
from affectgpt.evaluation.scoring import Scored, blocks, score
from affectgpt.evaluation.set_metrics import FIGURES

_HEADLINE = "level1"


def judge(
    references: LabelledClips,
    datasets: Sequence[AnnotatedDataset],
    part: Collection[str] | None,
    groupings: Sequence[Grouping],
    bootstrap: BootstrapSection,
) -> dict[str, Any]:
    """Score each data set as ``evaluate`` does, and compare every two on the clips that both have.

    Args:
        references: the truth.
        datasets: the data sets.
        part: the ids that count, or None for all.
        groupings: the exact one, and level 1 of each wheel.
        bootstrap: how the intervals are drawn.

    Returns:
        ``references`` (what was read), ``datasets`` (the figures of each), ``comparisons`` (the paired tests), and
        ``same_clips``, whether all were judged by the same clips.

    Raises:
        RequestError: a data set has none of the clips, or these have no label.
    """
    scored: dict[str, Scored] = {}
    for dataset in datasets:
        _check_ids(references, dataset)
        scored[dataset.name] = score(compare_clips(references, dataset.clips, part), groupings)
    table = references.table
    return {
        "references": {
            "source": table.source,
            "kind": references.kind,
            "clips": len(table.clip_ids),
            "sha256": table.sha256,
        },
        "datasets": [_figures(name, one, bootstrap) for name, one in scored.items()],
        "comparisons": _tests(scored, bootstrap),
        "same_clips": len({frozenset(one.comparison.clip_ids) for one in scored.values()}) == 1,
    }


def _figures(name: str, scored: Scored, bootstrap: BootstrapSection) -> dict[str, Any]:
    found = blocks(scored, bootstrap)
    return {
        "name": name,
        "n": found[_HEADLINE]["n"],
        **{figure: found[_HEADLINE][figure] for figure in FIGURES},
        "intervals": found[_HEADLINE]["intervals"],
        "exact_f_s": found["exact"]["f_s"],
        "left_out": [asdict(left) for left in scored.comparison.left_out],
    }


def _tests(scored: Mapping[str, Scored], bootstrap: BootstrapSection) -> list[dict[str, Any]]:
    tests = (
        paired_test(names, (scored[names[0]], scored[names[1]]), _HEADLINE, bootstrap)
        for names in combinations(scored, 2)
    )
    return [asdict(test) for test in tests if test is not None]


def _check_ids(references: LabelledClips, dataset: AnnotatedDataset) -> None:
    ids, others = references.table.clip_ids, dataset.clips.table.clip_ids
    if set(ids).isdisjoint(others):
        raise RequestError(
            f"no clip is both in the references {references.table.source} ({printable(ids[0])}, ...) and in the data "
            f"set {dataset.source} ({printable(others[0])}, ...); build the data set with the ids of the references "
            "(a manifest with clip_id), or name their column with --reference-id"
        )
