#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# sh docs/quickstart.sh
#
# From a fresh Debian 12 (or later) to a DSGO token, made and verified on your own machine: installs
# what is missing (as root or with sudo), builds in build/release, and works in a sandbox
# that is gone afterwards. Nothing is installed outside Debian's packages.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build/release
zegel=$build/bin/zegel
audience=did:ishare:EU.NL.NTRNL-10000002

bold=
plain=
if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then
	bold=$(printf '\033[1m')
	plain=$(printf '\033[0m')
fi

step() {
	printf '\n%s%s%s\n\n' "$bold" "$*" "$plain"
}

# Shows a command as one would type it.
show() {
	printf '  $ %s\n' "$*"
}

indent() {
	sed 's/^/  /'
}

# Runs a command and shows what it said; what fails ends the tour.
run() {
	if "$@" >"$folder/said" 2>&1; then
		indent <"$folder/said"
	else
		indent <"$folder/said"
		echo "Failed: $*" >&2
		exit 1
	fi
}

# part N: the N-th part of the token, decoded (RFC 7515: base64url without padding).
part() {
	text=$(cut -d. -f"$1" "$folder/token" | tr -- '-_' '+/')
	while [ $((${#text} % 4)) -ne 0 ]; do
		text=$text=
	done
	printf '%s' "$text" | base64 -d
}

# Pretty JSON on stdout; certificates are cut short.
pretty() {
	/usr/bin/python3 -c '
import json, sys
members = json.load(sys.stdin)
if "x5c" in members:
    members["x5c"] = [f"{c[:24]}... ({len(c)} characters)" for c in members["x5c"]]
print(json.dumps(members, indent=2))'
}

# certificate N: PEM of the N-th certificate in x5c, the leaf being 0.
certificate() {
	part 1 | /usr/bin/python3 -c '
import base64, json, sys
sys.stdout.buffer.write(base64.b64decode(json.load(sys.stdin)["x5c"][int(sys.argv[1])]))' \
		"$1" | openssl x509 -inform DER
}

ask_for_a_seal() {
	step "3. A seal from the sandbox: a throw-away agent, token, key and CA"
	show "zegel keys"
	run "$zegel" keys
	echo
	show "zegel seal --profile dsgo-auth --key sandbox --aud $audience"
	"$zegel" seal --profile dsgo-auth --key sandbox --aud "$audience" >"$folder/token"
	printf '  %s...%s\n' "$(cut -c1-48 "$folder/token")" "$(tail -c 25 "$folder/token")"
	echo
	echo "  The key never left its token; the agent gave a finished token, not a key."
}

take_it_apart() {
	step "4. The token taken apart"
	echo "  Header:"
	part 1 | pretty | indent
	echo "  Claims (exp is iat + 30: it is valid for half a minute):"
	part 2 | pretty | indent
	printf '  Signature: %s bytes.  Token: %s characters.\n' \
		"$(part 3 | wc -c)" "$(tr -d '\n' <"$folder/token" | wc -c)"
}

verify_it() {
	step "5. Verified twice"
	show "zegel verify --profile dsgo-auth --trust \"\$ZEGEL_SANDBOX_CA\" --aud $audience"
	run "$zegel" verify --profile dsgo-auth --trust "$ZEGEL_SANDBOX_CA" --aud "$audience" \
		"$folder/token"
	tr -d '\n' <"$folder/token" | cut -d. -f1,2 | tr -d '\n' >"$folder/input"
	part 3 >"$folder/signature"
	certificate 0 >"$folder/leaf.pem"
	certificate 1 >"$folder/issuer.pem"
	openssl x509 -in "$folder/leaf.pem" -noout -pubkey >"$folder/key.pem"
	echo
	echo "  And by OpenSSL alone, which knows nothing of Zegel:"
	show "openssl dgst -sha256 -verify key.pem -signature signature input"
	cd "$folder"
	run openssl dgst -sha256 -verify key.pem -signature signature input
	show "openssl verify -CAfile \"\$ZEGEL_SANDBOX_CA\" -untrusted issuer.pem leaf.pem"
	run openssl verify -CAfile "$ZEGEL_SANDBOX_CA" -untrusted issuer.pem leaf.pem
}

# What runs inside of the sandbox.
inside() {
	folder=$(mktemp -d)
	trap 'rm -rf "$folder"' EXIT
	ask_for_a_seal
	take_it_apart
	verify_it
}

build_it() {
	step "2. Building in build/release"
	log=$root/build/quickstart.log
	mkdir -p "$root/build"
	if ! (cd "$root" && cmake --preset release && cmake --build build/release) >"$log" 2>&1; then
		tail -n 40 "$log" >&2
		echo "The build failed; all it said is in $log." >&2
		exit 1
	fi
	echo "  $zegel"
}

outside() {
	step "1. What Debian must provide"
	# shellcheck source=tests/packages.sh
	. "$root/tests/packages.sh"
	packages_install build run
	echo "  Everything is there."
	build_it
	"$zegel" sandbox -- sh "$root/docs/quickstart.sh" --inside
	step "What next"
	cat <<-END
	  The sandbox is gone, with its key and its CA. To stay in one:

	    $zegel sandbox -- bash
	    $zegel sandbox -- ./your-tests       # in CI; they find \$ZEGEL_SOCKET

	  docs/developer.md      ask for seals from your own service
	  clients/README.md      the C library, and how to write a client in another language
	  sh tests/run.sh        all tests
	END
}

case ${1-} in
'') outside ;;
--inside) inside ;;
*)
	echo "usage: sh docs/quickstart.sh" >&2
	exit 64
	;;
esac
