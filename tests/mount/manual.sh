#!/bin/sh
# SPDX-License-Identifier: MIT
# manual.sh - the manual page and the mount's README tell of all there is: options, names, statuses.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"

page=$(realpath "$(dirname "$0")/../../docs/fasttracefs.1")
LC_ALL=C.UTF-8
export LC_ALL

if command -v groff >/dev/null; then
	groff -man -ww -Tutf8 -z "$page" >"$ERR" 2>&1
	same "groff has no complaint" "$(cat "$ERR")" ""
	groff -man -Tutf8 -P -cbou -rLL=78n "$page" >"$WORK/page"
else
	sed 's/\\-/-/g; s/\\f.//g' "$page" >"$WORK/page"
fi
if command -v man >/dev/null; then
	man -l --warnings "$page" >/dev/null 2>"$ERR" || echo "exit status $?" >>"$ERR"
	same "man has no complaint" "$(cat "$ERR")" ""
fi

options() # of a text: the long ones
{
	grep -oE -- '--[a-z]+(-[a-z]+)*' "$1" | grep -vxE -- '--(device|cap-add)' | sort -u
}
fasttracefs --help >"$WORK/help"
same "the options are those of --help" "$(options "$WORK/page")" "$(options "$WORK/help")"
for n in 0 1 2 126 127; do
	is "exit status $n" grep -qE "^ +$n +[A-Z]" "$WORK/page"
done

# Every name that does not belong to a program.
start "$program" stay "$WORK/counts" 1 1000
serve
P=$M/$pid
until_true 20 test -d "$P/events/test/tick"
find "$M" "$P" "$P"/threads/* "$P/events" "$P/events/test/tick" -mindepth 1 -maxdepth 1 |
	sed 's|.*/||' | grep -vxE '[0-9]+|test|tick' | sort -u >"$WORK/names"
is "there are names" test "$(wc -l <"$WORK/names")" -gt 25
while read -r name; do
	is "the page tells of $name" grep -qE "(^|[^a-z_-])$name([^a-z_-]|\$)" "$WORK/page"
	[ "$name" = README ] || is "README tells of $name" grep -qE "(^|[^a-z_-])$name([^a-z_-]|\$)" "$M/README"
done <"$WORK/names"
for name in FASTTRACE FASTTRACE_DIR FASTTRACE_MOUNT FASTTRACE_MODE FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS \
	FASTTRACE_MAX_MEMORY FASTTRACE_BLOCK_TIMEOUT FASTTRACE_EVENTS; do
	is "the page tells of $name" grep -qw "$name" "$WORK/page"
done
unmount
murder "$pid"
conclude
