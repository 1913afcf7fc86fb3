"""Bodies of requests: checked against their schema, and written into the documentation."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from affectgpt.serving.http.errors import validation_refusal

Body = TypeVar("Body", bound=BaseModel)


def parsed(schema: type[Body], body: bytes) -> Body:
    """Check a body.

    Raises:
        RefusedError: 422, it is no JSON, or something in it is wrong; the message names it.
    """
    try:
        return schema.model_validate_json(body)
    except ValidationError as error:
        raise validation_refusal(error.errors(include_input=False, include_url=False)) from None


def schema_of(schema: type[BaseModel], more: dict[str, Any] | None = None) -> dict[str, Any]:
    """Give the JSON schema of a body whole, with further properties that are required."""
    found = schema.model_json_schema()
    if more:
        found["properties"] = more | found["properties"]
        found["required"] = [*more, *found.get("required", [])]
    return found
