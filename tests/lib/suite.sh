# What every suite may use; sourced by tests/suites/*.sh, which ./test starts in the root of the tree.
# Standard output and error of a suite are its log. Each test is told by `passed` or `failed`, on descriptor 3.
set -euo pipefail
. tests/lib/packages.sh
. tests/lib/build.sh

cache=${XDG_CACHE_HOME:-$HOME/.cache}/gitopsd-tests
mkdir -p "$cache"
[ -n "${GITOPSD_REPORT:-}" ] || exec 3>&1

passed() { echo "ok $*" >&3; }
failed() { echo "FAILED $*" >&3; }
note() { echo "-- $*" >&3; }

# test_step NAME COMMAND...: one test that passes when the command does.
test_step() {
  local name=$1 started=$SECONDS
  shift
  if "$@" 3>&-; then passed "$name ($((SECONDS - started)) s)"; else failed "$name"; fi
}

# What unit tests start: Git's servers.
unit_packages=(git openssh-server openssh-client)

# The unit test executables that a build directory can make, as ninja's target names.
unit_targets() { ninja -C "$1" -t targets all | sed -n 's#^\(tests/unit/[a-z]*/unit-[a-z]*\): cpp_LINKER.*#\1#p'; }
