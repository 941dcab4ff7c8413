#!/usr/bin/env bash
# killed processes and damaged stores lose nothing that was accepted
. tests/lib/suite.sh

install_packages git openssl util-linux
build_release
python3 tests/integration/run.py faults
