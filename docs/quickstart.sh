#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# sh docs/quickstart.sh: from a fresh Debian 12 to a sealed DSGO token in one go.
#
# Installs what is missing (as root or with sudo), builds into build/quickstart, and seals
# with a test key in SoftHSM. Nothing is installed from the build, nothing is left running.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
# shellcheck source=tests/packages.sh
. tests/packages.sh
build=build/quickstart

step() {
	printf '\n== %s\n' "$*"
}

step "1. What Zegel is built with, from Debian"
packages_install build run
echo "All there."

step "2. Building into $build"
mkdir -p build
cmake -S . -B "$build" -G Ninja -DBUILD_TESTING=OFF >build/quickstart.log 2>&1 || {
	cat build/quickstart.log
	exit 1
}
cmake --build "$build"

step "3. A sandbox: a test key in SoftHSM, a test seal, an agent - for the length of one command"
PATH=$root/$build/bin:$PATH
export PATH
zegel sandbox -- sh docs/quickstart-seal.sh

step "Done"
cat <<END
The key never left the token: you asked the agent, and it answered with a finished seal.

Next:
  PATH=$root/$build/bin:\$PATH
  zegel sandbox            # the same agent, until you press Ctrl-C; use it from your program
  zegel seal --help        # further claims, nbf, JSON
  README.md                # with your own token, in production
  clients/README.md        # from C, and from other languages
  sh tests/run.sh          # what holds all this together
END
