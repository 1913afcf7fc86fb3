#!/bin/sh
# Installs Debian or Ubuntu packages, as root or through sudo; says what to do where neither is possible.
# usage: apt.sh PACKAGE...
set -eu
missing=
for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "this machine has no apt-get; install by hand what these packages hold:$missing" >&2
    exit 1
elif [ "$(id -u)" = 0 ]; then
    as_root=env
elif sudo -n true 2>/dev/null; then
    as_root=sudo
else
    echo "these packages are missing; install them, then try again: sudo apt-get install$missing" >&2
    exit 1
fi
echo "installing$missing" >&2
$as_root apt-get -qq update
# shellcheck disable=SC2086  # a list of package names
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >/dev/null
