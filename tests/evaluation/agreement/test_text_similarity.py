import re
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from affectgpt.evaluation.agreement.text_similarity import Overlap, word_overlap
from affectgpt.evaluation.tables import read_table


def overlap(first: list[str | None], second: list[str | None]) -> Overlap:
    return word_overlap(*(pa.chunked_array([pa.array(side, pa.large_string())]) for side in (first, second)))


def counts(first: str, second: str) -> tuple[int, int, int]:
    """The definition, text by text."""
    one, other = (
        Counter(re.findall(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+", text.lower())) for text in (first, second)
    )
    return one.total(), other.total(), (one & other).total()


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("He smiles, and smiles!", "he SMILES", 2 * 2 / (4 + 2)),
        ("the the the", "the the", 2 * 2 / 5),
        ("a voice", "no sound", 0.0),
        ("他很开心。", "他不开心", 2 * 3 / 8),
        ("“Naïve”… café—12.5", "naïve café 12 5", 1.0),
    ],
)
def test_the_share_of_common_words(first: str, second: str, expected: float) -> None:
    assert overlap([first], [second]).f1 == pytest.approx([expected])


def test_texts_without_words_have_no_similarity() -> None:
    found = overlap([None, "", "…!", "a word", None], ["a word", "a", "a", None, None])
    assert np.isnan(found.f1).all()
    assert found.first.tolist() == [0, 0, 0, 2, 0] and found.second.tolist() == [2, 1, 1, 0, 0]
    assert len(overlap([], []).f1) == 0


def test_rows_do_not_mix_however_many_there_are() -> None:
    first = [f"word{number} shared" for number in range(5000)]
    found = overlap(first, first[1:] + first[:1])
    assert found.common.tolist() == [1] * 5000
    assert overlap(first, list(first)).f1.tolist() == [1.0] * 5000


@pytest.mark.parametrize("language", ["en", "zh"])
def test_real_descriptions_are_counted_by_the_definition(shared: Path, language: str) -> None:
    table = read_table(str(shared / "reference" / "emer_fine" / "v2_bilingual.csv"), language=language)  # type: ignore[arg-type]
    texts = [text or "" for text in table.descriptions or []]
    others = texts[1:] + texts[:1]
    found = overlap(list(texts), list(others))
    expected = [counts(one, other) for one, other in zip(texts, others, strict=True)]
    assert list(zip(found.first.tolist(), found.second.tolist(), found.common.tolist(), strict=True)) == expected
