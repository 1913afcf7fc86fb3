import csv
import re
from pathlib import Path

import numpy as np
import pytest

from affectgpt.evaluation.label_lists import clean_label, split_groups, split_labels


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("['happy', 'sad']", ["happy", "sad"]),
        ("[confusion, helplessness]", ["confusion", "helplessness"]),
        ("['happy' 'sad'\n 'slightly anxious']", ["happy", "sad", "slightly anxious"]),
        ("happy, sad", ["happy", "sad"]),
        ("angry", ["angry"]),
        ('["happy", "sad"]', ["happy", "sad"]),
        (r'["\u60b2\u4f24", "joy \ud83d\ude00"]', ["悲伤", "joy 😀"]),
        (r"[\ud800]", [r"\ud800"]),
        ("", []),
        ("  ", []),
        ("[]", []),
        ("['', ' ']", []),
        ("['sad', 'happy', 'sad']", ["sad", "happy", "sad"]),
        (" ['happy'] ", ["happy"]),
        ("[happy [very]]", ["happy [very]"]),
        ("[happy, sad", ["happy", "sad"]),
        ("""["don't believe", 'doubt']""", ["don't believe", "doubt"]),
        ("['can't', 'd'accord']", ["can't", "d'accord"]),
        ("['others' joy']", ["others", "joy"]),
        ("[开心，难过、生气；平静]", ["开心", "难过", "生气", "平静"]),
        ("[['a', 'b'], ['c']]", ["a", "b", "c"]),
        ("[ [a], [b, c] ]", ["a", "b", "c"]),
        ("('a', 'b')", ["a", "b"]),
        ("('a',)", ["a"]),
        (" {'a', 'b'}\n", ["a", "b"]),
        ("()", []),
        ("{}", []),
        ("(very) sad, sad (very)", ["(very) sad", "sad (very)"]),
        ("(a, b", ["(a", "b"]),
        ("(['a', 'b'])", ["a", "b"]),
        ("a; b|c\nd\r\ne", ["a", "b", "c", "d", "e"]),
    ],
)
def test_lists_in_all_their_forms(text: str, labels: list[str]) -> None:
    assert split_labels(text) == labels


def test_apostrophes_split_where_that_is_wanted() -> None:
    assert split_labels("""["don't believe", 'doubt']""", split_apostrophes=True) == ["don", "t believe", "doubt"]
    assert split_groups("[['don't'], ['b']]", split_apostrophes=True) == [["don", "t"], ["b"]]


@pytest.mark.parametrize("text", ["('a', 'b')", "{'a', 'b'}", "[a; b|c\nd]", "(a)"])
def test_only_the_signs_of_its_authors_count_where_figures_are_published(text: str) -> None:
    assert split_labels(text, split_apostrophes=True) == published_rule(text)


def published_rule(text: str) -> list[str]:
    """The rule by which published figures were made: a bracket at either end, then quotes and commas."""
    inner = re.sub(r"\]$", "", re.sub(r"^\[", "", text))
    return [piece.strip() for piece in re.split("['\",]", inner) if piece.strip()]


def test_released_files_are_split_as_by_their_authors(shared: Path) -> None:
    folder = shared / "reference" / "ov_merd"
    texts: list[str] = []
    for name in ("ground_truth.csv", "example_predictions.csv"):
        with (folder / name).open(encoding="utf-8-sig", newline="") as file:
            texts += [row["openset"] for row in csv.DictReader(file)]
    for path in sorted(folder.glob("*.npz")):
        texts += np.load(path)["fileitems"].tolist()
    assert len(texts) == 4 * 332
    assert [split_labels(text, split_apostrophes=True) for text in texts] == list(map(published_rule, texts))
    differing = [split_labels(text) for text in texts if split_labels(text) != published_rule(text)]
    assert differing == [["don't believe", "doubt"]]


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("[['a', 'b'], ['c']]", [["a", "b"], ["c"]]),
        ('[["happy"], []]', [["happy"]]),
        ("[['a b' 'c']\n ['d']]", [["a b", "c"], ["d"]]),
        ("['a', 'b']", [["a", "b"]]),
        ("[['a', 'b'], ['c'", [["a", "b"], ["c"]]),
        (r'[["\u60b2"], ["x"]]', [["悲"], ["x"]]),
        ("[]", []),
        ("", []),
    ],
)
def test_groups(text: str, groups: list[list[str]]) -> None:
    assert split_groups(text) == groups


@pytest.mark.parametrize(
    ("label", "clean"),
    [
        ("  Happy ", "happy"),
        ("slightly\n  Anxious", "slightly anxious"),
        ("ＨＡＰＰＹ", "happy"),
        ("开心", "开心"),
        (" ", ""),
    ],
)
def test_clean_label(label: str, clean: str) -> None:
    assert clean_label(label) == clean
