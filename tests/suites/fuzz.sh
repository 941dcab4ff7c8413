#!/usr/bin/env bash
# libFuzzer on handlers, request heads, configuration and what else has a target, from the corpora in the tree
. tests/lib/suite.sh

install_packages "${build_packages[@]}" clang libclang-rt-14-dev
seconds=${GITOPSD_FUZZ_SECONDS:-20}

CC=clang CXX=clang++ configure build-fuzz -Dbuildtype=plain -Doptimization=1 -Ddebug=true -Dwerror=false -Dunity=on -Dunity_size=1000 \
  -Db_lundef=false -Db_sanitize=address,undefined "-Dcpp_args=-fsanitize=fuzzer-no-link -fsanitize-ignorelist=$PWD/tests/fuzz/ubsan.ignore"

# What it finds beside the corpus stays out of the tree; a finding is kept where the log says.
fuzz_target() {
  local name=$1 found=$cache/fuzz/$1
  mkdir -p "$found" build-logs
  "build-fuzz/tests/fuzz/fuzz-$name" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=1024 -max_len=16384 \
    -print_final_stats=1 -artifact_prefix="$PWD/build-logs/fuzz-$name-" "$found" "tests/fuzz/corpus/$name"
}

export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
for source in tests/fuzz/*_fuzz.cpp; do
  name=$(basename "$source" _fuzz.cpp)
  if ninja -C build-fuzz "tests/fuzz/fuzz-$name"; then
    test_step "$name for $seconds s" fuzz_target "$name"
  else
    failed "$name does not build"
  fi
done
