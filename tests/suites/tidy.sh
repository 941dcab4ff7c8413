#!/usr/bin/env bash
# every file free of what clang-tidy finds
. tests/lib/suite.sh

# clang++, so that the fuzz targets are there too. Nothing is built in this directory.
install_packages "${build_packages[@]}" git python3 clang clang-tidy
CC=clang CXX=clang++ configure build-tidy -Dbuildtype=plain -Dwerror=false -Dunity=on -Dunity_size=1000
# Long on a machine that has never seen the tree, so bounded; the rest is looked at by the next run.
python3 tests/lib/tidy.py build-tidy "$cache/tidy" "${GITOPSD_TIDY_SECONDS:-300}"
