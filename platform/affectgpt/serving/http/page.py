"""The page at ``/``: files that came with the package, sample clips of a folder, and nothing from another host."""

import json
import logging
import mimetypes
from collections import defaultdict
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from affectgpt.clips.sources import media_suffix
from affectgpt.clips.subtitles import sidecar_cues, text_in_span
from affectgpt.errors import ClipError
from affectgpt.evaluation.emotion_wheels import shipped_wheels
from affectgpt.evaluation.vocabulary import chinese_words, emotions, english_words
from affectgpt.serving.refusals import RefusedError
from affectgpt.serving.service import Service

logger = logging.getLogger("ray.serve")

router = APIRouter(include_in_schema=False)

_POLICY: Final = (
    "default-src 'self'; media-src 'self' blob: data:; img-src 'self' blob: data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-cache",
    "Permissions-Policy": "camera=(self), microphone=(self)",
    "Referrer-Policy": "no-referrer",
}
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


@router.get("/page/samples.json")
def samples(request: Request) -> Response:
    """List the sample clips, each with what is said in it where a subtitle file beside it says so."""
    found = [{"name": name, "subtitle": _subtitle(path)} for name, path in _samples(request).items()]
    return _answer("samples.json", json.dumps(found, ensure_ascii=False).encode())


@router.get("/page/samples/{name}")
def sample(name: str, request: Request) -> Response:
    """Give a sample clip."""
    # Only what the list has, so that no name leads out of the folder.
    path = _samples(request).get(name)
    if path is None:
        raise RefusedError(404, "not-found", f"there is no sample {name}")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return FileResponse(path, headers=_HEADERS, media_type=kind)


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
    # Given by header, since Starlette would add a charset of its own to texts.
    return Response(content, headers={**_HEADERS, "Content-Type": kind})


def _samples(request: Request) -> dict[str, Path]:
    """Find the clips that lie directly in the folder of samples, by their names; links out of it do not count."""
    service: Service = request.app.state.service
    folder = service.settings.recipe.samples
    if folder is None:
        return {}
    files = {file.name: file.resolve() for file in sorted(folder.iterdir())}
    return {
        name: file
        for name, file in files.items()
        if media_suffix(name) and not name.startswith(".") and file.parent == folder and file.is_file()
    }


def _subtitle(path: Path) -> str | None:
    try:
        sidecar = sidecar_cues(str(path))
    except ClipError as error:
        logger.warning("the sample %s is offered without its subtitle: %s", path, error)
        return None
    return None if sidecar is None else text_in_span(sidecar.cues, None, None)


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
