#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# C is laid out as .clang-format says: format.sh ROOT. What protoc-c writes is not here.
set -eu
cd "$1"
find agent clients proto tests -name '*.[ch]' -print0 |
	xargs -0 clang-format-14 --dry-run -Werror
