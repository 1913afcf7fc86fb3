"""Creates a file only if there is none, which of several writers at once lets one win."""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from affectgpt.clips.storage import local_path, translated_errors
from affectgpt.errors import ClipError

_EXISTS: Final = {"PreconditionFailed", "ConditionalRequestConflict"}
_UNKNOWN: Final = "NotImplemented"


def create_new(uri: str, content: bytes) -> bool:
    """Write a small file if there is none of that name; readers see all of it or nothing.

    Returns:
        whether this call made it.

    Raises:
        ClipError: ``unsupported-uri`` where the store cannot do that, else as ``storage.translated_errors`` has it.
    """
    path = local_path(uri)
    with translated_errors(uri, writing=True):
        if path is not None:
            return _create_local(path, content)
        if urlsplit(uri).scheme.lower() == "s3":
            return _create_s3(uri, content)
    raise ClipError("unsupported-uri", f"{uri}: this store cannot create a file on the condition that there is none")


def _create_local(path: Path, content: bytes) -> bool:
    whole = path.with_name(f"{path.name}.{secrets.token_hex(6)}.partial")
    written = False
    while not written:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Others may remove an empty folder in between.
        with contextlib.suppress(FileNotFoundError):
            whole.write_bytes(content)
            written = True
    try:
        # Unlike a file opened for exclusive creation, a link has its content from the first moment, also on NFS.
        os.link(whole, path)
    except FileExistsError:
        return False
    finally:
        with contextlib.suppress(FileNotFoundError):
            whole.unlink()
    return True


def _create_s3(uri: str, content: bytes) -> bool:
    """Put an object by S3's own condition ``If-None-Match: *``."""
    from botocore.exceptions import ClientError

    place = urlsplit(uri)
    try:
        _s3_client(uri).put_object(
            Bucket=place.netloc.rpartition("@")[2], Key=unquote(place.path.lstrip("/")), Body=content, IfNoneMatch="*"
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _EXISTS:
            return False
        if code == _UNKNOWN:
            raise ClipError("unsupported-uri", f"{uri}: this server knows no conditional puts") from error
        raise
    return True


def _s3_client(uri: str) -> Any:
    """Make a client that reads the credentials, options and environment that pyarrow reads."""
    import boto3
    from botocore.config import Config

    place = urlsplit(uri)
    options = {name: values[-1] for name, values in parse_qs(place.query).items()}
    endpoint = options.get("endpoint_override")
    if endpoint is not None and "://" not in endpoint:
        endpoint = f"{options.get('scheme', 'https')}://{endpoint}"
    user, _, secret = place.netloc.rpartition("@")[0].partition(":")
    own = endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    # The default session would keep the credentials that it saw first.
    return boto3.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name=options.get("region"),
        aws_access_key_id=unquote(user) or None,
        aws_secret_access_key=unquote(secret) or None,
        config=Config(
            s3={"addressing_style": "path" if own else "auto"},
            request_checksum_calculation="when_required",
            retries={"mode": "standard", "max_attempts": 5},
        ),
    )
