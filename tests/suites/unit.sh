#!/usr/bin/env bash
# every part by itself, in the release build
. tests/lib/suite.sh

install_packages "${unit_packages[@]}"
build_release
mapfile -t tests < <(unit_targets build)
python3 tests/lib/run_units.py "${tests[@]/#/build/}"
