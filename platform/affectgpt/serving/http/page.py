"""The page at ``/``: files that came with the package, and nothing from another host."""

import json
import mimetypes
from collections import defaultdict
from functools import cache
from importlib import resources
from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

from affectgpt.evaluation.emotion_wheels import shipped_wheels
from affectgpt.evaluation.vocabulary import chinese_words, emotions, english_words
from affectgpt.serving.refusals import RefusedError

router = APIRouter(include_in_schema=False)

_POLICY: Final = (
    "default-src 'self'; media-src 'self' blob: data:; img-src 'self' blob: data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}
_TEXTS: Final = ("text/", "application/json", "image/svg+xml")


@router.get("/")
async def index() -> Response:
    """Give the page."""
    return _file("index.html")


@router.get("/page/wheels.json")
async def wheels() -> Response:
    """Give the emotion wheels, and which words have which place on them."""
    return _answer("wheels.json", _wheels())


@router.get("/page/reports.css")
async def report_style() -> Response:
    """Give the style that the page has in common with the reports."""
    return _answer("reports.css", (resources.files("affectgpt.dataset.report") / "page.css").read_bytes())


@router.get("/page/{name}")
async def page_file(name: str) -> Response:
    """Give a file of the page."""
    return _file(name)


def _file(name: str) -> Response:
    folder = resources.files("affectgpt.serving") / "page"
    # Only what the folder lists, so that no name leads out of it.
    files = {file.name: file for file in folder.iterdir() if file.is_file()} if folder.is_dir() else {}
    if name not in files:
        raise RefusedError(404, "not-found", f"the page has no file {name}")
    return _answer(name, files[name].read_bytes())


def _answer(name: str, content: bytes) -> Response:
    suffix = f".{name.rpartition('.')[2]}"
    kind = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    if kind.startswith(_TEXTS):
        kind += "; charset=utf-8"
    headers = {
        "Content-Security-Policy": _POLICY,
        "Cache-Control": "no-cache",
        "Permissions-Policy": "camera=(self), microphone=(self)",
        "Referrer-Policy": "no-referrer",
    }
    # Given by header, since Starlette would add a charset of its own to texts.
    return Response(content, headers={**headers, "Content-Type": kind})


@cache
def _wheels() -> bytes:
    every = (*english_words().values(), *chinese_words().values())
    words: dict[str, list[str]] = defaultdict(list)
    # Several forms of a word have the same base; each base is listed once.
    for base, emotion in {word.base: word.emotion.name for word in every}.items():
        words[emotion].append(base)
    drawn = [
        {
            "name": wheel.name,
            "title": wheel.name.capitalize(),
            "sectors": [{"name": sector, "words": middle} for sector, middle in wheel.sectors.items()],
        }
        for wheel in shipped_wheels().wheels
    ]
    placed = [{"places": emotion.places, "words": words[emotion.name]} for emotion in emotions()]
    return json.dumps({"wheels": drawn, "emotions": placed}, ensure_ascii=False).encode()
