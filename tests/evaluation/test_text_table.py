import pytest

from affectgpt.evaluation.text_table import print_table


def test_columns_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([["name", "clips"], ["a long name", "7"], ["b", "1,234,567"]])
    assert capsys.readouterr().out.splitlines() == [
        "name             clips",
        "a long name          7",
        "b            1,234,567",
    ]
