#!/bin/sh
# fetch.sh ROOT: the source packages, verified by apt and unpacked below ROOT/build.
#
# Run on the building host, whose keyring knows the newer suite; the mirror is the root's own.
set -eu

root=$1
here=$(dirname "$0")
# shellcheck source=packaging/interpreter/recipe.conf
. "$here/recipe.conf"

apt_dir=$root/build/apt
mkdir -p "$apt_dir/lists/partial" "$apt_dir/cache/archives/partial"
sed -n "s/\[[^]]*\]//; s/^deb /deb-src /; s/$ROOT_SUITE/$SOURCE_SUITE/gp" \
  "$root/etc/apt/sources.list" >"$apt_dir/sources.list"

# apt of the host, with nothing of the host's but its keys and its way to the network.
apt() {
  tool=$1
  shift
  "$tool" -q -o Dir::Etc::SourceList="$apt_dir/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$apt_dir/lists" -o Dir::Cache="$apt_dir/cache" \
    -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=3 "$@"
}

apt apt-get update

# The newest version whose files can be had: a mirror may still lack those of a newer one.
fetch() {
  versions=$(apt apt-cache showsrc "$1" | sed -n 's/^Version: //p' | sort -u)
  while [ -n "$versions" ]; do
    version=$(newest "$versions")
    if apt apt-get source --only-source --download-only "$1=$version"; then
      echo "$1 $version" >>"$root/build/built-from"
      return 0
    fi
    echo "cannot get $1 $version from this mirror: trying the version before it" >&2
    versions=$(printf '%s\n' "$versions" | grep -vxF "$version" || true)
  done
  echo "cannot get the source package $1 of $SOURCE_SUITE: is the mirror complete?" >&2
  return 1
}

newest() {
  best=
  for one in $1; do
    if [ -z "$best" ] || dpkg --compare-versions "$one" gt "$best"; then best=$one; fi
  done
  echo "$best"
}

cd "$root/build"
rm -f built-from
for package in $SOURCES; do
  fetch "$package"
  # Patches are applied by build.sh: not all of the interpreter's are wanted.
  version=$(sed -n "s/^$package \(.*:\)\{0,1\}//p" built-from)
  dpkg-source --skip-patches --no-check -x "${package}_$version.dsc" "src-$package"
done
