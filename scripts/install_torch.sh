#!/bin/sh
# Install PyTorch from where it is a CPU build, if that can be reached; a bare pin brings gigabytes of CUDA on Linux.
#   scripts/install_torch.sh .venv/bin/pip
set -eu
install="$1 install --quiet --disable-pip-version-check"
version=2.13.0
$install "torch==$version+cpu" 2>/dev/null \
  || $install "torch==$version" --index-url https://download.pytorch.org/whl/cpu 2>/dev/null \
  || $install "torch==$version"
