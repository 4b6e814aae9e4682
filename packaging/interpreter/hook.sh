#!/bin/sh
# hook.sh ROOT OUT: run by mmdebstrap when the old root is ready. Fetches the source packages into
# it, builds the interpreter there, and leaves its folder as the archive OUT.
set -eu

root=$1
out=$2
here=$(dirname "$0")
# shellcheck source=packaging/interpreter/recipe.conf
. "$here/recipe.conf"

mkdir -p "$root/build"
"$here/fetch.sh" "$root"
cp "$here/recipe.conf" "$here/build.sh" "$root/build/"
chroot "$root" /bin/sh /build/build.sh
tar -C "$root" --sort=name --owner=0 --group=0 --numeric-owner -czf "$out" "${PREFIX#/}"
