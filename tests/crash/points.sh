#!/bin/sh
# SPDX-License-Identifier: MIT
# points.sh [KILLS] - kills at each label of the sources (points.c), in a build of its own in which
# labels mean something. 1000 KILLS or more: everything with everything.
#
# It also sees to it that a label costs nothing in a normal build, and that none is without a line
# in the table, or the other way round.
set -u
: "${BUILD:?the folder of the programs under test}"
TMPDIR=${TMPDIR:-/tmp}
export TMPDIR
work=$(mktemp -d "$TMPDIR/points.XXXXXX") || exit 1
root=$(dirname "$0")/../..
cd "$root" || exit 1
build=$BUILD/points
all=
[ "${1:-0}" -lt 1000 ] || all=all
failed=0 pids=

# shellcheck disable=SC2317,SC2329
finish()
{
	for p in $pids; do kill -TERM "$p" 2>/dev/null; done
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 143' TERM HUP
trap 'exit 130' INT

fail() # TEXT
{
	echo "not ok - $*"
	failed=1
}

# Labels and lines: the same names, each once.
grep -rhoE 'FASTTRACE_POINT\([a-z_]+\);' include tracer reader | sed 's/.*(//; s/).*//' |
	sort >"$work/labels"
sed -n 's/^POINT(\([a-z_]*\),.*/\1/p' tests/crash/points-table.h | sort >"$work/lines"
diff "$work/labels" "$work/lines" || fail "labels in the sources, and lines in the table, differ"

# With and without labels, the same object files.
glib=$(pkg-config --cflags glib-2.0)
normal() # FOLDER FILE: compiled as in a normal build, without what tells line numbers
{
	# shellcheck disable=SC2086 # flags are words
	(cd "$1" && ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -DFASTTRACE_VERSION='""' -O2 -fPIC \
		-fvisibility=hidden -Iinclude $glib -c -o "$2.o" "$2")
}
mkdir "$work/with" "$work/without"
for to in with without; do cp -r include tracer reader "$work/$to/"; done
find "$work/without" -name '*.[ch]' -exec sed -i '/^\t*FASTTRACE_POINT([a-z_]*);$/d' {} +
compared=0
for f in tracer/*.c reader/*.c; do
	if ! normal "$work/with" "$f" || ! normal "$work/without" "$f" ||
		! cmp "$work/with/$f.o" "$work/without/$f.o"; then
		fail "$f: its labels leave something in a normal build"
	fi
	compared=$((compared + 1))
done
echo "ok - $(wc -l <"$work/labels") labels leave nothing in $compared object files"

make -s -j 2 BUILD="$build" CPPFLAGS='-include tests/crash/points.h' CFLAGS='-O1 -g' \
	"$build/tests/crash/points" >"$work/make" 2>&1 || {
	cat "$work/make"
	exit 1
}

for mode in overwrite discard block; do
	"$build/tests/crash/points" "$mode" $all >"$work/$mode" 2>&1 &
	pids="$pids $!"
done
for p in $pids; do wait "$p" || failed=1; done
pids=
cat "$work/overwrite" "$work/discard" "$work/block"
exit "$failed"
