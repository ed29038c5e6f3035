#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs a build into a folder of its own and judges each ELF there: elf.sh BUILD SOURCE.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
DESTDIR=$stage cmake --install "$1" >/dev/null
/usr/bin/python3 "$here/elf.py" "$stage" "$1" "$2" \
	--expect zegeld --expect zegel-token --expect zegel-enrol \
	--expect zegel --expect libzegel
