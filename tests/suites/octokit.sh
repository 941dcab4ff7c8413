#!/usr/bin/env bash
# all of GitHub's own example payloads are answered as the table says, over TLS
. tests/lib/suite.sh

install_packages npm openssl util-linux
build_release
python3 tests/integration/run.py octokit
