"""The connection of a job to Ray: to the cluster that it is told, to that of this machine, or to one of its own."""

import importlib.metadata
import json
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

import ray
from ray.data import DataContext
from ray.exceptions import RayTaskError

import affectgpt
from affectgpt.errors import JobError, RequestError, is_disk_full, is_store_failure

_DISTRIBUTION: Final = "affectgpt-platform"
_LOGGER_OF_DATASETS: Final = "ray.data.dataset"
_LOGGERS_OF_FAILURES: Final = ("ray.data.exceptions", "ray.data._internal.execution.streaming_executor_state")
_LOGGER_OF_TOKENS: Final = "ray._private.authentication.authentication_token_setup"
_CONNECT_S: Final = 5.0
_REMEDY: Final = (
    "start the cluster, or repair RAY_ADDRESS, and set RAY_AUTH_MODE=token where the cluster asks for one; "
    "RAY_ADDRESS=local starts a cluster of its own on this machine"
)


def connect(show_workers: bool = True) -> None:
    """Join the Ray cluster of RAY_ADDRESS or of this machine, or start one in this process.

    The workers run the same code as this process: where that is not the installed one, they get a copy of it.

    Args:
        show_workers: whether what the workers print is printed here too.

    Raises:
        JobError: the cluster does not answer, or does not take this driver.
    """
    package = Path(affectgpt.__file__).resolve().parent
    environment = {} if _is_installed(package) else {"py_modules": [str(package)]}
    on_sigterm = signal.getsignal(signal.SIGTERM)
    logging.getLogger(_LOGGER_OF_TOKENS).addFilter(_is_a_risk)
    address = os.environ.get("RAY_ADDRESS", "")
    _check_address(address)
    try:
        ray.init(
            include_dashboard=False,
            logging_level="warning",
            log_to_driver=show_workers,
            runtime_env=environment or None,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        named = f"at RAY_ADDRESS={address}" if address else "of this machine"
        raise JobError(f"the Ray cluster {named} does not take this job: {error}; {_REMEDY}") from error
    # Ray's own handler ends the process before what is open can be closed.
    signal.signal(signal.SIGTERM, on_sigterm)
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    # The second version starts actors for each read, which takes longer than to read a ledger.
    context.use_datasource_v2 = False
    # What a worker raises for the user reaches this process as it is.
    context.raise_original_map_exception = True
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    logging.getLogger("ray.data._internal.progress").setLevel(logging.ERROR)
    logging.getLogger(_LOGGER_OF_DATASETS).addFilter(_is_news)
    for name in _LOGGERS_OF_FAILURES:
        logging.getLogger(name).addFilter(_is_a_fault)


def _is_a_risk(record: logging.LogRecord) -> bool:
    """Whether what is logged of tokens is more than that the cluster asks for one."""
    return not record.getMessage().startswith("Token authentication is enabled")


def _is_news(record: logging.LogRecord) -> bool:
    """Whether what Ray Data logs is more than that all CPUs are held, as they are for a moment after each phase.

    Where others hold them, ``affectgpt.dataset.progress`` says so.
    """
    return "does not have any available CPUs" not in record.getMessage()


def _is_a_fault(record: logging.LogRecord) -> bool:
    """Whether what is logged is more than what this process tells the user itself, in a line and not in a trace."""
    error = (record.exc_info or sys.exc_info())[1]
    return not (
        isinstance(error, RayTaskError)
        and (
            isinstance(error.cause, RequestError | JobError)
            or is_disk_full(error.cause)
            or is_store_failure(error.cause)
        )
    )


def _is_installed(package: Path) -> bool:
    """Whether this is the copy of the package that every process of this machine imports."""
    for found in importlib.metadata.distributions(name=_DISTRIBUTION):
        if found.read_text("RECORD") is None:
            continue  # the metadata that a build leaves in the source folder
        editable_from = json.loads(found.read_text("direct_url.json") or "{}").get("url", "")
        source = Path(url2pathname(urlsplit(editable_from).path)) / "platform" / "affectgpt"
        if package in (Path(str(found.locate_file("affectgpt"))).resolve(), source.resolve()):
            return True
    return False


def _check_address(address: str) -> None:
    """See that somebody listens, since Ray tries for a minute."""
    try:
        parts = urlsplit(address if "://" in address else f"ray://{address}")
        if parts.hostname is None or parts.port is None:
            return
        with socket.create_connection((parts.hostname, parts.port), timeout=_CONNECT_S):
            pass
    except (OSError, ValueError) as error:
        raise JobError(f"nobody listens at RAY_ADDRESS={address} ({error}); {_REMEDY}") from error
