import pytest

from affectgpt.annotate.generated.cleaning import cleaned, one_line, without_fence


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("  She smiles.\n", "She smiles."),
        ("She\x00 smi\x07les\x1b.", "She smiles."),
        ("She smiles\ud83d.\udc4d", "She smiles."),
        ("She \ufffdsmiles\ufffd.", "She smiles."),
        ("one\r\ntwo\rthree\u2028four\x85five", "one\ntwo\nthree\nfour\nfive"),
        ("a\tb 👍🏽 e\u0301 她微笑", "a\tb 👍🏽 e\u0301 她微笑"),
        ("<think>She may smile.\nOr not.</think>\n\nShe smiles.", "She smiles."),
        ("\n<think>\n\n</think>She smiles.", "She smiles."),
        ("She writes <think> on the wall.", "She writes <think> on the wall."),
        ("<think>on and on", "<think>on and on"),
        ("\x00\ufffd \n", ""),
    ],
)
def test_a_reply_holds_its_answer_and_nothing_else(reply: str, expected: str) -> None:
    assert cleaned(reply) == expected
    cleaned(reply).encode()


def test_blanks_become_single_spaces() -> None:
    assert one_line(" a\n\n b\tc ") == "a b c"


def test_a_code_fence_is_taken_off_what_it_surrounds() -> None:
    assert without_fence('```json\n{"a": 1}\n```') == '{"a": 1}'
    assert without_fence("```\n[]```") == "[]"
    for text in ('{"a": 1}', "look: ```\nx\n```"):
        assert without_fence(text) == text
