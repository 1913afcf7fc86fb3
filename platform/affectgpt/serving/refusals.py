"""Why a request is not answered: each reason with the HTTP status that tells a client whose fault it is."""

from collections.abc import Mapping
from typing import Final

from affectgpt.errors import ClipError


class RefusedError(Exception):
    """A request that is refused.

    Attributes:
        status: the HTTP status.
        reason: a short stable word, in kebab-case, for example ``body-too-large``.
        message: what is wrong and what to do.
        retry_after_s: in how many seconds the same request may succeed, or None where it never will.
    """

    def __init__(self, status: int, reason: str, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"{reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after_s = retry_after_s


_STATUSES: Final[Mapping[str, int]] = {
    "not-found": 404,
    "is-a-directory": 404,
    "not-media": 415,
    "no-streams": 415,
}
"""Statuses of reasons for which a clip cannot be used; every other one is 422."""


def refusal_of(error: ClipError) -> RefusedError:
    """Say to a client why a clip cannot be used."""
    return RefusedError(_STATUSES.get(error.reason, 422), error.reason, error.message)
