"""``/docs``: the interface for people to read, written out of the same schema as ``/openapi.json``."""

import json
from functools import cache
from importlib import resources
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, Template

router = APIRouter(include_in_schema=False)

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """Give the documentation."""
    schema: dict[str, Any] = request.app.openapi()
    text = _template().render(schema=schema)
    return HTMLResponse(text, headers={"Content-Security-Policy": _POLICY})


@cache
def _template() -> Template:
    environment = Environment(autoescape=True)
    environment.filters["pretty"] = lambda value: json.dumps(value, indent=2, ensure_ascii=False)
    source = resources.files(__package__) / "docs.html.jinja"
    return environment.from_string(source.read_text(encoding="utf-8"))
