from pathlib import Path

import pytest

from affectgpt.evaluation.extraction.lexicon import extract_by_lexicon
from affectgpt.evaluation.tables import read_table


def test_each_label_once_in_the_order_of_the_text() -> None:
    text = "He is sad, then angry. He is not happy. Sadness again; he says “how lovely and joyful”."
    assert extract_by_lexicon([text]) == [["sad", "angry"]]


def test_the_language_is_told_by_the_text() -> None:
    assert extract_by_lexicon(["他很伤心。", "He is sad.", ""]) == [["伤心"], ["sad"], []]


def test_progress_is_told() -> None:
    told: list[str] = []
    extract_by_lexicon(["He is sad."] * 20_001, progress=told.append)
    assert told == [f"labels of {done} of 20,001 descriptions extracted" for done in ("10,000", "20,000")]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_most_descriptions_of_emer_fine_yield_labels(shared: Path, language: str) -> None:
    table = read_table(str(shared / "reference" / "emer_fine" / "v2_bilingual.csv"), language=language)  # type: ignore[arg-type]
    assert table.descriptions is not None
    labels = extract_by_lexicon([text or "" for text in table.descriptions])
    assert len(labels) == 332
    assert sum(bool(of_clip) for of_clip in labels) >= 330
