"""The ways in which things go wrong: for a request, for a job, and for one clip."""

import errno

DISK_FULL = "a disk is full"
STORE_FAILS = "the object store fails"
_SAID_OF_STORES = ("AWS Error", "google::cloud", "Azure")


class RequestError(Exception):
    """What the user asked for is wrong; nothing was written.

    The message names the offending input and the remedy. Commands print it on stderr and exit with status 2.
    """


class JobError(Exception):
    """The job itself failed, after it had begun.

    The message says what happened and what to do. Commands print it on stderr and exit with status 1.
    """


class StoppedError(Exception):
    """The job was stopped half-way by what happened around it; the same command continues. Exit status 3."""


class ClipError(Exception):
    """One clip cannot be used; every other clip goes on.

    Attributes:
        reason: a short stable word for counting, in kebab-case, for example ``no-streams`` or ``decoder-crashed``.
        message: what happened to this clip, for a person, with the remedy where there is one.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message

    def __reduce__(self) -> tuple[type["ClipError"], tuple[str, str]]:
        return (type(self), (self.reason, self.message))


class FilteredClipError(ClipError):
    """A clip that is fine in itself but deliberately left out of the data set."""


def is_disk_full(error: BaseException) -> bool:
    """Whether an error says that there is no room left, or no more than a quota allows."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def is_store_failure(error: BaseException) -> bool:
    """Whether an error is what pyarrow raises where an object store does not do what it is asked, after all retries."""
    return isinstance(error, OSError) and any(words in str(error) for words in _SAID_OF_STORES)
