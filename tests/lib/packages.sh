# Installs Debian packages; sourced by ./run and ./test.

# What building gitopsd needs.
build_packages=(
  g++ meson ninja-build pkg-config ccache
  libboost1.81-dev libssl-dev libcurl4-openssl-dev libpugixml-dev libzip-dev libgit2-dev rapidjson-dev libsimdjson-dev libyaml-cpp-dev libspdlog-dev libsqlite3-dev
  libsystemd-dev libseccomp-dev libcli11-dev prometheus-cpp-dev doctest-dev libvalijson-dev
)

# Those of the named packages that dpkg does not call installed.
missing_packages() {
  local installed name
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
  for name in "$@"; do
    grep -qx "installed $name" <<< "$installed" || echo "$name"
  done
}

# Says what it installs and asks nothing; does and says nothing when all is there.
install_packages() {
  # Another apt-get may be at it, as on a machine that has just been made.
  local missing sudo=() quiet=(-qq -o=Dpkg::Use-Pty=0 -o=DPkg::Lock::Timeout=600 -o=Acquire::Retries=3)
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || {
    echo "this needs Debian 12's packages, and apt-get is not here: ${missing[*]}" >&2
    return 1
  }
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
      echo "run as root or install sudo, so that these can be installed: ${missing[*]}" >&2
      return 1
    }
    sudo=(sudo)
  fi
  echo "Installing Debian packages: ${missing[*]}"
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "${quiet[@]}" update || true
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "${quiet[@]}" install --yes --no-install-recommends \
    "${missing[@]}" > /dev/null || {
    echo "apt-get could not install ${missing[*]} (its messages are above)" >&2
    return 1
  }
}
