"""Storage: whether each node reads the input, and writes, reads and deletes below the output."""

import contextlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.fs as pafs

from affectgpt.clips.storage import is_http, local_path, open_source, translated_errors
from affectgpt.dataset.ledger import Folder
from affectgpt.doctor.check import Check, Finding, Node
from affectgpt.doctor.needs import Needs
from affectgpt.errors import ClipError

_GLOB = frozenset("*?[")
_DEPTH = 8
_CONTENT = b"doctor"
_SHARED = "give a URI of an object store, or a folder that all nodes share at the same path"


@dataclass(frozen=True)
class Access:
    """What a node can do.

    Attributes:
        unread: why inputs cannot be read, by input.
        unwritten: why the output cannot be written, or an empty text.
        shared: whether it sees what the node of this command wrote to the output.
    """

    unread: Mapping[str, str] = field(default_factory=dict)
    unwritten: str = ""
    shared: bool = True


class StorageCheck(Check[Access]):
    """Whether all nodes have the same storage.

    Args:
        mark: name of a small file that lies below the output, or None where none does.
    """

    name = "storage"

    def __init__(self, mark: str | None = None) -> None:
        self._mark = mark

    def look(self, needs: Needs) -> Access:
        """Read an input's first byte, and write, read and delete a small file of a name of its own."""
        unread = {uri: trouble for uri in needs.inputs if (trouble := _unread(uri))}
        if needs.output is None:
            return Access(unread)
        unwritten = _unwritten(needs.output)
        return Access(unread, unwritten, self._mark is None or bool(unwritten) or self._sees_mark(needs.output))

    def judge(self, needs: Needs, seen: Mapping[Node, Access]) -> list[Finding]:
        """Say of each place who has no access to it."""
        findings = []
        for node, access in seen.items():
            remedy = f"see that it is there, and that {node.name} has the credentials or the mount for it"
            findings += [self.failed(node.name, trouble, remedy) for trouble in access.unread.values()]
            if access.unwritten:
                findings.append(self.failed(node.name, access.unwritten, remedy))
            if not access.shared:
                found = f"output {needs.output}: there it is another folder than here"
                findings.append(self.failed(node.name, found, _SHARED))
        for uri in needs.inputs:
            if seen and not any(uri in access.unread for access in seen.values()):
                findings.append(self.ok(f"{uri} can be read"))
        if needs.output is not None and seen and all(one.shared and not one.unwritten for one in seen.values()):
            findings.append(self.ok(f"{needs.output} can be written, read and deleted"))
        return findings

    def _sees_mark(self, output: str) -> bool:
        with translated_errors(output):
            return Folder.at(output).exists(str(self._mark))


@contextlib.contextmanager
def marked_output(needs: Needs) -> Iterator[StorageCheck]:
    """Leave a small file below the output, for nodes to see, as long as the context lasts; where that is possible."""
    if needs.output is None:
        yield StorageCheck()
        return
    name = _own_name()
    try:
        with translated_errors(needs.output, writing=True):
            folder = Folder.at(needs.output)
            made = _made_by_writing(folder)
            folder.write_bytes(name, _CONTENT)
    except ClipError:
        # The check itself says so, of this node too.
        yield StorageCheck()
        return
    try:
        yield StorageCheck(name)
    finally:
        folder.delete(name)
        _remove(folder.filesystem, made)


def _own_name() -> str:
    return f".doctor-{uuid.uuid4().hex}"


def _unwritten(output: str) -> str:
    """Say why a small file cannot be written, read and deleted, or nothing."""
    name = _own_name()
    try:
        with translated_errors(output, writing=True):
            folder = Folder.at(output)
            made = _made_by_writing(folder)
            try:
                folder.write_bytes(name, _CONTENT)
                read = folder.read_text(name).encode()
            finally:
                folder.delete(name)
                _remove(folder.filesystem, made)
    except ClipError as error:
        return error.message
    return "" if read == _CONTENT else f"{output} gives back something else than was written"


def _made_by_writing(folder: Folder) -> list[str]:
    """Name the folders that writing would make, the innermost first."""
    made, path = [], folder.path
    while path and folder.filesystem.get_file_info(path).type == pafs.FileType.NotFound:
        made.append(path)
        path = path.rpartition("/")[0]
    return made


def _remove(filesystem: pafs.FileSystem, folders: list[str]) -> None:
    """Delete folders that hold nothing; other nodes may do the same."""
    for path in folders:
        with contextlib.suppress(FileNotFoundError):
            if filesystem.get_file_info(pafs.FileSelector(path)):
                return
            filesystem.delete_dir(path)


def _unread(uri: str) -> str:
    """Say why nothing can be read at an input, or nothing."""
    try:
        if is_http(uri):
            with open_source(uri) as stream:
                stream.read(1)
            return ""
        with translated_errors(uri):
            path = local_path(_before_glob(uri))
            if path is not None:
                return _unread_here(uri, path)
            folder = Folder.at(_before_glob(uri))
            info = folder.filesystem.get_file_info(folder.path)
            if info.type == pafs.FileType.NotFound:
                return f"{uri} does not exist"
            file = _first_file(folder.filesystem, info, _DEPTH)
            if file is None:
                return f"{uri} holds no file"
            with folder.filesystem.open_input_stream(file) as stream:
                stream.read(1)
    except ClipError as error:
        return error.message
    return ""


def _unread_here(uri: str, path: Path) -> str:
    """As ``_unread``, of this machine, whose names need not be UTF-8."""
    if not path.exists():
        return f"{uri} does not exist"
    file = path if path.is_file() else next(_files_below(path, _DEPTH), None)
    if file is None:
        return f"{uri} holds no file"
    with file.open("rb") as stream:
        stream.read(1)
    return ""


def _files_below(folder: Path, depth: int) -> Iterator[Path]:
    inner = sorted(folder.iterdir())
    yield from (path for path in inner if path.is_file())
    if depth > 0:
        yield from (file for path in inner if path.is_dir() for file in _files_below(path, depth - 1))


def _before_glob(uri: str) -> str:
    """Return the folder that a glob starts from; anything else stays as it is."""
    if not _GLOB & set(uri) or ((path := local_path(uri)) is not None and path.exists()):
        return uri
    before = uri[: min(uri.index(character) for character in _GLOB if character in uri)]
    return before.rpartition("/")[0] or "/"


def _first_file(filesystem: pafs.FileSystem, info: pafs.FileInfo, depth: int) -> str | None:
    """Find a file in a folder, or in the first ones below it."""
    if info.type == pafs.FileType.File:
        return str(info.path)
    infos = sorted(filesystem.get_file_info(pafs.FileSelector(info.path)), key=lambda one: one.path)
    for inner in sorted(infos, key=lambda one: one.type != pafs.FileType.File):
        if inner.type == pafs.FileType.File or depth > 0:
            found = _first_file(filesystem, inner, depth - 1)
            if found is not None:
                return found
    return None
