#!/usr/bin/env bash
# files on this host converge, heal, hold, roll back and survive restarts, from real pushes to real Git servers
. tests/lib/suite.sh

install_packages git openssl openssh-server openssh-client util-linux
build_release
python3 tests/integration/run.py host
