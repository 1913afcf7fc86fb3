"""Where sources lie: opens, describes and hashes whatever a path or a URI names.

Local paths and ``file://`` URIs are read directly, ``http://`` and ``https://`` by range requests, and everything else
by the file systems of pyarrow (``s3://``, ``gs://``, ``abfs://``, ``hdfs://``, ...). A string without a scheme is a
local path and is taken literally, whatever characters it holds.

Settings of an object store come from its own environment (``AWS_ENDPOINT_URL``, ``AWS_REGION``,
``AWS_ACCESS_KEY_ID``, ``~/.aws``, ``GOOGLE_APPLICATION_CREDENTIALS``) or from the options that pyarrow reads in a URI
(``s3://bucket/key?endpoint_override=host:9000&scheme=http``). With an endpoint of one's own pyarrow addresses buckets
by path.
"""

import functools
import hashlib
import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import quote, unquote

import pyarrow as pa
from fsspec.caching import BlockCache
from pyarrow import fs

from affectgpt.errors import ClipError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_BLOCK_BYTES = 1 << 20
_BLOCKS_KEPT = 32
_HASH_CHUNK_BYTES = 16 << 20
_GCS_RETRY_S = 15
_S3_ATTEMPTS = 10

_CREDENTIALS = {
    "s3": "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, then the profile in ~/.aws, then the "
    "role of the machine (they are tried in this order), and that the bucket's policy lets them read",
    "gs": "check GOOGLE_APPLICATION_CREDENTIALS, then `gcloud auth application-default login`, then the service "
    "account of the machine (they are tried in this order), or use gs://anonymous@bucket for public data",
    "http": "use a signed URL, or put the user and password of this host into ~/.netrc",
    "https": "use a signed URL, or put the user and password of this host into ~/.netrc",
}
# pyarrow raises plain OSErrors for object stores; only their text tells the cases apart.
_DENIED = re.compile(
    r"ACCESS_DENIED|INVALID_ACCESS_KEY_ID|INVALID_CLIENT_TOKEN_ID|INVALID_SIGNATURE|SIGNATURE_DOES_NOT_MATCH|"
    r"MISSING_AUTHENTICATION_TOKEN|UNRECOGNIZED_CLIENT|REQUEST_EXPIRED|ExpiredToken|InvalidToken|"
    r"PERMISSION_DENIED|UNAUTHENTICATED|AuthenticationFailed|AuthorizationFailure|HTTP status 40[13]|[Cc]redential|"
    r"OAuth2 access token|\(AccessDenied\)|\(InvalidAccessKeyId\)|\(SignatureDoesNotMatch\)"
)
_MISSING = re.compile(r"NO_SUCH_BUCKET|NO_SUCH_KEY|RESOURCE_NOT_FOUND|NOT_FOUND|HTTP status 404|[Nn]ot found|\(NoSuch")
_NO_DRIVER = re.compile(r"Unrecognized filesystem type|Cannot parse URI|Unable to load lib|built without support")
# The parameters that sign a URL of S3 (both versions), Google Cloud Storage, CloudFront and Azure.
_SIGNATURES = {"x-amz-signature", "x-goog-signature", "signature", "sig"}
_CLIENTS = {"aiohttp", "botocore", "httpcore", "httpx", "httpx2", "huggingface_hub"}
_NO_RANGES = re.compile(r"support range requests|bytes so far .* than requested")


@dataclass(frozen=True, slots=True)
class SourceStat:
    """What a store tells of a file without reading it.

    Attributes:
        size_bytes: its length.
        modified: a token that changes with the content (ETag, or time of the last change), or None where the store
            tells none.
    """

    size_bytes: int
    modified: str | None

    @property
    def version(self) -> str:
        """Tells one content of the file from another, as well as the store can."""
        return f"{self.size_bytes} {self.modified}"


def local_path(uri: str) -> Path | None:
    """Give the path that a plain path or a ``file://`` URI names, or None where it is anything else.

    Raises:
        ClipError: ``unsupported-uri`` where a ``file://`` URI names another host.
    """
    if not uri.lower().startswith("file:/"):
        return None if _SCHEME.match(uri) else Path(uri)
    path = uri[len("file:") :]
    if path.startswith("//"):
        host, _, path = path[2:].partition("/")
        if host not in {"", "localhost"}:
            raise ClipError("unsupported-uri", f"{uri} names a file on the host {host}; use file:///path for this one")
        path = "/" + path
    return Path(unquote(path, errors="surrogateescape"))


def anchored(name: str) -> str:
    """Make the path of a local file or folder that exists absolute; a URI, or any other name, stays as it is.

    Processes on a cluster, or those that a library moved to another folder, find it then.
    """
    path = local_path(name)
    return _absolute(path) if path is not None and path.exists() else name


def is_http(uri: str) -> bool:
    """Whether a URI is read by HTTP range requests."""
    return uri.lower().startswith(("http://", "https://"))


def join_uri(folder: str, relative: str) -> str:
    """Name what lies at a literal relative path below a local folder or the URI of a folder."""
    path = local_path(folder)
    if path is not None:
        return _absolute(path / relative)
    base, mark, options = folder.partition("?")
    scheme, _, rest = base.partition("://")
    parts = [part for part in rest.strip("/").split("/") if part]
    for name in relative.split("/"):
        if name == ".." and len(parts) > 1:
            parts.pop()
        elif name not in {"", ".", ".."}:
            parts.append(quote(name, safe="!$&'()*+,;=:@"))
    return f"{scheme}://{'/'.join(parts)}{mark}{options}"


def split_uri(uri: str) -> tuple[str, str]:
    """Give the folder of a file (a local path or URI) and the file's plain name."""
    path = local_path(uri)
    if path is not None:
        folder, name = os.path.split(_absolute(path))
        return folder, name
    base, mark, options = uri.partition("?")
    parent, _, name = base.rstrip("/").rpartition("/")
    return f"{parent}{mark}{options}", unquote(name)


def filesystem_of(uri: str) -> tuple[fs.FileSystem, str]:
    """Open the file system of a path or URI, for reading and writing, and give the path in it.

    File systems are kept for the process and reused.

    Raises:
        ClipError: ``unsupported-uri``, ``access-denied`` or ``unreachable``.
    """
    path = local_path(uri)
    if path is not None:
        return fs.LocalFileSystem(), _absolute(path)
    if is_http(uri):
        raise ClipError("unsupported-uri", f"{uri} can be read as a file, but neither listed nor written to")
    base, _, options = uri.partition("?")
    scheme, _, rest = base.partition("://")
    authority, _, key = rest.partition("/")
    settings = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))
    with translated_errors(uri):
        filesystem, root = _remote_filesystem(scheme.lower(), authority, options, settings)
    return filesystem, "/".join(part for part in (root.rstrip("/"), unquote(key).rstrip("/")) if part)


def address_of(uri: str) -> str:
    """Give what of a URI names the file: without the options of a store, or the signature by which it may be read.

    Other queries are kept, since they may be what names it (``download?id=7``).
    """
    address, mark, query = uri.partition("?")
    if local_path(uri) is not None or not mark:
        return uri
    names = {name.lower() for name, _, _ in (part.partition("=") for part in query.split("&"))}
    return address if not is_http(uri) or names & _SIGNATURES else uri


def stat_source(uri: str) -> SourceStat:
    """Describe one file without reading it.

    Raises:
        ClipError: ``not-found``, ``access-denied``, ``unreachable``, ``is-a-directory``, ``empty-file`` or
            ``unsupported-uri``; the message names the URI and the remedy.
    """
    path = local_path(uri)
    if path is not None:
        found = _stat_local(path)
        described = SourceStat(found.st_size, str(found.st_mtime_ns))
    elif is_http(uri):
        described = _stat_http(uri)
    else:
        described = _stat_remote(uri)
    if described.size_bytes == 0:
        raise ClipError("empty-file", f"{uri} holds no bytes; copy it again from where it came from")
    return described


def open_source(uri: str) -> BinaryIO:
    """Open one file for reading and seeking; remote files are fetched by blocks of 1 MiB, of which 32 are kept.

    Raises:
        ClipError: as in ``stat_source``. Errors while reading come as the store raises them: read inside
            ``translated_errors``.
    """
    path = local_path(uri)
    if path is not None:
        _stat_local(path)
        with translated_errors(uri):
            return path.open("rb")
    if is_http(uri):
        return _open_http(uri, block_bytes=_BLOCK_BYTES, cache="blockcache")
    filesystem, key = filesystem_of(uri)
    with translated_errors(uri):
        remote = filesystem.open_input_file(key)
        return io.BufferedReader(_BlockFile(remote, remote.size()))


def content_sha256(uri: str) -> str:
    """Hash the content of one file, reading it once from beginning to end.

    Raises:
        ClipError: as in ``stat_source``.
    """
    with translated_errors(uri):
        if local_path(uri) is not None:
            with open_source(uri) as stream:
                return hashlib.file_digest(cast(io.BufferedReader, stream), "sha256").hexdigest()
        digest = hashlib.sha256()
        with _open_stream(uri) as stream:
            while chunk := stream.read(_HASH_CHUNK_BYTES):
                digest.update(chunk)
        return digest.hexdigest()


@contextmanager
def translated_errors(uri: str, writing: bool = False) -> Iterator[None]:
    """Turn what a store raises while one of its files is used into the ClipError that says so.

    Args:
        uri: the file or folder.
        writing: whether it is written rather than read.
    """
    try:
        yield
    except ClipError:
        raise
    except (OSError, ValueError, pa.ArrowException) as error:
        if writing and isinstance(error, OSError) and local_path(uri) is not None:
            raise ClipError("unwritable", f"{uri} cannot be written: {error}") from error
        raise _clip_error(uri, error) from error
    except Exception as error:
        # Importing these clients takes 0.2 s; they are there only where they were used.
        if type(error).__module__.partition(".")[0] not in _CLIENTS:
            raise
        raise _clip_error(uri, error) from error


def _clip_error(uri: str, error: Exception) -> ClipError:
    """Name the reason and the remedy for an error of a store."""
    text = str(error)
    # fsspec answers every failure to describe a URL by FileNotFoundError; its cause tells what happened.
    cause = error.__cause__ if is_http(uri) and error.__cause__ is not None else error
    status = getattr(cause, "status", None)
    if isinstance(cause, IsADirectoryError):
        return ClipError("is-a-directory", f"{uri} is a folder; give a file, or the folder as the input")
    if isinstance(cause, PermissionError) or status in {401, 403} or _DENIED.search(text):
        return _denied(uri, text)
    if isinstance(cause, FileNotFoundError | NotADirectoryError) or status in {404, 410} or _MISSING.search(text):
        return ClipError("not-found", f"{uri} does not exist; check its spelling")
    if _NO_DRIVER.search(text) or isinstance(error, pa.ArrowInvalid):
        return ClipError("unsupported-uri", f"{uri} cannot be opened: {text.splitlines()[0]}")
    if _NO_RANGES.search(text):
        return _no_ranges(uri)
    return _unread(uri, cause)


def _unread(uri: str, cause: BaseException) -> ClipError:
    if isinstance(cause, UnicodeDecodeError):
        return ClipError("unsupported-uri", f"{uri} holds a name that is not UTF-8, {cause.object!r}; rename it")
    if local_path(uri) is not None:
        return ClipError("unreadable", f"{uri} could not be read: {cause}; the file or its disk is damaged")
    return ClipError("unreachable", f"{uri} could not be read: {cause}; check the host and the network, and run again")


def _denied(uri: str, text: str) -> ClipError:
    scheme = _SCHEME.match(uri)
    remedy = _CREDENTIALS.get(scheme.group(1).lower(), "check the credentials of this store") if scheme else None
    if remedy is None:
        return ClipError("access-denied", f"{uri} may not be read by user id {os.geteuid()}; change its permissions")
    return ClipError("access-denied", f"{uri} may not be read ({text}); {remedy}")


def _no_ranges(uri: str) -> ClipError:
    return ClipError("unsupported-uri", f"the server of {uri} answers no range requests; download the file first")


def _absolute(path: Path) -> str:
    """Make a path absolute without following symlinks, so that identities follow the names that people gave."""
    return os.path.normpath(path.absolute())


def _stat_local(path: Path) -> os.stat_result:
    """Describe a local file that can be read; say precisely why where there is none."""
    if path == Path():
        raise ClipError("unsupported-uri", "the path is empty; name a file")
    try:
        found = path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            target = path.readlink()
            raise ClipError(
                "not-found", f"{path} is a dangling symlink: its target {target} does not exist; restore or remove it"
            ) from None
        raise ClipError("not-found", f"{path} does not exist; check its spelling") from None
    except (OSError, ValueError) as error:
        if isinstance(error, PermissionError):
            raise _denied(str(path), str(error)) from None
        raise ClipError("not-found", f"{str(path)!r} cannot be a file: {error}; check its spelling") from None
    if stat.S_ISDIR(found.st_mode):
        raise ClipError("is-a-directory", f"{path} is a folder; give a file, or the folder as the input")
    if not stat.S_ISREG(found.st_mode):
        raise ClipError("unsupported-uri", f"{path} is a device or a pipe; copy what it gives to a file")
    if not os.access(path, os.R_OK):
        raise _denied(str(path), "")
    return found


def _stat_remote(uri: str) -> SourceStat:
    filesystem, key = filesystem_of(uri)
    with translated_errors(uri):
        found = filesystem.get_file_info(key)
    if found.type == fs.FileType.NotFound:
        raise ClipError("not-found", f"{uri} does not exist; check its spelling")
    if found.type == fs.FileType.Directory:
        raise ClipError("is-a-directory", f"{uri} is a folder; give a file, or the folder as the input")
    return SourceStat(int(found.size), None if found.mtime_ns is None else str(found.mtime_ns))


@functools.lru_cache(maxsize=64)
def _remote_filesystem(
    scheme: str, authority: str, options: str, settings: tuple[tuple[str, str], ...]
) -> tuple[fs.FileSystem, str]:
    """Open a file system; ``settings`` is the part of the environment that it reads, so that a change opens another."""
    if scheme == "gs" and "retry_limit_seconds" not in options:
        # The default of 15 minutes per request would look like a hang.
        options = "&".join(part for part in (options, f"retry_limit_seconds={_GCS_RETRY_S}") if part)
    filesystem, root = fs.FileSystem.from_uri(f"{scheme}://{authority}" + (f"/?{options}" if options else ""))
    return _patient(filesystem) if scheme == "s3" else filesystem, str(root)


def _patient(store: fs.FileSystem) -> fs.FileSystem:
    """Let an S3 client wait ever longer between its attempts, for half a minute in all; a URI cannot say so."""
    _, (settings,) = store.__reduce__()
    return fs.S3FileSystem(**settings, retry_strategy=fs.AwsDefaultS3RetryStrategy(_S3_ATTEMPTS))


def _http_filesystem() -> Any:
    from fsspec.implementations.http import HTTPFileSystem

    return HTTPFileSystem(client_kwargs={"trust_env": True}, encoded=True)


def _request_url(uri: str) -> str:
    """Escape what may not stand in a request, and leave a signed URL as it is."""
    return quote(uri, safe="%/:?#[]@!$&'()*+,;=~")


def _stat_http(uri: str) -> SourceStat:
    with translated_errors(uri):
        found = _http_filesystem().info(_request_url(uri))
    if found["size"] is None or found.get("partial") is False:
        raise _no_ranges(uri)
    return SourceStat(int(found["size"]), found.get("ETag") or found.get("Last-Modified"))


def _open_http(uri: str, block_bytes: int, cache: str) -> BinaryIO:
    size_bytes = _stat_http(uri).size_bytes
    if size_bytes == 0:
        return io.BytesIO()
    options = {"maxblocks": _BLOCKS_KEPT} if cache == "blockcache" else {}
    with translated_errors(uri):
        opened = _http_filesystem().open(
            _request_url(uri), size=size_bytes, block_size=block_bytes, cache_type=cache, cache_options=options
        )
    return cast(BinaryIO, opened)


def _open_stream(uri: str) -> BinaryIO:
    """Open a remote file for one pass in large pieces."""
    if is_http(uri):
        return _open_http(uri, block_bytes=_HASH_CHUNK_BYTES, cache="none")
    filesystem, key = filesystem_of(uri)
    return cast(BinaryIO, filesystem.open_input_stream(key))


class _BlockFile(io.RawIOBase):
    """A remote file read by whole blocks, so that a decoder's many small reads cost few requests."""

    def __init__(self, remote: Any, size_bytes: int) -> None:
        super().__init__()
        self._remote = remote
        self._size_bytes = size_bytes
        self._position = 0
        self._blocks = BlockCache(_BLOCK_BYTES, self._fetch, size_bytes, maxblocks=_BLOCKS_KEPT)

    def _fetch(self, start: int, end: int) -> bytes:
        return bytes(self._remote.read_at(min(end, self._size_bytes) - start, start))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size_bytes}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        data = self._blocks._fetch(self._position, self._position + len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._remote.close()
        super().close()
