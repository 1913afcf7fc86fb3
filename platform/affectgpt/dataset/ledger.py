"""The ledger below an output: what was found, what was planned and how each clip ended, so that a run can continue.

Layout below ``<output>/ledger``: ``sources/``, ``uninspected/``, which are those of them that this run inspects, and
``work/`` are written anew by each run; ``clips/`` and ``outcomes/`` only ever grow, a part per block of work, committed
in two phases by Ray Data's checkpoint, whose identifiers lie in ``clips-done/`` and ``outcomes-done/``; ``runs/`` has
the events of each run.
"""

import contextlib
import errno
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from affectgpt.clips.storage import filesystem_of
from affectgpt.errors import RequestError

CLAIMS = ".claims"
"""The folder of an output that says which run holds it."""
PENDING = ".pending.parquet"
"""How Ray Data's checkpoint names what it has not committed; what precedes it begins the name of the part itself."""


@dataclass(frozen=True)
class Folder:
    """A folder on any file system that pyarrow opens."""

    filesystem: pafs.FileSystem
    path: str

    @staticmethod
    def at(uri: str) -> "Folder":
        """Open the folder that a path or URI names; it need not exist."""
        filesystem, path = filesystem_of(uri)
        return Folder(filesystem, path.rstrip("/"))

    def __truediv__(self, name: str) -> "Folder":
        return Folder(self.filesystem, f"{self.path}/{name}")

    def files(self, suffix: str = "") -> list[pafs.FileInfo]:
        """List the files directly in this folder, by name; none where the folder does not exist."""
        selector = pafs.FileSelector(self.path, allow_not_found=True)
        infos = self.filesystem.get_file_info(selector)
        return sorted(
            (info for info in infos if info.type == pafs.FileType.File and info.base_name.endswith(suffix)),
            key=lambda info: info.path,
        )

    def folders(self) -> list[str]:
        """Name the folders directly in this folder; none where it does not exist."""
        infos = self.filesystem.get_file_info(pafs.FileSelector(self.path, allow_not_found=True))
        return sorted(info.base_name for info in infos if info.type == pafs.FileType.Directory)

    def exists(self, name: str) -> bool:
        """Whether this folder holds a file or folder of that name."""
        return bool(self.filesystem.get_file_info(f"{self.path}/{name}").type != pafs.FileType.NotFound)

    def is_empty(self) -> bool:
        """Whether this folder does not exist or holds nothing, or no more than claims.

        Raises:
            RequestError: there is a file of that name.
        """
        info = self.filesystem.get_file_info(self.path)
        if info.type == pafs.FileType.File:
            raise RequestError(f"output {self.path}: it is a file; name a folder")
        return self.names() <= {CLAIMS}

    def names(self) -> set[str]:
        """Name the files and folders directly in this folder; none where it does not exist."""
        found = self.filesystem.get_file_info(pafs.FileSelector(self.path, allow_not_found=True))
        return {info.base_name for info in found}

    def check_writable(self) -> None:
        """Write and delete a small file; a folder of a disk that was not there is not there afterwards.

        Raises:
            OSError: that cannot be done.
        """
        was_there = self.filesystem.get_file_info(self.path).type == pafs.FileType.Directory
        self.write_bytes(".writable", b"")
        self.delete(".writable")
        if not was_there:
            self.remove_if_empty()

    def remove_if_empty(self) -> None:
        """Remove this folder of a disk if it holds nothing.

        What others write at the same time stays. Object stores cannot promise that, and have no folders.
        """
        if isinstance(self.filesystem, pafs.LocalFileSystem):
            try:
                Path(self.path).rmdir()
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENOTEMPTY):
                    raise

    def read_text(self, name: str) -> str:
        """Read a small text file of this folder."""
        with self.filesystem.open_input_stream(f"{self.path}/{name}") as stream:
            return bytes(stream.read()).decode("utf-8")

    def write_text(self, name: str, text: str) -> None:
        """Write a small text file of this folder; readers see the old or the new one, never a half."""
        self.write_bytes(name, text.encode("utf-8"))

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write a small file of this folder; readers see the old or the new one, never a half."""
        self.filesystem.create_dir(self.path, recursive=True)
        target = f"{self.path}/{name}"
        if not isinstance(self.filesystem, pafs.LocalFileSystem):
            with self.filesystem.open_output_stream(target) as stream:
                stream.write(content)
            return
        try:
            with self.filesystem.open_output_stream(f"{target}.partial") as stream:
                stream.write(content)
            self.filesystem.move(f"{target}.partial", target)
        except OSError:
            self.delete(f"{name}.partial")
            raise

    def delete(self, name: str) -> None:
        """Delete a file of this folder if it is there."""
        with contextlib.suppress(FileNotFoundError):
            self.filesystem.delete_file(f"{self.path}/{name}")

    def clear(self) -> None:
        """Make this an empty folder."""
        if self.filesystem.get_file_info(self.path).type == pafs.FileType.Directory:
            self.filesystem.delete_dir_contents(self.path)
        self.filesystem.create_dir(self.path, recursive=True)

    def take_files(self, other: "Folder") -> None:
        """Move the Parquet files that lie directly in another folder here."""
        self.filesystem.create_dir(self.path, recursive=True)
        for info in other.files(".parquet"):
            self.filesystem.move(info.path, f"{self.path}/{info.base_name}")

    def write_table(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> int:
        """Replace this folder's content by Parquet files of these rows; returns how many there were."""
        self.clear()
        rows = 0
        for number, batch in enumerate(batches):
            path = f"{self.path}/{number:06d}.parquet"
            partial = f"{path}.partial" if isinstance(self.filesystem, pafs.LocalFileSystem) else path
            pq.write_table(pa.Table.from_batches([batch], schema), partial, filesystem=self.filesystem)
            if partial != path:
                self.filesystem.move(partial, path)
            rows += batch.num_rows
        return rows

    def read_batches(self, columns: list[str], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Read some columns of all Parquet files of this folder, file by file."""
        for info in self.files(".parquet"):
            table = pq.read_table(info.path, columns=columns, filesystem=self.filesystem, schema=schema)
            yield from table.to_batches()


@dataclass(frozen=True)
class Results(Folder):
    """A folder of parts that are committed one by one; those that are being written, or never were whole, are not seen.

    Attributes:
        done: the folder of Ray Data's checkpoint, which names them.
    """

    done: Folder

    def files(self, suffix: str = "") -> list[pafs.FileInfo]:
        """List the committed files, by name."""
        # In this order: a part that is committed between the two is whole.
        found = super().files(suffix)
        pending = tuple(info.base_name.removesuffix(PENDING) for info in self.done.files(PENDING))
        return [info for info in found if not (pending and info.base_name.startswith(pending))]


class Ledger:
    """The ledger of one output."""

    def __init__(self, output: Folder) -> None:
        root = output / "ledger"
        self.sources = root / "sources"
        self.uninspected = root / "uninspected"
        self.clips = Results(root.filesystem, f"{root.path}/clips", root / "clips-done")
        self.work = root / "work"
        self.voices = root / "voices"
        self.runs = root / "runs"
        self.outcomes = Results(root.filesystem, f"{root.path}/outcomes", root / "outcomes-done")
        self.staging = root / "staging"

    def drop_uncommitted(self) -> None:
        """Delete the parts that a run was writing when it was killed or found no room: they may be broken."""
        for results in (self.clips, self.outcomes):
            pending = results.done.files(PENDING)
            if pending:
                committed = {info.base_name for info in results.files(".parquet")}
                for name in results.names() - committed:
                    results.delete(name)
            for info in pending:
                results.done.delete(info.base_name)


def rows_in(done: Folder, known: dict[str, int]) -> int:
    """Count the rows committed so far; ``known`` remembers the files that were counted."""
    for info in done.files(".parquet"):
        if info.path not in known and not info.base_name.endswith(PENDING):
            with contextlib.suppress(FileNotFoundError):
                known[info.path] = pq.read_metadata(info.path, filesystem=done.filesystem).num_rows
    return sum(known.values())
