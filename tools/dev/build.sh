# Sourced by ./dev and called by tools/test.py: configure a preset once, build targets of it.

build_targets() {
  local preset="$1"
  shift
  if [ ! -f "build/$preset/build.ninja" ]; then
    cmake --preset "$preset" > "build/$preset.configure.log" 2>&1 || {
      cat "build/$preset.configure.log" >&2
      echo "dev: configuring the preset '$preset' failed" >&2
      exit 1
    }
  fi
  if [ -t 1 ]; then ninja -C "build/$preset" "$@"
  else ninja --quiet -C "build/$preset" "$@"; fi
}

mkdir -p build
if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  cd "$(dirname "$0")/../.."
  mkdir -p build
  build_targets "$@"
fi
