#!/usr/bin/env bash
# Brings the source of librdkafka from Debian 13 and prints the path of its tarball: librdkafka.sh VERSION SHA256
# apt checks the archive's signature, we the hash. Fetched once per user, into ~/.cache/penstock/. apt runs with a
# configuration of its own: the system's lists, caches and packages stay as they are, and root is not needed.
set -euo pipefail

version="$1" sha256="$2"
name="librdkafka_$version.orig.tar.gz"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/penstock/librdkafka-$version"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

die() {
  echo "librdkafka: $*" >&2
  exit 1
}

right() { [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d ' ' -f 1)" = "$sha256" ]; }

# The mirror this machine has its packages from: the first URI with a release of Debian, security updates aside.
mirror() {
  shopt -s nullglob
  local file
  for file in /etc/apt/sources.list.d/*.sources /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -f "$file" ] || continue
    case "$file" in
      *.sources) sed -n 's/^URIs:[[:space:]]*\([^[:space:]]*\).*/\1/p' "$file" ;;
      *) sed -n 's/^deb\(-src\)\?[[:space:]]\+\(\[[^]]*\][[:space:]]\+\)\?\([^[:space:]]*\).*/\3/p' "$file" ;;
    esac
  done | grep -E '/debian/?$' | head -n 1
}

fetch() {
  local uri own
  uri=$(mirror) || true
  [ -n "$uri" ] || die "no mirror of Debian in /etc/apt; put $name into $cache by hand"
  [ -f "$keyring" ] || die "no $keyring: install debian-archive-keyring"
  own=$(mktemp -d "$cache/fetch.XXXXXX")
  # shellcheck disable=SC2064
  trap "rm -rf '$own'" EXIT
  mkdir -p "$own"/{parts,lists/partial,cache/archives/partial,source}
  : > "$own/status"
  echo "deb-src [signed-by=$keyring] $uri trixie main" > "$own/sources.list"
  local apt=(apt-get -q -o "Dir::Etc::SourceList=$own/sources.list" -o "Dir::Etc::SourceParts=$own/parts"
             -o "Dir::State=$own" -o "Dir::State::Lists=$own/lists" -o "Dir::State::status=$own/status"
             -o "Dir::Cache=$own/cache" -o APT::Sandbox::User= -o Acquire::Languages=none)
  echo "librdkafka: fetching the source of $version from $uri" >&2
  { "${apt[@]}" update && cd "$own/source" \
      && "${apt[@]}" source --download-only --only-source librdkafka; } > "$cache/fetch.log" 2>&1 || {
    tail -n 15 "$cache/fetch.log" >&2
    die "fetching it with apt-get failed; the whole output is in $cache/fetch.log"
  }
  [ -f "$own/source/$name" ] || die "the mirror has no $name but: $(ls "$own/source")"
  right "$own/source/$name" \
    || die "$name has SHA-256 $(sha256sum "$own/source/$name" | cut -d ' ' -f 1), expected $sha256"
  mv "$own/source/$name" "$cache/$name"
}

mkdir -p "$cache"
right "$cache/$name" || fetch
echo "$cache/$name"
