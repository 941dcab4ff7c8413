#!/usr/bin/env bash
# killed processes, power cuts, full disks and damaged stores lose nothing that was accepted
. tests/lib/suite.sh

install_packages git openssl util-linux
build_release
status=0
python3 tests/lib/run_units.py build/tests/integration/powercut/{powercut,store-crash,full-disk} || status=1
python3 tests/integration/run.py faults || status=1
exit "$status"
