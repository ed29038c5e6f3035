#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# sh tests/run.sh [--quick|--full]
#
# Installs what is missing (Debian 12 and later; as root or with sudo), builds, tests, and
# ends in one line: N passed, N failed, N skipped. Exit code 0 when nothing failed.
#
#   --quick  unit tests, lint and a few flow tests
#   (none)   all that needs Debian's packages only
#   --full   also: clang, AddressSanitizer, ThreadSanitizer, fuzzing for 30 seconds a
#            target, and a verifier from npm. With CI=true a skipped test has failed,
#            but for one that needs what the kernel of the machine has not.
set -u

root=$(cd "$(dirname "$0")/.." && pwd) || exit 1
cd "$root" || exit 1
# shellcheck source=tests/packages.sh
. tests/packages.sh

say() {
	echo "== $*"
}

usage() {
	echo "usage: sh tests/run.sh [--quick|--full]" >&2
	exit 64
}

# Nothing could be tested at all.
give_up() {
	echo "$1" >&2
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
}

reports=
broken=

# build_and_test PRESET CTEST-ARGUMENT...: a preset that does not build is one failure.
build_and_test() {
	preset=$1
	shift
	report=build/$preset/report/$preset.xml
	rm -f "$report"
	say "Building build/$preset"
	if ! cmake --preset "$preset" || ! cmake --build "build/$preset"; then
		broken="$broken --broken build/$preset"
		return
	fi
	say "Testing build/$preset"
	mkdir -p "build/$preset/report"
	ctest --test-dir "build/$preset" -j "$(nproc)" --timeout 600 --no-tests=error \
		--output-on-failure --output-junit "$root/$report" "$@"
	if [ -s "$report" ]; then
		reports="$reports $report"
	else
		broken="$broken --broken test/$preset"
	fi
}

mode=${1-}
[ $# -le 1 ] || usage
case $mode in
'' | --quick) packages_install build run test ;;
--full) packages_install build run test full ;;
*) usage ;;
esac || give_up "The packages could not be installed."

strict=
case $mode in
--quick)
	build_and_test dev -L 'unit|lint|quick' -LE long
	;;
--full)
	export ZEGEL_TEST_FULL=1
	# A label and a unit of a peer are the kernel's to give; what it lacks cannot be shown.
	[ "${CI-}" != true ] || strict="--no-skips --may-skip flow/label --may-skip flow/unit"
	build_and_test dev
	build_and_test clang -LE 'lint|net|long'
	build_and_test asan -LE 'lint|net|long'
	build_and_test tsan -LE 'lint|net|long'
	build_and_test fuzz -L fuzz
	;;
*)
	build_and_test dev
	;;
esac

say "Result"
# Lists of words of our own.
# shellcheck disable=SC2086
exec /usr/bin/python3 tests/harness/count.py $strict $broken $reports
