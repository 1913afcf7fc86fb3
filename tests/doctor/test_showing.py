"""The table and the JSON."""

import json

from affectgpt.doctor.check import Finding
from affectgpt.doctor.examination import Examination
from affectgpt.doctor.showing import as_json, as_table

FINDINGS = [
    Finding("versions", "all", "ok", "Python 3.11"),
    Finding("storage", "two", "failed", "s3://bucket cannot be read", "check the credentials"),
    Finding("disks", "one", "warning", "3 GiB free", "make room"),
]
EXAMINATION = Examination(["one", "two"], FINDINGS, 3.14159)


def test_columns_line_up_and_remedies_stand_below() -> None:
    lines = as_table(EXAMINATION).splitlines()
    assert lines == [
        "check     state    node  found",
        "versions  ok       all   Python 3.11",
        "storage   FAILED   two   s3://bucket cannot be read",
        "                         -> check the credentials",
        "disks     warning  one   3 GiB free",
        "                         -> make room",
        "the job will not run: 1 failed, 1 warnings, 3.1 s",
    ]


def test_a_warning_lets_the_job_run() -> None:
    assert Examination(["one"], FINDINGS[::2], 1.0).healthy
    assert not EXAMINATION.healthy


def test_json_holds_all_of_it() -> None:
    content = json.loads(as_json(EXAMINATION))
    assert (content["healthy"], content["nodes"], content["seconds"]) == (False, ["one", "two"], 3.14)
    assert content["findings"][1] == {
        "check": "storage",
        "node": "two",
        "state": "failed",
        "found": "s3://bucket cannot be read",
        "remedy": "check the credentials",
    }
