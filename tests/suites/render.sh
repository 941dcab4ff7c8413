#!/usr/bin/env bash
# kustomizations and Helm charts: the real programs in their sandbox, end to end, and what is read without them
. tests/lib/suite.sh
. tests/lib/go.sh

install_packages git openssl util-linux
need_go
build_release
kustomize=$(cd tests/integration && python3 -c 'from lib import renderers; print(renderers.kustomize())')
test_step "what is read without kustomize is what kustomize makes of it" \
  env GITOPSD_KUSTOMIZE="$kustomize" build/tests/integration/render/render-equal
python3 tests/integration/run.py render
