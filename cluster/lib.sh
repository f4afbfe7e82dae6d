# What the scripts beside this file share. Sourced by bash; sets `root`, and paths for the CLI.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

packages_to_build=(liblz4-dev libssl-dev pkg-config)
# The README's commands.
packages_to_try=(curl jq)
packages_to_test=(redis-server redis-tools prometheus prometheus-redis-exporter nginx python3 python3-redis python3-venv curl jq etcd-server etcd-client strace iproute2 nftables faketime)
packages_to_measure=(redis-server redis-tools wrk)

fail() { echo "${0##*/}: $*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Installs those of the named Debian packages that are missing. Starts none of their services: the tests start their own.
install_missing() {
  local missing=() name made_policy=
  for name in "$@"; do
    dpkg-query -W -f='${db:Status-Abbrev}' "$name" 2>/dev/null | grep -q '^.i' || missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || fail "missing: ${missing[*]} (install them; this is no Debian)"
  [ "$(id -u)" = 0 ] || command -v sudo >/dev/null || fail "missing: ${missing[*]} (install them: there is no sudo here)"
  echo "Installing ${missing[*]} …" >&2
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
    as_root chmod 755 /usr/sbin/policy-rc.d
    made_policy=1
  fi
  local result=0
  install_now() { as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "$@"; }
  install_now "${missing[@]}" >/dev/null 2>&1 || {
    as_root apt-get update -qq >&2 && install_now "${missing[@]}" >&2
  } || result=$?
  if [ -n "$made_policy" ]; then as_root rm -f /usr/sbin/policy-rc.d; fi
  [ "$result" = 0 ] || fail "could not install ${missing[*]}"
}

need_swift() {
  command -v swift >/dev/null || PATH=/opt/swift/usr/bin:$PATH
  command -v swift >/dev/null || fail "swift is missing: install Swift 6.2 or later from swift.org and put it into PATH"
}

# One release build; says nothing but errors and the last line. Everything is kept in .build.
build_release() {
  need_swift
  (cd "$root" && swift build -c release --product holdfast-node && swift build -c release --product holdfast-router \
    && swift build -c release --product holdfast) >&2
}

# Suites that talk to sockets, threads and processes. They run apart from those that only compute: in one process the latter take
# all the cores' tasks for themselves, and every wait of the former runs out.
suites_that_wait='^(AdminTests|CoordinatorsTests|EventLoopTests|LoadTests|LoggingTests|NodeTests|RouterTests|ThreadsTests)\.'

binaries=$root/.build/release

# Data lie in this working copy's var/, from whichever directory the script is called.
export HOLDFAST_DATA=${HOLDFAST_DATA:-$root/var}
export HOLDFAST_DEMO=${HOLDFAST_DEMO:-$root/cluster/demo/arena.json}
