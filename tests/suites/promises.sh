#!/usr/bin/env bash
# each of the thirteen promises, by tests that try to break it with real pushes, servers and faults
. tests/lib/suite.sh

install_packages git openssl openssh-server openssh-client util-linux
build_release
python3 tests/integration/run.py promises
