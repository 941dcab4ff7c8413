# moto, which answers like AWS; sourced by the suites that need an account.

# Sets MOTO: a Python that has it, in the tests' cache.
need_moto() {
  local venv=$cache/moto-$(sha256sum tests/aws/requirements.txt | cut -c 1-12)
  if [ ! -e "$venv/whole" ]; then
    install_packages python3-venv
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet -r tests/aws/requirements.txt
    touch "$venv/whole"
  fi
  MOTO=$venv/bin/python
  export MOTO
}
