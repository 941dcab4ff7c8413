# moto, which answers like AWS; sourced by the suites that need an account.

# need_python REQUIREMENTS: says which Python has what that file lists, in the tests' cache.
need_python() {
  local venv=$cache/$(basename "$(dirname "$1")")-$(sha256sum "$1" | cut -c 1-12)
  if [ ! -e "$venv/whole" ]; then
    install_packages python3-venv >&2
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet -r "$1" >&2
    touch "$venv/whole"
  fi
  echo "$venv/bin/python"
}

# Sets MOTO: a Python that has it.
need_moto() {
  MOTO=$(need_python tests/aws/requirements.txt)
  export MOTO
}
