#!/bin/sh
# Builds the interpreter, inside the old root, from the sources in /build. No network is needed.
#
# Everything is linked statically into one program: no library is shipped beside it that another
# program could be made to load, and none of the host's is needed but libc and libm.
set -eu

# shellcheck source=packaging/interpreter/recipe.conf
. /build/recipe.conf
jobs=$(nproc)
deps=/build/deps
hardened="-O2 -fPIC -fstack-protector-strong -D_FORTIFY_SOURCE=2 -Wformat -Werror=format-security"

# All of a package's patches, or those whose name matches a pattern.
patches() {
  pattern=${1:-*}
  sed 's/[[:space:]]*#.*//; /^$/d' debian/patches/series | while read -r name; do
    # shellcheck disable=SC2254  # a pattern is what is meant
    case $name in $pattern) patch -sfp1 <"debian/patches/$name" ;; esac
  done
}

cd /build/src-zlib
patches
CFLAGS=$hardened ./configure --static --prefix="$deps" >/dev/null
make -s -j"$jobs" libz.a
mkdir -p "$deps/include" "$deps/lib"
cp zlib.h zconf.h "$deps/include"
cp libz.a "$deps/lib"

cd /build/src-sqlite3
patches
# WAL is what the store uses; extensions, FTS and the shell are not needed.
./configure -q --prefix="$deps" --disable-shared --disable-tcl --disable-readline \
  --disable-load-extension CFLAGS="$hardened" >/dev/null
make -s sqlite3.c >/dev/null
# shellcheck disable=SC2086  # flags are words
gcc $hardened -DSQLITE_THREADSAFE=1 -DSQLITE_OMIT_LOAD_EXTENSION -c sqlite3.c -o sqlite3.o
ar rcs "$deps/lib/libsqlite3.a" sqlite3.o
cp sqlite3.h "$deps/include"

cd "/build/src-python$PYTHON"
# Fixes are named *.patch there. What Debian changes for its own layout is *.diff, and would have
# this interpreter look for modules in the host's folders.
patches '*.patch'
./configure -q --prefix="$PREFIX" --without-ensurepip --disable-test-modules --without-doc-strings \
  --with-computed-gotos MODULE_BUILDTYPE=static \
  CFLAGS="$hardened -fPIE -g0" LDFLAGS="-pie -Wl,-z,relro,-z,now" \
  ZLIB_CFLAGS="-I$deps/include" ZLIB_LIBS="$deps/lib/libz.a" \
  LIBFFI_CFLAGS=" " LIBFFI_LIBS="/usr/lib/$(gcc -print-multiarch)/libffi.a" \
  LIBSQLITE3_CFLAGS="-I$deps/include" LIBSQLITE3_LIBS="-L$deps/lib -lsqlite3 -lm -lpthread -ldl" \
  >/dev/null
make -s -j"$jobs" >/build/make.log 2>&1 || { tail -50 /build/make.log; exit 1; }
make -s install >/build/install.log 2>&1 || { tail -50 /build/install.log; exit 1; }

# What runs programs, and nothing for those who build, learn or draw.
lib=$PREFIX/lib/python$PYTHON
rm -rf "$PREFIX/include" "$PREFIX/share" "$PREFIX/lib/pkgconfig" "$lib"/config-* "$lib/idlelib" \
  "$lib/turtledemo" "$lib/turtle.py" "$lib/tkinter" "$lib/ensurepip" "$lib/venv" "$lib/test" \
  "$lib/pydoc_data" "$lib/_pyrepl" "$lib"/site-packages/*
find "$PREFIX/bin" "$PREFIX/lib" -maxdepth 1 ! -type d ! -name "python$PYTHON" -delete
find "$PREFIX" -depth -name __pycache__ -exec rm -rf {} +
strip --strip-unneeded "$PREFIX/bin/python$PYTHON"
ln -s "python$PYTHON" "$PREFIX/bin/python3"
mkdir -p "$lib/site-packages"
{
  cat /build/built-from
  dpkg-query -W -f '${source:Package} ${source:Version}\n' libffi-dev
} >"$PREFIX/built-from"

# It can do what the product needs, or there is no package.
"$PREFIX/bin/python3" -I -c '
import asyncio, ctypes, decimal, hashlib, json, plistlib, select, socket, sqlite3, zipfile, zlib
from xml.parsers import expat
import _decimal, _json
assert sqlite3.connect(":memory:").execute("select 1").fetchone() == (1,)
assert plistlib.loads(plistlib.dumps({"a": 1})) == {"a": 1}
assert ctypes.CDLL(None).getpid() > 0
print("zlib", zlib.ZLIB_VERSION, "sqlite", sqlite3.sqlite_version, expat.EXPAT_VERSION)
'
echo "expat $("$PREFIX/bin/python3" -Ic 'from xml.parsers import expat; print(expat.EXPAT_VERSION[6:])')" \
  >>"$PREFIX/built-from"
