#!/usr/bin/env bash
# every file as clang-format writes it
. tests/lib/suite.sh

install_packages clang-format
formatted() { git ls-files '*.cpp' '*.h' | xargs clang-format --dry-run -Werror; }
test_step clang-format formatted
