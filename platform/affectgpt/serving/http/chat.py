"""``/v1/chat/completions``: a question about a clip in OpenAI's protocol."""

import asyncio
import base64
import binascii
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from affectgpt.clips.sources import media_suffix
from affectgpt.evaluation.text_language import Language, language_of
from affectgpt.inference.asking import Answer, Query
from affectgpt.serving.exchange import Told
from affectgpt.serving.http.answers import answer_of
from affectgpt.serving.http.bodies import parsed, schema_of
from affectgpt.serving.http.chat_schemas import ChatRequest, PicturePart, SoundPart, TextPart, VideoPart
from affectgpt.serving.http.context import Visit, visit
from affectgpt.serving.http.errors import error_body
from affectgpt.serving.http.events import Deltas, event, event_stream
from affectgpt.serving.http.models import check_name
from affectgpt.serving.parcel import Parcel, new_parcel
from affectgpt.serving.refusals import RefusedError
from affectgpt.serving.service import Wish
from affectgpt.serving.uploads import read_json

router = APIRouter(prefix="/v1/chat", tags=["OpenAI"])

_BODY: Final = {"requestBody": {"required": True, "content": {"application/json": {"schema": schema_of(ChatRequest)}}}}


@router.post("/completions", openapi_extra=_BODY)
async def completions(request: Request, visit: Annotated[Visit, Depends(visit)]) -> Response:
    """Answer a question about one clip, which comes as ``video_url``, ``input_audio`` or ``image_url``.

    The texts of all messages together are the question; without any, the usual one is asked.
    """
    service, limits = visit.service, visit.service.limits
    wanted = parsed(ChatRequest, await read_json(request, limits.json_bytes, limits.upload_s))
    check_name(wanted.model, service)
    with new_parcel() as parcel:
        question = await _received(wanted, visit, parcel)
        query = await visit.in_time(service.query(parcel, _wish(wanted, question)))
    head = {"id": f"chatcmpl-{visit.request_id}", "created": int(time.time()), "model": wanted.model}
    if wanted.stream:
        usage = wanted.stream_options is not None and wanted.stream_options.include_usage
        return event_stream(_chunks(visit, query, head, usage))
    answer = answer_of(await visit.in_time(service.describe(query)))
    message = {"role": "assistant", "content": answer.description.text, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": _finish(answer), "logprobs": None}
    return JSONResponse({**head, "object": "chat.completion", "choices": [choice], "usage": _usage(answer)})


async def _received(wanted: ChatRequest, visit: Visit, parcel: Parcel) -> str:
    """Put the files of the messages into the parcel and return their texts."""
    if any(message.role == "assistant" for message in wanted.messages):
        raise RefusedError(
            422, "earlier-answers", "each request is one question about one clip; leave earlier answers out"
        )
    texts = []
    for message in wanted.messages:
        for part in message.parts():
            if isinstance(part, TextPart):
                texts.append(part.text.strip())
            else:
                await _add(part, visit, parcel)
    return "\n".join(filter(None, texts))


async def _add(part: VideoPart | PicturePart | SoundPart, visit: Visit, parcel: Parcel) -> None:
    if isinstance(part, PicturePart):
        if len(parcel.pictures) == visit.service.limits.frames:
            raise RefusedError(
                422, "too-many-frames", f"more than the {len(parcel.pictures)} pictures that are allowed"
            )
        target = parcel.folder / f"picture{len(parcel.pictures)}"
        parcel.pictures.append(await _saved(part.image_url.url, target, visit))
    elif isinstance(part, VideoPart):
        _check_single(parcel.clip, "video_url")
        parcel.clip = await _saved(part.video_url.url, parcel.folder / "clip", visit)
    else:
        _check_single(parcel.sound, "input_audio")
        name = f"sound{media_suffix(f'sound.{part.input_audio.format}')}"
        parcel.sound = parcel.folder / name
        await asyncio.to_thread(_decode_base64, part.input_audio.data, parcel.sound)


def _check_single(found: Path | None, kind: str) -> None:
    if found is not None:
        raise RefusedError(422, "several-clips", f"more than one {kind}; each request is one question about one clip")


async def _saved(url: str, target: Path, visit: Visit) -> Path:
    """Save what a URL holds itself, or fetch what it names; one that holds something never leaves this machine."""
    if not url[:5].lower().startswith("data:"):
        return await visit.service.fetch(url, target)
    header, _, data = url.partition(",")
    if not header.lower().endswith(";base64"):
        raise RefusedError(422, "bad-uri", "a data: URL without base64; write data:video/mp4;base64,...")
    await asyncio.to_thread(_decode_base64, data, target)
    return target


def _decode_base64(data: str, target: Path) -> None:
    try:
        target.write_bytes(base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError) as error:
        raise RefusedError(422, "bad-base64", f"the data are no base64 ({error}); encode the file again") from None


def _wish(wanted: ChatRequest, question: str) -> Wish:
    language: Language = wanted.language or (language_of(question) if question else "en")
    tokens = wanted.max_completion_tokens or wanted.max_tokens
    return Wish(wanted.subtitle, question or None, language, tokens, wanted.temperature)


async def _chunks(visit: Visit, query: Query, head: dict[str, Any], with_usage: bool) -> AsyncIterator[str]:
    head = {**head, "object": "chat.completion.chunk"}
    deltas = Deltas()
    yield event(_chunk(head, {"role": "assistant", "content": ""}))
    try:
        async with visit.deadline():
            async for piece in visit.service.stream(query):
                text = answer_of(piece).description.text if isinstance(piece, Told) else piece
                if new := deltas.new(text):
                    yield event(_chunk(head, {"content": new}))
                if isinstance(piece, Told):
                    answer = answer_of(piece)
                    yield event(_chunk(head, {}, _finish(answer)))
                    if with_usage:
                        yield event({**head, "choices": [], "usage": _usage(answer)})
        yield event("[DONE]")
    except Exception as error:
        yield event(error_body(visit.failure(error), "/v1/chat", visit.request_id))


def _chunk(head: dict[str, Any], delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
    return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}]}


def _finish(answer: Answer) -> str:
    return "stop" if answer.complete else "length"


def _usage(answer: Answer) -> dict[str, int]:
    read, written = answer.prompt_tokens, answer.new_tokens
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
