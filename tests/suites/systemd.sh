#!/usr/bin/env bash
# the installed units on a booted Debian host: start, deliver, reload, watchdog, stop, power cut
. tests/lib/suite.sh
. tests/lib/go.sh

install_packages systemd-container mmdebstrap zstd iproute2 openssh-client git openssl util-linux procps
need_go
build_release
tests/hosts/host build 3>&-
# Inside the hosts' network nothing can be fetched.
python3 -c 'import sys; sys.path.insert(0, "tests/integration"); from lib import renderers; renderers.kustomize()' 3>&-
# Inside the hosts' network, so that the tests and their hosts reach each other and nothing else. Root's runner cannot
# inherit descriptor 3 through sudo, so its lines are picked from its output.
status=0
tests/hosts/host net env GITOPSD_REPORT= PATH="$PATH" python3 "$PWD/tests/integration/run.py" systemd 3>&- \
  | tee >(grep --line-buffered -E '^(ok|FAILED|--) ' >&3) || status=$?
exit "$status"
