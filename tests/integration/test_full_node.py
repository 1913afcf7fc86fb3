"""The disk of one node of several is full: what the node cannot do others do, or the run stops and can go on."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from ray.cluster_utils import Cluster

from affectgpt.exit_status import DONE
from tests.integration.conftest import run_job
from tests.integration.made import write_clips
from tests.integration.test_lost_nodes import CLIPS, check, start
