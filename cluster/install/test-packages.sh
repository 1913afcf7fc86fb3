#!/bin/sh
# What the tests and benchmarks use beside Python: a browser for the report, with fonts for what it shows; a real S3
# server (Ceph's gateway); ffmpeg to compare with; Prometheus to ask for what the dashboards show.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
browser=chromium
command -v chromium-browser >/dev/null && browser=
# shellcheck disable=SC2086  # may be empty
"$here/apt.sh" $browser fonts-noto-cjk ffmpeg radosgw ceph-mon ceph-osd prometheus ||
    echo "tests that need them are skipped, each with its reason" >&2
