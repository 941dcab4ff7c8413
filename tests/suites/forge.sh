#!/usr/bin/env bash
# a real forge (Gitea) sends its own signed webhook on a real push, and the host converges
. tests/lib/suite.sh
. tests/lib/go.sh

install_packages git openssl util-linux g++
need_go
build_release
python3 tests/integration/run.py forge
