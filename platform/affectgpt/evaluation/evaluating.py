"""The evaluation: predictions against references, on every grouping, with all that the report shows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from affectgpt.errors import RequestError
from affectgpt.evaluation.comparing import compare_clips
from affectgpt.evaluation.extraction.lexicon import Progress
from affectgpt.evaluation.grouping import Grouping, exact_grouping, wheel_groupings
from affectgpt.evaluation.labelled_clips import LabelledClips, label_clips
from affectgpt.evaluation.preparation import Prepared, prepare
from affectgpt.evaluation.recipe import Recipe
from affectgpt.evaluation.report.examples import ClipExample
from affectgpt.evaluation.report_content import report_content
from affectgpt.evaluation.scoring import Scored, score
from affectgpt.evaluation.shown_clips import descriptions_of, shown_clips
from affectgpt.evaluation.splits import read_split
from affectgpt.evaluation.tables import ColumnNames, free_name, read_table
from affectgpt.evaluation.text_language import Language

_BY_USUAL_NAME: Final = ColumnNames()
_BY_DEFAULT: Final = Recipe()
_MUCH: Final = 0.3


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be evaluated.

    Attributes:
        references: the truth, a path or URI.
        predictions: one or more predictions of it.
        recipe: the settings.
        reference_columns: columns of the references that are named outright.
        prediction_columns: likewise of the predictions.
        reference_language: the language of the descriptions that are read where there are both.
        prediction_language: likewise.
        descriptions: a table with descriptions of the clips to show beside the truth, or None.
        split: a file that ``split-dataset`` wrote, or None to evaluate every clip.
        part: the part of the split that is evaluated.
        command: the command line, for the report.
    """

    references: str
    predictions: Sequence[str]
    recipe: Recipe = _BY_DEFAULT
    reference_columns: ColumnNames = _BY_USUAL_NAME
    prediction_columns: ColumnNames = _BY_USUAL_NAME
    reference_language: Language | None = None
    prediction_language: Language | None = None
    descriptions: str | None = None
    split: str | None = None
    part: str = "test"
    command: str = ""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        report: the content of report.json.
        examples: the clips that the report shows.
        scored: the scores of each prediction by its name.
        headline: the block that the headline figures are of.
    """

    report: dict[str, Any]
    examples: list[ClipExample]
    scored: Mapping[str, Scored]
    headline: str


def evaluate(request: Request, progress: Progress = lambda line: None) -> Evaluation:
    """Evaluate predictions.

    Args:
        request: what is to be evaluated.
        progress: told, in a line each, what takes long.

    Raises:
        RequestError: an input cannot be read or does not fit the others, or the recipe asks for what is not there.
        JobError: the language model failed on the way.
    """
    recipe = request.recipe
    if isinstance(request.predictions, str) or not request.predictions:
        raise RequestError(f"predictions={request.predictions!r}: give a list of one or more paths or URIs")
    repeated = [uri for uri, count in Counter(request.predictions).items() if count > 1]
    if repeated:
        raise RequestError(f"the predictions {repeated[0]} are named twice; name them once")
    prepared = prepare(recipe, len(request.predictions), progress)
    part = None if request.split is None else part_of_split(request.split, request.part)
    told = {} if request.descriptions is None else _told(request.descriptions, request.reference_language)
    references = _labelled(
        request.references, request.reference_columns, request.reference_language, recipe, prepared, with_truth=True
    )
    scored: dict[str, Scored] = {}
    for uri in request.predictions:
        predictions = _labelled(
            uri, request.prediction_columns, request.prediction_language, recipe, prepared, with_truth=False
        )
        name = free_name(predictions.table, scored)
        scored[name] = _score(references, predictions, part, recipe, prepared)
        progress(f"{name}: {len(scored[name].comparison.clip_ids):,} clips compared")
    for name, one in scored.items():
        _check_vocabulary(name, one, prepared.headline, progress)
    report = report_content(recipe, prepared.wheels, prepared.headline, references, scored)
    sides = (references, *(one.comparison.predictions for one in scored.values()))
    report |= {
        "command": request.command,
        "split": part and part["report"],
        "notes": [f"{side.table.source}: {note}" for side in sides for note in side.notes],
    }
    truth = {**descriptions_of(references.table), **told}
    count, seed = recipe.report.examples, recipe.bootstrap.seed
    examples = [
        clip for name, one in scored.items() for clip in shown_clips(name, one, prepared.headline, count, seed, truth)
    ]
    return Evaluation(report, examples, scored, prepared.headline)


def _told(uri: str, language: Language | None) -> Mapping[str, str]:
    """Read the descriptions that are shown beside the truth."""
    told = descriptions_of(read_table(uri, language=language, with_truth=False))
    if not told:
        raise RequestError(f"{uri} has no descriptions to show; leave --descriptions out, or name a table with some")
    return told


def _labelled(
    uri: str, columns: ColumnNames, language: Language | None, recipe: Recipe, prepared: Prepared, with_truth: bool
) -> LabelledClips:
    is_research = recipe.wheel is not None
    # Published figures rest on how the field's toolkit splits lists of labels.
    as_toolkit = is_research or prepared.headline == "stored"
    table = read_table(uri, columns, language, split_apostrophes=as_toolkit, with_truth=with_truth)
    return label_clips(table, columns, prepared.extract, english_only=is_research)


def _score(
    references: LabelledClips,
    predictions: LabelledClips,
    part: dict[str, Any] | None,
    recipe: Recipe,
    prepared: Prepared,
) -> Scored:
    _check_languages(references, predictions, prepared.headline, english_only=recipe.wheel is not None)
    comparison = compare_clips(references, predictions, part and part["clips"], prepared.grouped, recipe.strict)
    of_clips = prepared.groups(comparison)
    groupings: list[Grouping] = [exact_grouping(), *wheel_groupings(prepared.wheels)]
    return score(comparison, groupings if of_clips is None else [*groupings, of_clips])


def part_of_split(split: str, part: str) -> dict[str, Any]:
    """Read one part of a split: its ``clips``, and for the ``report`` where it comes from, with its fingerprint.

    Raises:
        RequestError: the split cannot be read, or has no such part.
    """
    read = read_split(split)
    if part not in read.parts:
        raise RequestError(f"the split {split} has no part {part}; it has: {', '.join(read.parts)}")
    told = {"source": split, "part": part, "seed": read.seed, "fingerprint": read.fingerprint}
    return {"clips": frozenset(read.parts[part]), "report": told}


def _check_languages(references: LabelledClips, predictions: LabelledClips, headline: str, english_only: bool) -> None:
    """Refuse to compare labels in languages that the grouping cannot bring together."""
    truth, predicted = _language(references), _language(predictions)
    if headline == "level1" and english_only:
        for side, language in ((references, truth), (predictions, predicted)):
            if language == "zh":
                raise RequestError(
                    f"the labels of {side.table.source} are Chinese, and research wheels know English labels alone; "
                    "leave --wheel out, since the wheels that come along know both, or give English labels"
                )
    if headline == "exact" and {truth, predicted} == {"en", "zh"}:
        raise RequestError(
            f"the labels of {references.table.source} and of {predictions.table.source} are in different languages, in "
            "which no label is the same; take --grouping wheel, which knows English and Chinese, or one language"
        )


def _check_vocabulary(name: str, scored: Scored, headline: str, progress: Progress) -> None:
    """Refuse references of which no label is known, and tell of a side of which few are."""
    if not scored.counted(headline).any():
        raise RequestError(
            f"none of the {len(scored.comparison.clip_ids)} compared clips has a label of the references that is in "
            "the vocabulary; see that the labels are emotion words in English or Chinese, or take --grouping exact"
        )
    unknown = [scored.unknown[key] for key in scored.members(headline)]
    for side, share in (
        ("the references", min(one.references for one in unknown)),
        (name, min(one.predictions for one in unknown)),
    ):
        if share > _MUCH:
            progress(f"{100 * share:.0f} % of the labels of {side} are out of vocabulary, and not counted")


def _language(side: LabelledClips) -> Literal["en", "zh", "none"]:
    english, chinese = side.languages.get("en", 0), side.languages.get("zh", 0)
    return "none" if not english + chinese else "zh" if chinese > english else "en"
