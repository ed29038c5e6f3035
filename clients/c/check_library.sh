#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_library.sh LIBRARY HEADER SANITIZER: the library shows what its header declares
# and nothing else, needs libc and protobuf-c and nothing else, and C++ can read the header.
set -eu
library=$1
header=$2
sanitizer=$3
status=0

fail() {
	echo "$1" >&2
	status=1
}

shown=$(nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort)
declared=$(grep -v '^#' "$header" | tr '\n' ' ' | grep -o 'ZEGEL_API [^;(]*(' | sed 's/($//; s/.*[ *]//' | sort)
if [ "$shown" != "$declared" ]; then
	fail "the library shows: $(echo "$shown" | tr '\n' ' ')"
	fail "zegel.h declares:  $(echo "$declared" | tr '\n' ' ')"
fi

# A sanitizer adds libraries of its own.
if [ -z "$sanitizer" ]; then
	for needed in $(readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
		case $needed in
		libc.so.*|libprotobuf-c.so.*|ld-linux*) ;;
		*) fail "the library needs $needed" ;;
		esac
	done
fi

if command -v g++ > /dev/null; then
	g++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c++ "$header" ||
		fail "C++ cannot read $header"
fi
# What clients/README.md shows is the example that is compiled and run, without its head.
here=$(dirname "$header")
# shellcheck disable=SC2016 # backquotes of Markdown
shown=$(sed -n '/^```c$/,/^```$/{/^```/d;p}' "$here/../README.md")
if [ "$shown" != "$(sed '1,/^#include/{/^#include/!d}' "$here/example.c")" ]; then
	fail "clients/README.md does not show example.c"
fi
exit "$status"
