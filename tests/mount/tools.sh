#!/bin/sh
# SPDX-License-Identifier: MIT
# tools.sh - every tool reads what shows, and what is frozen in a snapshot, as it reads an ordinary file
# of the same bytes. Tools are in lib_tools.sh, kinds of files in KINDS.
# shellcheck disable=SC2012,SC2317,SC2329 # ls is what users do; is calls functions
. "$(dirname "$0")/lib_tools.sh"

serve
"$program" write "$WORK/counts" 2 150 &
small=$!
wait "$small"
echo flush >"$M/$small/control"
P=$M/$small
thread=$(ls "$P/threads" | head -n 1)
T=$P/threads/$thread
isnt "something to be read in error_log" sh -c "echo nonsense >'$P/control'"

# What is known without asking the tree.
same "comm" "$(cat "$P/comm")" program
same "exe" "$(cat "$P/exe")" "$(readlink -f "$program")"
same "cmdline" "$(tr '\0' ' ' <"$P/cmdline")" "$program write $WORK/counts 2 150 "
same "state" "$(cat "$P/state")" "exited 0"
same "mode" "$(cat "$P/mode")" "overwrite [discard] block"
same "subbuf_size" "$(cat "$P/subbuf_size")" 4096
same "subbufs" "$(cat "$P/subbufs")" 4
same "name" "$(cat "$T/name")" program
same "id" "$(cat "$P/events/test/tick/id")" 1
same "trace has all events" "$(grep -c test:tick: "$P/trace")" 300

# What shows. What each is, a read of 1 MB tells.
KINDS="README control tracing_on error_log"
for kind in comm exe cmdline state mode clock subbuf_size subbufs stats control tracing_on error_log ctf-metadata trace \
	events/enable events/test/enable events/test/tick/enable events/test/tick/format \
	events/test/tick/id threads/$thread/name threads/$thread/state threads/$thread/control \
	threads/$thread/stats; do
	KINDS="$KINDS $small/$kind"
done
for kind in $KINDS; do
	mkdir -p "$COPY/${kind%/*}" 2>/dev/null || :
	[ "${kind#*/}" != "$kind" ] || rmdir "$COPY/$kind"
	dd if="$M/$kind" of="$COPY/$kind" bs=1M status=none
done
# shellcheck disable=SC2086 # several
shows()
{
	try "what shows" $KINDS
}
each "any kept" shows

# What is frozen in a snapshot, each tool's own.
cp -a "$P/snapshot" "$COPY/$small"
frozen()
{
	try "a snapshot" "$small/snapshot/metadata" "$small/snapshot/$thread"
}
each "any kept sized both" frozen
same "nothing of it is consumed" "$(sed -n 's/^consumed //p' "$P/stats")" 0

# Text of more than one read.
"$program" write "$WORK/counts" 50 400 &
big=$!
wait "$big"
B=$M/$big
echo flush >"$B/control"
mkdir "$COPY/$big"
dd if="$B/trace" of="$COPY/$big/trace" bs=1M status=none
same "all events of many threads are in trace" "$(grep -c test:tick: "$COPY/$big/trace")" 20000
text()
{
	try "a long trace" "$big/trace"
}
each any text

unmount
conclude
