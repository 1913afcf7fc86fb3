"""A web server that answers range requests, and counts what it gives."""

import contextlib
import http.server
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Web:
    """A web server on this machine, and what was asked of it."""

    url: str
    ranges: list[str] = field(default_factory=list)
    served_bytes: int = 0


@contextmanager
def serve(contents: Mapping[str, bytes]) -> Iterator[Web]:
    """Serve contents by their paths; below ``/secret`` nothing may be read, and ``/no-ranges`` knows no ranges."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self, send: bool) -> None:
            path = self.path.partition("?")[0]
            if path.startswith("/secret"):
                self.send_error(403)
                return
            if path not in contents:
                self.send_error(404)
                return
            content = contents[path]
            wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            if wanted and not path.startswith("/no-ranges"):
                start, end = int(wanted[1]), min(int(wanted[2]) + 1, len(content))
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
                content = content[start:end]
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", '"v1"')
            self.end_headers()
            if send:
                web.ranges.append(self.headers.get("Range", ""))
                web.served_bytes += len(content)
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(content)

        def do_HEAD(self) -> None:
            self.answer(send=False)

        def do_GET(self) -> None:
            self.answer(send=True)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        web = Web(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield web
        server.shutdown()
