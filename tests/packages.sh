# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# The one list of what Zegel needs from Debian, for tests/run.sh and docs/quickstart.sh.
# To be sourced; packages_install LIST... installs what is missing of the lists named.

# A line: a file (or pattern) that the package brings, and the package.
packages_of() {
	case $1 in
	build) cat <<'LIST' ;;
/usr/bin/gcc gcc
/usr/include/*/sys/socket.h libc6-dev
/usr/bin/cmake cmake
/usr/bin/ninja ninja-build
/usr/bin/pkg-config pkg-config
/usr/include/openssl/evp.h libssl-dev
/usr/include/p11-kit-1/p11-kit/p11-kit.h libp11-kit-dev
/usr/include/libp11.h libp11-dev
/usr/include/protobuf-c/protobuf-c.h libprotobuf-c-dev
/usr/bin/protoc-c protobuf-c-compiler
/usr/include/jansson.h libjansson-dev
/usr/include/confuse.h libconfuse-dev
LIST
	run) cat <<'LIST' ;;
/usr/bin/softhsm2-util softhsm2
/usr/bin/openssl openssl
/usr/lib/python3.*/json/decoder.py python3
LIST
	test) cat <<'LIST' ;;
/usr/include/cmocka.h libcmocka-dev
/usr/lib/python3/dist-packages/jwt python3-jwt
/usr/lib/python3/dist-packages/cryptography python3-cryptography
/usr/bin/clang clang
/usr/bin/clang-format-14 clang-format-14
/usr/bin/shellcheck shellcheck
/usr/bin/readelf binutils
/usr/bin/strace strace
LIST
	full) cat <<'LIST' ;;
/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a libclang-rt-14-dev
/usr/bin/npm npm
LIST
	*) return 1 ;;
	esac
}

packages_missing() {
	for packages_list in "$@"; do
		packages_of "$packages_list" || return 1
	done | while read -r packages_probe packages_name; do
		# The pattern is meant to expand; what matches nothing stays as it is.
		# shellcheck disable=SC2086
		set -- $packages_probe
		[ -e "$1" ] || echo "$packages_name"
	done
}

packages_apt() {
	if [ "$(id -u)" -eq 0 ]; then
		env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@"
	else
		sudo env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@"
	fi
}

packages_install() {
	packages_wanted=$(packages_missing "$@" | tr '\n' ' ')
	[ -n "$packages_wanted" ] || return 0
	echo "== Installing from Debian: $packages_wanted"
	if ! command -v apt-get >/dev/null ||
		{ [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; }; then
		echo "Needs root, or sudo, and apt-get. Install these yourself, then run this again." >&2
		return 1
	fi
	# A list of names, one word each.
	# shellcheck disable=SC2086
	packages_apt update -q && packages_apt install -q -y --no-install-recommends $packages_wanted
}
