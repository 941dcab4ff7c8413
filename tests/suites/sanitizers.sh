#!/usr/bin/env bash
# the unit tests under AddressSanitizer with UndefinedBehaviorSanitizer, and under ThreadSanitizer
. tests/lib/suite.sh

# One sanitizer build of the unit tests only; -O1 keeps both the compiler and the tests quick.
run_sanitized() {
  local dir=$1 label=$2 sanitizers=$3 tests
  shift 3
  # g++ 12 warns falsely where a sanitizer rewrote the code; the release build is the one that must be free of warnings.
  configure "$dir" -Dbuildtype=plain -Doptimization=1 -Ddebug=false -Dwerror=false -Db_lundef=false -Db_sanitize="$sanitizers" "$@"
  mapfile -t tests < <(unit_targets "$dir")
  ninja -C "$dir" -k 0 "${tests[@]}" || failed "$label: a unit test does not build"
  python3 tests/lib/run_units.py --label "$label " --timeout 600 "${tests[@]/#/$dir/}"
}

# A finding ends the program with a status of its own, so that it cannot pass unseen.
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1:exitcode=99
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:exitcode=99
export LSAN_OPTIONS=exitcode=99

status=0
run_sanitized build-asan asan address,undefined || status=1
run_sanitized build-tsan tsan thread || status=1
exit "$status"
