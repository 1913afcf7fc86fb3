"""Where an OpenAI-compatible API is, the key to it, and what its failures mean to the person who asked."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import openai

from affectgpt.errors import JobError, RequestError

KEY_VARIABLE = "OPENAI_API_KEY"
QUOTED_CHARACTERS = 300

_STRUCTURED_OUTPUT_WORDS = ("response_format", "schema", "structured", "grammar", "guided")
_MEDIA_WORDS = ("image", "audio", "multimodal", "multi-modal")
_UNSUPPORTED = ("unsupported_parameter", "unsupported_value")
_NO_SUCH_METHOD = {405, 501}
_AGAIN = "when that is seen to, the same command continues"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible API.

    Attributes:
        base_url: where it is, for example ``http://localhost:8000/v1``.
        key: the key to it, or None; it is never part of what is printed.
        key_source: where the key came from, for messages.
    """

    base_url: str
    key: str | None = field(repr=False)
    key_source: str

    def incompatible(self, answer: str) -> RequestError:
        """Say that an answer is not what such an API gives."""
        what = "an HTML page" if answer.lstrip().startswith("<") else f"this: {self._quote(answer) or '(nothing)'}"
        return RequestError(
            f"{self.base_url} is no OpenAI-compatible API: it answered {what}; "
            "give the URL below which /chat/completions is, which usually ends in /v1"
        )

    def no_such_model(self, model: str, models: Sequence[str]) -> RequestError:
        """Say that the endpoint does not have a model, and what it has."""
        return RequestError(f"{self.base_url} has no model {model!r}; it has: {', '.join(models) or 'none'}")

    def explain(self, error: openai.OpenAIError, answered_before: bool) -> RequestError | JobError:
        """Translate a failure that asking again did not mend, or could not.

        Args:
            error: what the client raised.
            answered_before: whether the endpoint has answered before, so that the request cannot be what is wrong.
        """
        match error:
            case openai.APIStatusError():
                return self._explain_status(error, answered_before)
            case openai.APITimeoutError():
                return JobError(
                    f"{self.base_url} did not answer in time, also when asked again; see whether it is up and not too "
                    f"busy, ask fewer things at a time or wait longer; {_AGAIN}"
                )
            case openai.APIConnectionError() if answered_before:
                return JobError(f"{self.base_url} was lost on the way: {self._cause(error)}; {_AGAIN}")
            case openai.APIConnectionError():
                return RequestError(
                    f"{self.base_url} cannot be reached: {self._cause(error)}; start the server or correct the URL"
                )
        return JobError(f"{self.base_url} could not be asked: {self._quote(str(error))}; {_AGAIN}")

    def _explain_status(self, error: openai.APIStatusError, answered_before: bool) -> RequestError | JobError:
        said = self._quote(error.message)
        match error.status_code:
            case 401 | 403:
                explained = self._explain_key(said)
                return JobError(f"{explained}; {_AGAIN}") if answered_before else explained
            case 429:
                return JobError(
                    f"{self.base_url} has had too many requests, also when asked again: {said}; "
                    f"ask fewer things at a time, wait, or see to the quota; {_AGAIN}"
                )
            case status if status in _NO_SUCH_METHOD:
                return self.incompatible(error.response.text)
            case status if status >= 500 or status in (408, 409):
                return JobError(f"{self.base_url} failed, also when asked again: {said}; see its log; {_AGAIN}")
        return self._explain_refusal(error, said)

    def _explain_refusal(self, error: openai.APIStatusError, said: str) -> RequestError:
        if error.status_code in (400, 422):
            if any(word in f"{error.param} {error.message}".lower() for word in _STRUCTURED_OUTPUT_WORDS):
                return RequestError(
                    f"{self.base_url} cannot keep to a JSON schema: {said}; "
                    "use a model and a server with structured output (response_format of type json_schema)"
                )
            if error.code in _UNSUPPORTED:
                return RequestError(
                    f"{self.base_url} has a model that cannot be asked like this: {said}; "
                    "use a model that takes max_tokens and a temperature of 0"
                )
            if any(word in error.message.lower() for word in _MEDIA_WORDS):
                return RequestError(
                    f"{self.base_url} refused pictures or sound: {said}; "
                    "use a model and a server that take as many as they are sent"
                )
        return RequestError(f"{self.base_url} refused a request: {said}")

    def _explain_key(self, said: str) -> RequestError:
        if self.key is not None:
            return RequestError(f"{self.base_url} refused the API key from {self.key_source}: {said}; correct it")
        return RequestError(
            f"{self.base_url} wants an API key: {said}; "
            f"set {KEY_VARIABLE} or name a file that holds the key (api_key_file)"
        )

    def _cause(self, error: openai.APIConnectionError) -> str:
        return self._quote(str(error.__cause__) or type(error.__cause__).__name__)

    def _quote(self, text: str) -> str:
        """Quote what an endpoint said: in one line, not too long, and without the key, which some send back."""
        line = " ".join(text.split())
        if self.key is not None:
            line = line.replace(self.key, "(the key)")
        return line if len(line) <= QUOTED_CHARACTERS else line[:QUOTED_CHARACTERS] + " ..."


def find_endpoint(base_url: str, api_key: str | None, api_key_file: str | Path | None) -> Endpoint:
    """Check a URL and find the key: the one given, else that in a file, else that in OPENAI_API_KEY, else none.

    Raises:
        RequestError: the URL is none for an API, the file cannot be read, or what was found cannot be a key.
    """
    key, source = _find_key(api_key, api_key_file)
    return Endpoint(checked_url(base_url), key, source)


def checked_url(base_url: str) -> str:
    """Check a URL and return it without a slash at its end.

    Raises:
        RequestError: it is none for an API, or may hold a key; in that case the message does not quote it.
    """
    try:
        parts = urlsplit(base_url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise RequestError(f"{base_url!r} is no URL of an API; it looks like http://localhost:8000/v1")
    if parts.username is not None or parts.query or parts.fragment:
        raise RequestError(
            f"the URL of the API at {parts.hostname} holds more than scheme, host, port and path; "
            f"a key belongs in {KEY_VARIABLE} or in a file (api_key_file)"
        )
    return base_url.rstrip("/")


def _find_key(api_key: str | None, api_key_file: str | Path | None) -> tuple[str | None, str]:
    if api_key is not None:
        key, source = api_key, "the argument api_key"
    elif api_key_file is not None:
        key, source = _read_key(Path(api_key_file)), str(api_key_file)
    else:
        key, source = os.environ.get(KEY_VARIABLE, ""), KEY_VARIABLE
    key = key.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise RequestError(f"what is in {source} cannot be an API key: it is more than one word of ASCII characters")
    return key or None, source


def _read_key(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise RequestError(f"{file}: the API key cannot be read: {reason}; name a file that holds it") from error
