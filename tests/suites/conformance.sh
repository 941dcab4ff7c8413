#!/usr/bin/env bash
# the providers, and one in Python written from the contract alone, keep the provider protocol
. tests/lib/suite.sh

ninja_targets=(providers/host/gitopsd-provider-host)
build_release "${ninja_targets[@]}"
for provider in "build/${ninja_targets[0]}" tests/conformance/example_provider.py; do
  name=$(basename "$provider") status=0
  output=$(tests/conformance/run --provider "$provider" 2>&1) || status=$?
  echo "$output"
  sed -nE "s#^(ok|FAILED) ([a-z_]+).*#\1 $name \2#p" <<< "$output" >&3
  [ "$status" = 0 ] || grep -q '^FAILED' <<< "$output" || failed "$name: the checks ended with status $status"
done
