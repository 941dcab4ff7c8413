#!/usr/bin/env bash
# a real Kubernetes API server on a real etcd, as the Kubernetes provider's tests use it
. tests/lib/suite.sh
. tests/lib/go.sh

install_packages git openssl util-linux
need_go
build_release
python3 tests/integration/run.py kubernetes
