"""Every error as JSON: for the service's own routes, and in OpenAI's shape for those that speak its protocol."""

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from affectgpt.serving.http.schemas import ErrorOut
from affectgpt.serving.refusals import RefusedError

logger = logging.getLogger("ray.serve")

_OPENAI: Final = ("/v1/chat", "/v1/models")
_OPENAI_TYPES: Final[Mapping[int, str]] = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}
_REASONS: Final[Mapping[int, str]] = {404: "not-found", 405: "method-not-allowed"}


def add_error_handlers(app: FastAPI) -> None:
    """Let the application answer errors as this module says."""
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def error_out(refusal: RefusedError, request_id: str) -> ErrorOut:
    """Write a refusal as clients of the service's own routes get it."""
    return ErrorOut(type=refusal.reason, message=refusal.message, request_id=request_id)


def error_body(refusal: RefusedError, path: str, request_id: str) -> dict[str, Any]:
    """Write a refusal as clients of a path expect it."""
    if not path.startswith(_OPENAI):
        return {"error": error_out(refusal, request_id).model_dump()}
    kind = "server_error" if refusal.status >= 500 else _OPENAI_TYPES.get(refusal.status, "invalid_request_error")
    error = {"message": refusal.message, "type": kind, "param": None, "code": refusal.reason, "request_id": request_id}
    return {"error": error}


def failure_of(error: BaseException) -> RefusedError:
    """Say what a client needs to know of an error that is not its own."""
    if isinstance(error, RefusedError):
        return error
    logger.error("a request failed", exc_info=error)
    return RefusedError(500, "internal-error", "the service failed; its log says why, under the request id")


def validation_refusal(errors: Sequence[Mapping[str, Any]]) -> RefusedError:
    """Name what is wrong in a request, without repeating what it holds."""
    places = (".".join(str(part) for part in problem["loc"]) or "the body" for problem in errors)
    problems = [f"{place}: {problem['msg']}" for place, problem in zip(places, errors, strict=True)]
    return RefusedError(422, "bad-request", "; ".join(problems))


def error_response(refusal: RefusedError, path: str, request_id: str) -> JSONResponse:
    """Answer a refusal."""
    headers = {}
    if refusal.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(refusal.retry_after_s)))
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(error_body(refusal, path, request_id), refusal.status, headers)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    refusal = error if isinstance(error, RefusedError) else failure_of(error)
    request.state.reason = refusal.reason
    return error_response(refusal, request.url.path, str(request.state.request_id))


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    errors = error.errors() if isinstance(error, RequestValidationError) else []
    return await _refused(request, validation_refusal(errors))


async def _http(request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = f"{request.method} {request.url.path}: {error.detail if isinstance(error, HTTPException) else ''}"
    return await _refused(request, RefusedError(status, _REASONS.get(status, "http-error"), message))
