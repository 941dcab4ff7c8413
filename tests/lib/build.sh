# Builds with meson and ninja; sourced by ./run and the test suites, in the root of the tree.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

# configure DIRECTORY MESON_OPTION...: sets a build directory up once; changed options configure it again.
configure() {
  local dir=$1
  shift
  if [ ! -f "$dir/build.ninja" ]; then
    rm -rf "$dir"
    meson setup "$dir" "$@"
  elif [ "$(cat "$dir/options.txt" 2>/dev/null)" != "$*" ]; then
    meson configure "$dir" "$@"
  fi
  echo "$*" > "$dir/options.txt"
}

# The release build. Eight files at a time, which takes half as long from nothing; who changes files one by one sets
# GITOPSD_UNITY=off.
configure_release() {
  configure build -Dbuildtype=release "-Dunity=${GITOPSD_UNITY:-on}" -Dunity_size=8
}

# All of it, or some: what every suite starts from.
build_release() {
  configure_release
  ninja -C build "$@"
}

# What is needed to run it, without the tests.
programs=(daemon/gitopsd daemon/render/sandbox/gitopsd-render ctl/gitopsctl providers/host/gitopsd-provider-host
  providers/kubernetes/gitopsd-provider-kubernetes providers/aws/gitopsd-provider-aws)

# A line of progress on a terminal; elsewhere the compiler's words only when it fails.
build_programs() {
  local log=build-logs/build.log
  mkdir -p build-logs
  configure_release > "$log" 2>&1 || { cat "$log" >&2; return 1; }
  if [ -t 1 ]; then
    NINJA_STATUS='   [%f/%t] ' ninja -C build "${programs[@]}"
  else
    ninja -C build "${programs[@]}" > "$log" 2>&1 || { grep -v '^\[' "$log" | tail -n 60 >&2; return 1; }
  fi
}
