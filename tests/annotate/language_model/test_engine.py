import pytest

from affectgpt.annotate.language_model.engine import TextReply, TextRequest, is_complete

GROUPS = {
    "type": "object",
    "properties": {"groups": {"type": "array", "items": {"enum": ["glad", "sad"]}, "minItems": 1}},
    "required": ["groups"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("schema", "text", "finish_reason", "complete"),
    [
        (None, "Hello", "stop", True),
        (None, "Hel", "length", False),
        (None, "", "refusal", False),
        ({"type": "object"}, '{"a": 1}', "stop", True),
        ({"type": "object"}, '```json\n{"a": 1}\n```', "stop", False),
        ({"type": "object"}, '{"a": 1}', "length", False),
        ({"type": "object"}, "[]", "stop", False),
        (GROUPS, '{"groups": ["sad", "glad"]}', "stop", True),
        (GROUPS, '{"groups": ["bad"]}', "stop", False),
        (GROUPS, '{"groups": []}', "stop", False),
        (GROUPS, '{"groups": ["sad"], "more": 1}', "stop", False),
        (GROUPS, '{"groupz": []}', "stop", False),
        (GROUPS, "[" * 100_000, "stop", False),
        (GROUPS, f'{{"groups": [{"[" * 900}{"]" * 900}]}}', "stop", False),
        (GROUPS, f'{{"groups": [{"9" * 5000}]}}', "stop", False),
    ],
)
def test_what_counts_as_complete(
    schema: dict[str, object] | None, text: str, finish_reason: str, complete: bool
) -> None:
    assert is_complete(TextRequest("s", "u", schema, 9), TextReply(text, finish_reason)) is complete
