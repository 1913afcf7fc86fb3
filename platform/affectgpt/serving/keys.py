"""Who may ask, and how often: keys of which only the hashes are known here."""

import hashlib
import hmac
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Final

from affectgpt.errors import RequestError
from affectgpt.serving.refusals import RefusedError
from affectgpt.serving.settings import KeysSection

_LINE: Final = re.compile(r"(?P<hash>[0-9a-fA-F]{64})\s+(?P<name>\S+)")
_BURST_S: Final = 10.0


def read_keys(settings: KeysSection, environment: Mapping[str, str] = os.environ) -> dict[str, str] | None:
    """Read the keys that may be used.

    Each line is the SHA-256 of a key in hexadecimal and a name for it, as ``printf %s KEY | sha256sum`` prints them;
    empty lines and those that begin with ``#`` do not count.

    Returns:
        The name of each hash, or None where everybody may ask.

    Raises:
        RequestError: the file or the variable is not there, or holds no key, or a line is none.
    """
    texts = []
    if settings.file is not None:
        try:
            texts.append((f"keys.file {settings.file}", Path(settings.file).read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            raise RequestError(f"keys.file {settings.file}: it cannot be read: {error}; name another") from error
    if settings.environment is not None:
        text = environment.get(settings.environment)
        if text is None:
            raise RequestError(f"keys.environment {settings.environment}: there is no such variable; set it")
        texts.append((f"keys.environment {settings.environment}", text))
    if not texts:
        return None
    keys = {digest: name for where, text in texts for digest, name in _lines(where, text)}
    if not keys:
        raise RequestError(f"{texts[0][0]}: it holds no key, and so nobody could ask; add a line of SHA-256 and name")
    return keys


def _lines(where: str, text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if not line or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise RequestError(f"{where}, line {number}: it is no SHA-256 and name; write printf %s KEY | sha256sum")
        yield found["hash"].lower(), found["name"]


class Keyring:
    """Lets requests with a known key pass, up to the rate and the concurrency of that key."""

    def __init__(self, keys: Mapping[str, str] | None, settings: KeysSection) -> None:
        """Set up.

        Args:
            keys: what ``read_keys`` gives; None lets everybody pass.
            settings: the rate and the concurrency.
        """
        self._keys = keys
        self._settings = settings
        self._visitors = {digest: _Visitor(settings) for digest in keys or ()}

    @contextmanager
    def admitted(self, authorization: str | None) -> Iterator[None]:
        """Count a request as long as the context lasts.

        Args:
            authorization: the header of that name.

        Raises:
            RefusedError: 401 without a known key, 429 where the key is used too often.
        """
        if self._keys is None:
            yield
            return
        with self._visitors[self._known(authorization)].admitted():
            yield

    def check(self, authorization: str | None) -> None:
        """See that a request has a known key, without counting it.

        Raises:
            RefusedError: 401, it has none.
        """
        if self._keys is not None:
            self._known(authorization)

    def _known(self, authorization: str | None) -> str:
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise RefusedError(401, "no-key", "a key is needed; send it as Authorization: Bearer KEY")
        digest = hashlib.sha256(key.strip().encode()).hexdigest()
        # All are compared, each in constant time, so that the time tells nothing.
        found = [known for known in self._visitors if hmac.compare_digest(known, digest)]
        if not found:
            raise RefusedError(401, "unknown-key", "this key is not known here; check it")
        return found[0]


class _Visitor:
    """How often one key was used; what is left of its rate grows with time, up to ten seconds' worth."""

    def __init__(self, settings: KeysSection) -> None:
        self._per_s = settings.requests_per_minute / 60
        self._most = max(1.0, self._per_s * _BURST_S)
        self._concurrency = settings.concurrency
        self._left = self._most
        self._since = monotonic()
        self._running = 0

    @contextmanager
    def admitted(self) -> Iterator[None]:
        now = monotonic()
        self._left = min(self._most, self._left + (now - self._since) * self._per_s)
        self._since = now
        if self._left < 1.0:
            wait_s = (1.0 - self._left) / self._per_s
            raise RefusedError(429, "rate-limit", "this key asks too often; slow down", retry_after_s=wait_s)
        if self._running >= self._concurrency:
            raise RefusedError(
                429, "concurrency-limit", f"this key has {self._running} requests running; await one", retry_after_s=1.0
            )
        self._left -= 1.0
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
