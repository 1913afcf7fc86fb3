import datetime
import email.utils

import httpx2
import pytest

from affectgpt.client.errors import refusal_of


def test_a_refusal_is_read_as_the_service_writes_it() -> None:
    error = {"type": "queue-full", "message": "come again", "request_id": "7"}
    response = httpx2.Response(429, json={"error": error}, headers={"Retry-After": "2", "X-Request-Id": "7"})
    refusal = refusal_of(response)
    assert (refusal.status, refusal.reason, refusal.message) == (429, "queue-full", "come again")
    assert (refusal.request_id, refusal.retry_after_s) == ("7", 2.0)


@pytest.mark.parametrize("content", [b"<html>", b"[]", b'{"error": "busy"}', b"{}", b"\xff"])
def test_what_a_proxy_answers_is_named_by_its_status(content: bytes) -> None:
    refusal = refusal_of(httpx2.Response(502, content=content))
    assert (refusal.reason, refusal.message, refusal.retry_after_s) == ("http-502", "Bad Gateway", None)


def test_a_status_that_nobody_knows_is_told() -> None:
    assert refusal_of(httpx2.Response(599)).reason == "http-599"


def test_the_time_to_come_again_may_be_a_date() -> None:
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    response = httpx2.Response(503, headers={"Retry-After": email.utils.format_datetime(later, usegmt=True)})
    assert refusal_of(response).retry_after_s == pytest.approx(3600, abs=60)


@pytest.mark.parametrize(("header", "seconds"), [("-5", 0.0), ("soon", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)])
def test_times_that_are_none_or_over(header: str, seconds: float | None) -> None:
    assert refusal_of(httpx2.Response(503, headers={"Retry-After": header})).retry_after_s == seconds
