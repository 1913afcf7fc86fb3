"""Tables of labels for tests."""

from collections.abc import Mapping, Sequence

from affectgpt.evaluation.labelled_clips import LabelledClips, label_clips
from affectgpt.evaluation.tables import ColumnNames, LabelTable


def table(name: str, of_clips: Mapping[str, Sequence[str]], **others: object) -> LabelTable:
    values: dict[str, object] = {
        "source": f"/{name}.csv",
        "name": name,
        "clip_ids": list(of_clips),
        "labels": [list(one) for one in of_clips.values()],
        "descriptions": None,
        "description_language": None,
        "basic": None,
        "sentiment": None,
        "sha256": "0" * 64,
        "notes": [],
    }
    return LabelTable(**{**values, **others})  # type: ignore[arg-type]


def side(name: str, labels: Mapping[str, Sequence[str]], **others: object) -> LabelledClips:
    return label_clips(table(name, labels, **others), ColumnNames(), lambda texts, language: [], english_only=False)
