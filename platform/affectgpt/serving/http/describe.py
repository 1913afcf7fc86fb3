"""``/v1/describe``: a clip, uploaded or fetched, and what the model says of it; or many clips."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from affectgpt.inference.asking import Query
from affectgpt.serving.exchange import Told
from affectgpt.serving.http.answers import Steps, answer_of, clip_out, describe_answer
from affectgpt.serving.http.bodies import parsed, schema_of
from affectgpt.serving.http.context import Visit, visit
from affectgpt.serving.http.errors import error_out
from affectgpt.serving.http.events import Deltas, event, event_stream
from affectgpt.serving.http.schemas import (
    BatchAnswer,
    BatchOutcome,
    BatchRequest,
    DescribeAnswer,
    DescribeRequest,
    FormWishes,
    Wishes,
)
from affectgpt.serving.parcel import Parcel, new_parcel
from affectgpt.serving.refusals import RefusedError
from affectgpt.serving.service import Wish
from affectgpt.serving.uploads import keep, read_form, read_json

router = APIRouter(prefix="/v1/describe", tags=["describe"])

_BODIES: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": schema_of(FormWishes, {"file": {"type": "string", "format": "binary"}})},
            "application/json": {"schema": schema_of(DescribeRequest)},
        },
    }
}
_BATCH_BODY: Final = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": schema_of(BatchRequest)}}}
}


@router.post("", response_model=DescribeAnswer, openapi_extra=_BODIES)
async def describe(request: Request, visit: Annotated[Visit, Depends(visit)]) -> Response | DescribeAnswer:
    """Describe one clip: a form with the part ``file``, or JSON with the ``uri`` of a clip that is fetched.

    With ``stream`` the answer comes as server-sent events: ``clip`` says what was found in it, each ``text`` holds what
    is new of the description, and ``done`` is the whole answer; ``error`` says why there is none.
    """
    steps = Steps()
    with new_parcel() as parcel:
        wishes = await _received(request, visit, parcel)
        steps.done("receive")
        query = await visit.in_time(visit.service.query(parcel, _wish(wishes)))
        steps.done("decode")
    if wishes.stream:
        return event_stream(_events(visit, query, steps))
    told = await visit.in_time(visit.service.describe(query))
    return describe_answer(query, told, steps, visit)


@router.post("/batch", response_model_exclude_none=True, openapi_extra=_BATCH_BODY)
async def describe_batch(request: Request, visit: Annotated[Visit, Depends(visit)]) -> BatchAnswer:
    """Describe many clips that are fetched; each has an outcome of its own, an answer or an error."""
    limits = visit.service.limits
    wanted = parsed(BatchRequest, await read_json(request, limits.json_bytes, limits.upload_s))
    if len(wanted.uris) > limits.batch_clips:
        raise RefusedError(422, "too-many-clips", f"{len(wanted.uris)} clips: at most {limits.batch_clips} are allowed")
    outcomes = await asyncio.gather(*(_outcome(uri, wanted, visit) for uri in wanted.uris))
    return BatchAnswer(outcomes=outcomes, request_id=visit.request_id)


async def _received(request: Request, visit: Visit, parcel: Parcel) -> FormWishes:
    """Take in what a request sends, or have fetched what it names."""
    service, limits = visit.service, visit.service.limits
    if request.headers.get("content-type", "").startswith("multipart/"):
        form = await read_form(request, parcel.folder, limits.body_bytes, limits.upload_s)
        parcel.clip = form.file
        await keep(form.file, service.settings.recipe.keep_uploads)
        return parsed(FormWishes, json.dumps(form.fields).encode())
    wanted = parsed(DescribeRequest, await read_json(request, limits.json_bytes, limits.upload_s))
    parcel.clip = await service.fetch(wanted.uri, parcel.folder / "clip")
    return wanted


async def _outcome(uri: str, wanted: Wishes, visit: Visit) -> BatchOutcome:
    steps = Steps()
    try:
        async with visit.service.few_at_a_time:
            with new_parcel() as parcel:
                parcel.clip = await visit.service.fetch(uri, parcel.folder / "clip")
                steps.done("receive")
                query = await visit.in_time(visit.service.query(parcel, _wish(wanted)))
                steps.done("decode")
        told = await visit.in_time(visit.service.describe(query))
        return BatchOutcome(uri=uri, answer=describe_answer(query, told, steps, visit))
    except Exception as error:
        return BatchOutcome(uri=uri, error=error_out(visit.failure(error), visit.request_id))


async def _events(visit: Visit, query: Query, steps: Steps) -> AsyncIterator[str]:
    yield event(clip_out(query).model_dump(), "clip")
    deltas = Deltas()
    try:
        async with visit.deadline():
            async for piece in visit.service.stream(query):
                text = answer_of(piece).description.text if isinstance(piece, Told) else piece
                if new := deltas.new(text):
                    yield event({"text": new}, "text")
                if isinstance(piece, Told):
                    yield event(describe_answer(query, piece, steps, visit).model_dump(), "done")
    except Exception as error:
        refusal = visit.failure(error)
        yield event({"error": error_out(refusal, visit.request_id).model_dump()}, "error")


def _wish(wishes: Wishes) -> Wish:
    return Wish(wishes.subtitle, wishes.question, wishes.language, wishes.max_tokens, wishes.temperature)
