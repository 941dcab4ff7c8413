#!/usr/bin/env bash
# all of GitHub's own example payloads are answered as the table says, over TLS
. tests/lib/suite.sh

# A machine's own Node.js brings npm, and Debian's package would conflict with it.
command -v npm > /dev/null || install_packages npm
install_packages openssl util-linux
build_release
python3 tests/integration/run.py octokit
