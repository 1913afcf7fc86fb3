"""Compares data sets that different recipes made of the same clips."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from affectgpt.errors import RequestError
from affectgpt.evaluation.agreement.against_references import judge
from affectgpt.evaluation.agreement.annotated import AnnotatedDataset, read_dataset
from affectgpt.evaluation.agreement.content import comparison_content
from affectgpt.evaluation.agreement.disagreements import Disagreement, disagreements
from affectgpt.evaluation.agreement.measuring import Measured, measure_pair
from affectgpt.evaluation.agreement.pairing import pair_datasets
from affectgpt.evaluation.evaluating import part_of_split
from affectgpt.evaluation.extraction.lexicon import Progress
from affectgpt.evaluation.grouping import Grouping, exact_grouping, wheel_groupings
from affectgpt.evaluation.labelled_clips import label_clips
from affectgpt.evaluation.preparation import Prepared, prepare
from affectgpt.evaluation.recipe import Recipe
from affectgpt.evaluation.tables import ColumnNames, read_table
from affectgpt.evaluation.text_language import Language

_BY_USUAL_NAME = ColumnNames(options="--reference-")
_BY_DEFAULT = Recipe()


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be compared.

    Attributes:
        datasets: two or more data sets that build-dataset wrote, folders or URIs.
        references: the truth for some of their clips, a path or URI, or None.
        recipe: the settings, of ``evaluate``; labels are always grouped by its wheels.
        reference_columns: columns of the references that are named outright.
        reference_language: the language of the descriptions that are read where there are both.
        split: a file that ``split-dataset`` wrote, or None to compare every clip.
        part: the part of the split that is compared.
        command: the command line, for the report.
    """

    datasets: Sequence[str]
    references: str | None = None
    recipe: Recipe = _BY_DEFAULT
    reference_columns: ColumnNames = _BY_USUAL_NAME
    reference_language: Language | None = None
    split: str | None = None
    part: str = "validation"
    command: str = ""


@dataclass(frozen=True, slots=True)
class DatasetComparison:
    """What a comparison found.

    Attributes:
        report: the content of comparison.json.
        pairs: every two data sets, in the order of the report.
        disagreements: the clips that the report shows, for each of the pairs.
    """

    report: dict[str, Any]
    pairs: Sequence[Measured]
    disagreements: Sequence[Sequence[Disagreement]]


def compare_datasets(request: Request, progress: Progress = lambda line: None) -> DatasetComparison:
    """Compare data sets, every two of them on the clips that both hold.

    Args:
        request: what is to be compared.
        progress: told, in a line each, what takes long.

    Raises:
        RequestError: an input cannot be read or does not fit the others, or the recipe asks for what is not there.
        JobError: the language model failed on the way.
    """
    _check(request)
    recipe = request.recipe
    prepared = prepare(recipe, len(request.datasets), progress)
    split = None if request.split is None else part_of_split(request.split, request.part)
    part = split and split["clips"]
    datasets = _read(request.datasets, progress)
    groupings = _groupings(prepared)
    judged = _judged(request, datasets.values(), part, prepared, groupings)
    pairs = []
    for first, second in combinations(datasets.values(), 2):
        pair = pair_datasets(first, second, part)
        pairs.append(measure_pair(pair, groupings, recipe.bootstrap))
        progress(f"{first.name} and {second.name}: {len(pair.comparison.clip_ids):,} clips compared")
    report = comparison_content(list(datasets.values()), pairs, recipe, prepared.wheels)
    report |= {"command": request.command, "split": split and split["report"], "references": judged}
    return DatasetComparison(report, pairs, [disagreements(one, recipe.report.examples) for one in pairs])


def _check(request: Request) -> None:
    if isinstance(request.datasets, str) or len(request.datasets) < 2:
        raise RequestError(f"datasets={request.datasets!r}: name two or more data sets to compare")
    repeated = [uri for uri, count in Counter(uri.rstrip("/") for uri in request.datasets).items() if count > 1]
    if repeated:
        raise RequestError(f"the data set {repeated[0]} is named twice; name it once")
    if request.recipe.grouping != "wheel":
        raise RequestError(
            f"grouping: {request.recipe.grouping}: data sets are compared by wheels, and exactly, always; leave it out"
        )
    if request.recipe.strict:
        raise RequestError("strict: data sets are compared on the clips that both hold; leave it out")


def _read(uris: Sequence[str], progress: Progress) -> Mapping[str, AnnotatedDataset]:
    datasets: dict[str, AnnotatedDataset] = {}
    for uri in uris:
        dataset = read_dataset(uri, datasets)
        datasets[dataset.name] = dataset
        progress(f"{dataset.name}: {len(dataset.clips.labels):,} clips read")
    return datasets


def _groupings(prepared: Prepared) -> list[Grouping]:
    return [exact_grouping(), *(one for one in wheel_groupings(prepared.wheels) if one.key.startswith("level1."))]


def _judged(
    request: Request,
    datasets: Collection[AnnotatedDataset],
    part: Collection[str] | None,
    prepared: Prepared,
    groupings: Sequence[Grouping],
) -> dict[str, Any] | None:
    if request.references is None:
        return None
    is_research = request.recipe.wheel is not None
    columns = request.reference_columns
    # Published figures rest on how the field's toolkit splits lists of labels.
    table = read_table(request.references, columns, request.reference_language, split_apostrophes=is_research)
    references = label_clips(table, columns, prepared.extract, english_only=is_research)
    return judge(references, list(datasets), part, groupings, request.recipe.bootstrap)
