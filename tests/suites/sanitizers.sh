#!/usr/bin/env bash
# the unit tests under AddressSanitizer with UndefinedBehaviorSanitizer, and under ThreadSanitizer
. tests/lib/suite.sh

install_packages "${unit_packages[@]}"

# One sanitizer build of the unit tests only, at a quarter of the price of file by file: each folder is one source, and
# nothing is optimised, since tests wait more than they compute.
run_sanitized() {
  local dir=$1 label=$2 sanitizers=$3 tests started=$SECONDS
  shift 3
  # g++ 12 warns falsely where a sanitizer rewrote the code; the release build is the one that must be free of warnings.
  configure "$dir" -Dbuildtype=plain -Doptimization=0 -Ddebug=false -Dcpp_args=-g1 -Dwerror=false -Db_lundef=false \
    -Dunity=on -Dunity_size=1000 -Db_sanitize="$sanitizers" "$@"
  mapfile -t tests < <(unit_targets "$dir")
  ninja -C "$dir" -k 0 "${tests[@]}" || failed "$label: a unit test does not build"
  note "$label: built in $((SECONDS - started)) s"
  python3 tests/lib/run_units.py --label "$label " "${tests[@]/#/$dir/}"
}

# Each says what it found and goes on, and the test case that was running fails for it; AddressSanitizer alone has to
# end the program, and does so before doctest could hide its report behind a signal.
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1:handle_segv=2:handle_sigbus=2:handle_sigfpe=2
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=second_deadlock_stack=1:suppressions=$PWD/tests/unit/tsan.supp

status=0
run_sanitized build-asan asan address,undefined || status=1
run_sanitized build-tsan tsan thread || status=1
exit "$status"
