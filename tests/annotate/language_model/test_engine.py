import pytest

from affectgpt.annotate.language_model.engine import TextReply, TextRequest, is_complete


@pytest.mark.parametrize(
    ("schema", "text", "finish_reason", "complete"),
    [
        (None, "Hello", "stop", True),
        (None, "Hel", "length", False),
        (None, "", "refusal", False),
        ({"type": "object"}, '{"a": 1}', "stop", True),
        ({"type": "object"}, '```json\n{"a": 1}\n```', "stop", False),
        ({"type": "object"}, '{"a": 1}', "length", False),
    ],
)
def test_what_counts_as_complete(schema: dict[str, str] | None, text: str, finish_reason: str, complete: bool) -> None:
    assert is_complete(TextRequest("s", "u", schema, 9), TextReply(text, finish_reason)) is complete
