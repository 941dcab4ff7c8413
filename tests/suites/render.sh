#!/usr/bin/env bash
# kustomizations and Helm charts: the real programs in their sandbox, end to end, and what is read without them
. tests/lib/suite.sh
. tests/lib/go.sh

install_packages git openssl util-linux
need_go
build_release
python3 tests/integration/run.py render
