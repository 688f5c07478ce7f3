#!/bin/sh
# SPDX-License-Identifier: MIT
# consumers.sh - every tool consumes sub-buffers, streams and trace_pipe, each event once, and sees the
# bytes that a snapshot had. For each tool and kind there is a thread, or a process, that nobody has
# read from. Tools are in lib_tools.sh.
# shellcheck disable=SC2012,SC2317,SC2329 # ls is what users do; is calls functions
. "$(dirname "$0")/lib_tools.sh"

serve
for _ in 1 2; do
	"$program" write "$WORK/counts" 60 400 &
	p=$!
	wait "$p"
	echo flush >"$M/$p/control"
	mkdir "$COPY/$p"
	cp -r "$M/$p/snapshot" "$COPY/$p"
	ls -d "$M/$p"/threads/* | sed "s|^$M/||" >>"$WORK/threads"
done
exec 5<"$WORK/threads"

next() # in $of what a thread has that nobody has read from; in $all what it is
{
	read -r of <&5 || {
		echo "# there are more tools than threads" >&2
		exit 1
	}
	all=$COPY/${of%%/*}/snapshot/${of##*/}
	mkdir -p "$COPY/$of/subbuf"
}
consumed()
{
	same "$tool consumes all, once" "$(sed -n '/^readable\|^consumed/s/.* //p' "$M/$of/stats" |
		tr '\n' ' ')" "400 0 "
}
streams()
{
	for kind in stream drain; do
		next
		cp "$all" "$COPY/$of/$kind"
		try "$kind" "$of/$kind"
		consumed
	done
}
subbufs()
{
	next
	at=1
	for f in "$M/$of"/subbuf/*; do
		size=$(stat -c %s "$f")
		tail -c "+$at" "$all" | head -c "$size" >"$COPY/$of/subbuf/${f##*/}"
		at=$((at + size))
	done
	# shellcheck disable=SC2046 # several
	try "sub-buffers" $(cd "$M" && ls "$of"/subbuf/*)
	same "whose names are gone" "$(ls "$M/$of/subbuf")" ""
	consumed
}
each any streams
each "any sized" subbufs

# trace_pipe: a process for each tool. It shows what trace does, without the head.
pipes()
{
	"$program" write "$WORK/counts" 2 50 &
	of=$!
	wait "$of"
	mkdir "$COPY/$of"
	grep -v '^#' "$M/$of/trace" >"$COPY/$of/trace_pipe"
	try trace_pipe "$of/trace_pipe"
	same "$tool consumes all, once" "$(sed -n 's/^consumed //p' "$M/$of/stats")" 100
}
each any pipes

unmount
conclude
