#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Shell scripts pass shellcheck: shell.sh ROOT.
set -eu
cd "$1"
find agent clients docs tests udev .ci -name node_modules -prune \
	-o \( -name '*.sh' -o -path .ci/run \) -print0 | xargs -0 shellcheck -x
