#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The part of quickstart.sh that runs inside the sandbox: seal, look, verify twice.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
audience=did:ishare:EU.NL.NTRNL-10000002

# base64url (RFC 7515) to bytes
decode() {
	tr -d '\n' | tr '_-' '/+' | awk '{ while (length($0) % 4) $0 = $0 "="; print }' |
		openssl base64 -d -A
}

echo "\$ zegel seal --profile dsgo-auth --key sandbox --aud $audience"
zegel seal --profile dsgo-auth --key sandbox --aud "$audience" >"$folder/token"
cut -c1-100 "$folder/token" | sed 's/$/.../'

echo
echo "Its header (the certificates of x5c are cut short here):"
cut -d. -f1 "$folder/token" | decode | sed 's/\("[A-Za-z0-9+/]\{24\}\)[A-Za-z0-9+/=]*"/\1..."/g'
echo
echo
echo "Its claims, alive for 30 seconds:"
cut -d. -f2 "$folder/token" | decode | python3 -m json.tool

cut -d. -f3 "$folder/token" | decode >"$folder/signature"
echo
echo "Its signature: $(wc -c <"$folder/signature") bytes, RSASSA-PKCS1-v1_5 with SHA-256 (RS256)"

printf '\n\044 zegel verify --profile dsgo-auth --trust "\044ZEGEL_SANDBOX_CA"\n'
zegel verify --profile dsgo-auth --trust "$ZEGEL_SANDBOX_CA" <"$folder/token"

printf '\nAnd without any of our code:\n\044 openssl dgst -sha256 -verify ...\n'
cut -d. -f1,2 "$folder/token" | tr -d '\n' >"$folder/input"
zegel cert sandbox --pem | openssl x509 -noout -pubkey >"$folder/key"
openssl dgst -sha256 -verify "$folder/key" -signature "$folder/signature" "$folder/input"
