#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh - installs into a folder and uses what is there as anybody would: cc and pkg-config.
set -eu

cd "$(dirname "$0")/../.."
: "${BUILD:=$PWD/build}"
here=$PWD/tests/install
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
FASTTRACE_DIR=$tmp/arenas
export FASTTRACE_DIR
mkdir -m 700 "$FASTTRACE_DIR"

fail()
{
	echo "install: $*" >&2
	exit 1
}

# check_exports LIBRARY: its dynamic symbols are fasttrace_* alone.
check_exports()
{
	others=$(nm -D --defined-only "$1" | awk '$2 != "A" { print $3 }' | sed 's/@.*//' |
		grep -v '^fasttrace_' || :)
	[ -z "$others" ] || fail "$1 exports:" "$others"
	nm -D --defined-only "$1" | grep -q fasttrace_ || fail "$1 exports nothing"
}

# needed FILE: the shared libraries that it names.
needed()
{
	readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}

make --no-print-directory BUILD="$BUILD" PREFIX="$tmp/usr" install >/dev/null
lib=$tmp/usr/lib
for f in bin/fasttracefs bin/fasttrace share/man/man1/fasttrace.1 share/man/man1/fasttrace-read.1 include/fasttrace.h include/fasttrace-abi.h \
	include/fasttrace-c.h include/fasttrace-cxx.h include/fasttrace-reader.h \
	lib/libfasttrace.a lib/libfasttrace.so lib/libfasttrace.so.0 lib/libfasttrace-reader.a \
	lib/libfasttrace-reader.so lib/libfasttrace-reader.so.0 lib/pkgconfig/fasttrace.pc \
	lib/pkgconfig/fasttrace-reader.pc share/man/man1/fasttracefs.1; do
	[ -e "$tmp/usr/$f" ] || fail "$f is missing"
done
[ "$(find "$tmp/usr/include" -type f | wc -l)" -eq 5 ] || fail "a private header is installed"

check_exports "$lib/libfasttrace.so"
check_exports "$lib/libfasttrace-reader.so"
for n in $(needed "$lib/libfasttrace.so"); do
	case $n in
	libc.so.* | ld-linux*) ;;
	*) fail "libfasttrace.so needs $n" ;;
	esac
done
for l in libfasttrace libfasttrace-reader; do
	readelf -d "$lib/$l.so" | grep -q "SONAME.*\[$l.so.0\]" || fail "$l.so: wrong SONAME"
done
"$tmp/usr/bin/fasttracefs" --version >/dev/null || fail "fasttracefs --version"

PKG_CONFIG_PATH=$lib/pkgconfig
export PKG_CONFIG_PATH

# use NAME PACKAGE COMPILER...: builds NAME with it, shared and static, and runs both.
use()
{
	source=$here/$1 package=$2
	shift 2
	# shellcheck disable=SC2046 # flags are words
	"$@" -Wall -Wextra -Werror -o "$tmp/shared" "$source" -x none \
		$(pkg-config --cflags --libs "$package")
	LD_LIBRARY_PATH=$lib "$tmp/shared" || fail "$source with $*, shared: exit status $?"
	# shellcheck disable=SC2046
	"$@" -Wall -Wextra -Werror -o "$tmp/static" "$source" -x none \
		$(pkg-config --cflags "$package") \
		"$lib/lib$package.a" $(pkg-config --static --libs-only-other "$package") \
		$(pkg-config --libs glib-2.0)
	"$tmp/static" || fail "$source with $*, static: exit status $?"
}

use tracer.c fasttrace cc -std=c11
use tracer.c fasttrace c++ -std=c++17 -x c++
use reader.c fasttrace-reader cc -std=c11

make --no-print-directory BUILD="$BUILD" PREFIX="$tmp/usr" uninstall >/dev/null
left=$(find "$tmp/usr" ! -type d)
[ -z "$left" ] || fail "uninstall left $left"
make --no-print-directory BUILD="$BUILD" DESTDIR="$tmp/stage" PREFIX=/usr install >/dev/null
[ -x "$tmp/stage/usr/bin/fasttracefs" ] || fail "DESTDIR is not obeyed"
grep -q "^prefix=/usr$" "$tmp/stage/usr/lib/pkgconfig/fasttrace.pc" || fail "DESTDIR in the .pc"
