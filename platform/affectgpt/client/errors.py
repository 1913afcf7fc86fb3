"""Why a service gives no answer."""

import email.utils
import time
from http import HTTPStatus

import httpx2


class ServiceError(Exception):
    """There is no answer: the service refused the request, or could not be reached.

    Attributes:
        status: the HTTP status, or None where there was no response at all.
        reason: a short stable word, for example ``body-too-large``, ``unreachable`` or ``connection-lost``.
        message: what happened, and what to do.
        request_id: under which the service's log tells of the request, or None.
        retry_after_s: in how many seconds the same request may succeed, where the service says that it may.
    """

    def __init__(
        self,
        status: int | None,
        reason: str,
        message: str,
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.request_id = request_id
        self.retry_after_s = retry_after_s


def refusal_of(response: httpx2.Response) -> ServiceError:
    """Read why a request was refused, also from a proxy that does not speak as the service does.

    Args:
        response: one that is no success, and that has been read.
    """
    try:
        error = response.json()["error"]
        reason, message = str(error["type"]), str(error["message"])
    except (ValueError, TypeError, KeyError):
        reason, message = f"http-{response.status_code}", _phrase(response.status_code)
    retry_after_s = _seconds(response.headers.get("Retry-After"))
    return ServiceError(response.status_code, reason, message, response.headers.get("X-Request-Id"), retry_after_s)


def no_response(error: httpx2.RequestError, url: str) -> ServiceError:
    """Say why there is no response."""
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.UnsupportedProtocol | httpx2.ProxyError):
        return ServiceError(None, "unreachable", f"{url} cannot be reached ({error}); see that the service is up")
    if isinstance(error, httpx2.TimeoutException):
        return ServiceError(None, "timeout", f"{url} did not answer in time; ask again later, or allow more time")
    return ServiceError(None, "connection-lost", f"the connection to {url} broke off ({error}); ask again")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "the answer is no answer of this service"


def _seconds(header: str | None) -> float | None:
    """Read ``Retry-After``: seconds or a date (RFC 9110, section 10.2.3)."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return None
