import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from affectgpt.serving.fetching import PublicResolver, checked, fetch
from affectgpt.serving.refusals import RefusedError
from affectgpt.serving.settings import FetchingSection

CONTENT = b"0123456789" * 1000
OPEN = FetchingSection()


class Handler(BaseHTTPRequestHandler):
    """Answers with ten thousand bytes, with or without their number, or sends clients elsewhere."""

    def do_GET(self) -> None:
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
        elif self.path in {"/clip", "/unknown-length"}:
            self.send_response(200)
            if self.path == "/clip":
                self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT)
        else:
            self.send_error(404 if self.path == "/nothing" else 500)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def allowing(port: int, **changes: object) -> FetchingSection:
    return OPEN.model_copy(update={"schemes": ("http",), "private": True, "ports": (port,), **changes})


def fetched(uri: str, target: Path, settings: FetchingSection, most_bytes: int = len(CONTENT)) -> bytes:
    asyncio.run(fetch(uri, target / "clip", settings, most_bytes))
    return (target / "clip").read_bytes()


def refused(uri: str, target: Path, settings: FetchingSection, most_bytes: int = len(CONTENT)) -> tuple[int, str]:
    with pytest.raises(RefusedError) as caught:
        fetched(uri, target, settings, most_bytes)
    return caught.value.status, caught.value.reason


def test_a_file_is_fetched_directly_and_by_redirects(port: int, tmp_path: Path) -> None:
    home = f"http://127.0.0.1:{port}"
    for path in ("/clip", "/unknown-length", "/to//clip", f"/to/{home}/clip"):
        assert fetched(home + path, tmp_path, allowing(port)) == CONTENT


def test_a_file_that_is_too_large_is_not_read_to_its_end(port: int, tmp_path: Path) -> None:
    for path in ("/clip", "/unknown-length"):
        uri = f"http://127.0.0.1:{port}{path}"
        assert refused(uri, tmp_path, allowing(port), len(CONTENT) - 1) == (413, "body-too-large")


def test_what_is_not_there_is_told_apart_from_what_fails(port: int, tmp_path: Path) -> None:
    home = f"http://127.0.0.1:{port}"
    assert refused(f"{home}/nothing", tmp_path, allowing(port)) == (404, "not-found")
    assert refused(f"{home}/broken", tmp_path, allowing(port)) == (422, "unreachable")
    loop = f"{home}/to/" * 5
    assert refused(loop + f"{home}/clip", tmp_path, allowing(port)) == (422, "too-many-redirects")


def test_a_redirect_is_checked_like_the_uri_itself(port: int, tmp_path: Path) -> None:
    home = f"http://127.0.0.1:{port}"
    for place, reason in (
        ("file:///etc/passwd", "scheme-not-allowed"),
        ("http://127.0.0.1:1/clip", "port-not-allowed"),
        (f"http://other.org:{port}/clip", "host-not-allowed"),
    ):
        settings = allowing(port, hosts=("127.0.0.1",))
        assert refused(f"{home}/to/{place}", tmp_path, settings) == (403, reason)


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("file:///etc/passwd", "scheme-not-allowed"),
        ("/etc/passwd", "scheme-not-allowed"),
        ("http://example.org/a.mp4", "scheme-not-allowed"),
        ("s3://bucket/a.mp4", "scheme-not-allowed"),
        ("https://example.org:22/", "port-not-allowed"),
        ("https://user:word@example.org/a.mp4", "credentials-in-uri"),
        ("https://example.org\\@127.0.0.1/a.mp4", "bad-uri"),
        ("https://127.0.0.1/", "address-not-allowed"),
        ("https://127.1/", "address-not-allowed"),
        ("https://0x7f000001/", "address-not-allowed"),
        ("https://2130706433/", "address-not-allowed"),
        ("https://[::1]/", "address-not-allowed"),
        ("https://[::ffff:169.254.169.254]/", "address-not-allowed"),
        ("https://169.254.169.254/latest/meta-data", "address-not-allowed"),
        ("https://localhost/", "address-not-allowed"),
    ],
)
def test_hostile_uris_are_refused(uri: str, reason: str, tmp_path: Path) -> None:
    assert refused(uri, tmp_path, OPEN)[1] == reason


@pytest.mark.parametrize("uri", ["https:///a.mp4", "https://[", "https://a.org:99999/"])
def test_what_is_no_uri_is_refused(uri: str, tmp_path: Path) -> None:
    assert refused(uri, tmp_path, OPEN)[0] in {403, 422}


def test_object_stores_keep_to_their_buckets_and_take_no_options() -> None:
    settings = OPEN.model_copy(update={"schemes": ("s3",), "hosts": ("clips",)})
    assert checked("s3://clips/a.mp4", settings).raw_host == "clips"
    for uri, reason in (
        ("s3://other/a.mp4", "host-not-allowed"),
        ("s3://clips/a.mp4?endpoint_override=127.0.0.1:9000", "options-in-uri"),
    ):
        with pytest.raises(RefusedError, match=reason):
            checked(uri, settings)


def test_a_name_with_a_private_address_is_not_resolved() -> None:
    async def resolved() -> None:
        resolver = PublicResolver()
        try:
            await resolver.resolve("localhost", 443)
        finally:
            await resolver.close()

    with pytest.raises(RefusedError, match="localhost lies in a private network"):
        asyncio.run(resolved())
