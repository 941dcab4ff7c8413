#!/usr/bin/env bash
# an AWS account in moto, behind a strict check of every signature
. tests/lib/suite.sh
. tests/lib/moto.sh

install_packages git openssl util-linux
need_moto
build_release
python3 tests/integration/run.py aws
