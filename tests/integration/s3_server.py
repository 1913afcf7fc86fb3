"""A real S3 server for tests: Ceph's object gateway over one monitor and one in-memory store, on the loopback."""

import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.config import Config

PROGRAMS = ("ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")
ACCESS_KEY, SECRET_KEY = "test", "testsecret"

CONFIGURATION = """
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{mon_port}
public addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
run dir = {folder}
admin socket = {folder}/$name.asok
log file = {folder}/$name.log
pid file = {folder}/$name.pid
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
ms bind ipv6 = false
paxos propose interval = 0.05
paxos min wait = 0.01
[mon]
mon data = {folder}/mon
mon initial members = a
mon data avail crit = 1
mon max pg per osd = 1000
[osd]
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 2147483648
[client.rgw]
ms mon client mode = crc
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw enable usage log = false
rgw run sync thread = false
rgw dynamic resharding = false
rgw data = {folder}
rgw crypt require ssl = false
"""


@dataclass(frozen=True)
class S3Server:
    """A running server: where it listens, and one bucket to work in."""

    endpoint: str
    bucket: str

    def environment(self, secret: str = SECRET_KEY) -> dict[str, str]:
        """The environment of a client; another secret makes it an impostor."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        }

    def upload(self, files: dict[str, Path]) -> None:
        """Put files into the bucket under their keys."""
        client = self.client()
        for key, file in files.items():
            client.upload_file(str(file), self.bucket, key)

    def client(self):
        """A boto3 client with the right credentials."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name="us-east-1",
            config=Config(request_checksum_calculation="when_required", s3={"addressing_style": "path"}),
        )


def missing_programs() -> list[str]:
    """What of the server is not installed on this machine."""
    return [program for program in PROGRAMS if shutil.which(program) is None]


def start(folder: Path) -> S3Server:
    """Start the server with its state in ``folder``; ``stop`` ends it."""
    port = _free_port()
    configuration = folder / "ceph.conf"
    for name in ("mon", "osd"):
        (folder / name).mkdir()
    fsid, mon_port = str(uuid.uuid4()), _free_port()
    configuration.write_text(CONFIGURATION.format(fsid=fsid, folder=folder, port=port, mon_port=mon_port))

    def run(program: str, *arguments: str) -> str:
        command = [program, "-c", str(configuration), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()

    monmap = str(folder / "monmap")
    subprocess.run(
        ["monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v2:127.0.0.1:{mon_port}]", monmap],
        check=True,
        capture_output=True,
    )
    run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap)
    run("ceph-mon", "-i", "a")
    osd = str(uuid.uuid4())
    run("ceph", "osd", "create", osd)
    run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
    run("ceph", "osd", "crush", "add-bucket", "default", "root")
    run("ceph", "osd", "crush", "add", "osd.0", "1.0", "root=default")
    run("ceph-osd", "-i", "0")
    _wait(lambda: "1 up" in run("ceph", "osd", "stat"), "the object store")
    run("radosgw", "-n", "client.rgw")
    _wait(lambda: _listens(port), "the gateway")
    user = [
        "user",
        "create",
        "--uid=test",
        "--display-name=test",
        f"--access-key={ACCESS_KEY}",
        f"--secret-key={SECRET_KEY}",
    ]
    run("radosgw-admin", *user)
    server = S3Server(f"http://127.0.0.1:{port}", "clips")
    server.client().create_bucket(Bucket=server.bucket)
    return server


def stop(folder: Path) -> None:
    """End every process of the server."""
    for pid_file in folder.glob("*.pid"):
        try:
            os.kill(int(pid_file.read_text()), signal.SIGKILL)
        except ProcessLookupError:
            continue


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def _wait(ready, what: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come up in {seconds:.0f} s")
        time.sleep(0.1)
