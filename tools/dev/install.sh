# Sourced by ./dev: what the machine must have.

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo > /dev/null; then sudo "$@"
  else
    echo "dev: installing packages needs root: run as root, or install sudo" >&2
    exit 1
  fi
}

# The packages of all verbs, and those of the groups that are named.
wanted_packages() {
  awk -v named=" $* " '/^# group /{name = $3; sub(/:$/, "", name); other = index(named, " " name " ") == 0}
                       !/^#/ && NF && !other' tools/packages.txt
}

missing_packages() {
  local wanted have
  wanted=$(wanted_packages "$@")
  have=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' 2> /dev/null | awk '$2=="installed"{print $1}')
  comm -23 <(sort <<< "$wanted") <(sort <<< "$have")
}

install_packages() {
  local missing
  missing=$(missing_packages "$@")
  [ -z "$missing" ] && return 0
  echo "dev: installing $(wc -w <<< "$missing") Debian packages: $(tr '\n' ' ' <<< "$missing")"
  local log=build/install.log
  mkdir -p build
  # shellcheck disable=SC2086
  if ! { as_root apt-get update -q && as_root env DEBIAN_FRONTEND=noninteractive \
         apt-get install -y -q --no-install-recommends $missing; } > "$log" 2>&1; then
    tail -n 15 "$log" >&2
    echo "dev: installing failed; the whole output is in $log. This project is built on Debian 12." >&2
    exit 1
  fi
}

announce_demo() {
  local free_mib missing first=""
  free_mib=$(df -Pm . | awk 'NR==2{print $4}')
  if [ "$free_mib" -lt 4096 ]; then
    echo "dev: the demo needs 4 GiB of disk here, $free_mib MiB are free" >&2
    exit 1
  fi
  missing=$(missing_packages "$@")
  [ -x build/release/bin/penstockd ] || first=yes
  echo "Penstock's demo, on fresh data. The steps:"
  if [ -n "$missing" ]; then
    echo "  1. install $(wc -w <<< "$missing") Debian packages, as root            1-5 minutes"
    if [ "$(id -u)" != 0 ] && ! command -v sudo > /dev/null; then
      echo "dev: that needs root, and there is no sudo: run as root" >&2
      exit 1
    fi
  else
    echo "  1. install packages                                 nothing to do"
  fi
  if [ -n "$first" ]; then echo "  2. compile the programs on $(nproc) cores                 4-6 minutes, this once"
  else echo "  2. compile what has changed                         seconds"; fi
  echo "  3. the job: seal, mask, kill -9, count, look        about a minute"
  echo
}
