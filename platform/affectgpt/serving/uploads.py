"""Takes in the bodies of requests: forms stream their clip to disk, JSON is held in memory, both up to a limit."""

import asyncio
import shutil
import uuid
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from affectgpt.clips.sources import media_suffix
from affectgpt.serving.refusals import RefusedError

_MOST_FIELDS: Final = 16
_MOST_FIELD_BYTES: Final = 1 << 18

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Form:
    """A form.

    Attributes:
        fields: its texts by name.
        file: where the clip lies.
    """

    fields: dict[str, str]
    file: Path


async def read_json(request: Request, most_bytes: int, within_s: float) -> bytes:
    """Read a body whole.

    Raises:
        RefusedError: 413, 415 or 408.
    """
    _check_type(request, "application/json")

    async def whole() -> bytes:
        return b"".join([chunk async for chunk in _limited(request, most_bytes)])

    return await _in_time(whole, within_s)


async def read_form(request: Request, folder: Path, most_bytes: int, within_s: float) -> Form:
    """Read a form with one file, ``file``, which is streamed to disk.

    Args:
        request: whose body it is.
        folder: where the file is written.
        most_bytes: of the whole body.
        within_s: until it must be there.

    Raises:
        RefusedError: 413, 415, 422 or 408.
    """
    _check_type(request, "multipart/form-data")

    async def parsed() -> Form:
        parser = MultiPartParser(
            request.headers,
            _limited(request, most_bytes),
            max_files=1,
            max_fields=_MOST_FIELDS,
            max_part_size=_MOST_FIELD_BYTES,
        )
        try:
            form = await parser.parse()
        except MultiPartException as error:
            raise RefusedError(422, "bad-form", f"the form cannot be read: {error.message}") from error
        try:
            return await _saved(dict(form), folder)
        finally:
            await form.close()

    return await _in_time(parsed, within_s)


async def keep(file: Path, folder: str | None) -> None:
    """Copy an upload where uploads are kept, under a name of its own, if they are."""
    if folder is not None:
        place = Path(folder)
        await asyncio.to_thread(place.mkdir, parents=True, exist_ok=True)
        await asyncio.to_thread(shutil.copy, file, place / f"{uuid.uuid4().hex}{file.suffix}")


async def _saved(values: dict[str, str | UploadFile], folder: Path) -> Form:
    upload = values.pop("file", None)
    if not isinstance(upload, UploadFile):
        raise RefusedError(422, "no-file", "the form has no file; send the clip as its part file, with a file name")
    target = folder / f"clip{media_suffix(upload.filename or '')}"
    await asyncio.to_thread(_copy, upload.file, target)
    return Form({name: value for name, value in values.items() if isinstance(value, str)}, target)


def _copy(source: IO[bytes], target: Path) -> None:
    with target.open("wb") as file:
        shutil.copyfileobj(source, file)


async def _limited(request: Request, most_bytes: int) -> AsyncGenerator[bytes, None]:
    """Give the body in pieces, and stop where it is too large; a length that is stated is believed at once."""
    too_large = RefusedError(
        413, "body-too-large", f"the request has more than the {most_bytes:,} bytes that are allowed"
    )
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated) > most_bytes:
        raise too_large
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most_bytes:
            raise too_large
        yield chunk


async def _in_time(read: Callable[[], Coroutine[Any, Any, T]], within_s: float) -> T:
    try:
        async with asyncio.timeout(within_s):
            return await read()
    except TimeoutError:
        raise RefusedError(408, "upload-timeout", f"the request did not come whole within {within_s:g} s") from None
    except ClientDisconnect:
        raise RefusedError(499, "client-left", "the client left before its request was whole") from None


def _check_type(request: Request, wanted: str) -> None:
    found = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if found != wanted:
        raise RefusedError(415, "content-type", f"the content type is {found or 'not told'}; send {wanted}")
