#!/bin/sh
# SPDX-License-Identifier: MIT
# ls.sh - owners, times, sizes and links as ls -l shows them are true.
# shellcheck disable=SC2012,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

FASTTRACE_SUBBUF_SIZE=4096 FASTTRACE_SUBBUFS=8
export FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS

modified() # PATH: seconds with their nanoseconds
{
	stat -c %.9Y "$1"
}

ascend() # TIME...: each is later than the one before, or the same
{
	printf '%s\n' "$@" | LC_ALL=C sort -c -n
}

# The same time, but for babeltrace2's arithmetic in floating point.
dated() # TEXT TIME OF-BABELTRACE2
{
	is "$1" awk -v a="${2#*.}" -v b="${3#*.}" -v s="${2%.*}" -v t="${3%.*}" \
		'BEGIN { d = (s - t) * 1e9 + a - b; print d; exit !(d >= -10 && d <= 10) }'
}

# The time of the first event, or of the last, of what babeltrace2 finds in a packet or more.
event_time() # first|last FILE
{
	rm -rf "$WORK/trace"
	mkdir "$WORK/trace"
	cp "$2" "$WORK/trace/stream"
	cp "$WORK/metadata" "$WORK/trace/metadata"
	events --clock-seconds "$WORK/trace" >"$WORK/text"
	if [ "$1" = first ]; then head -n 1 "$WORK/text"; else tail -n 1 "$WORK/text"; fi |
		sed 's/^\[\([0-9.]*\)\].*/\1/'
}

before=$(date +%s.%N)
serve
start "$program" stay "$WORK/counts" 2 3000
until_true 10 sh -c "grep -qx 'begun 6000' '$M/$pid/stats'"
P=$M/$pid
T=$(ls -d "$P"/threads/* | head -n 1)
cat "$P/ctf-metadata" >"$WORK/metadata"
mkdir "$OUT"

same "all is its user's" "$(find "$M" ! -user "$(id -u)" -o ! -group "$(id -g)")" ""
same "sizes are shown in subbuf and snapshot alone" \
	"$(find "$M" -size +0 ! -path '*/subbuf/*' ! -path '*/snapshot/*')" ""
same "and there for all" "$(find "$M" -type f -size 0 -path '*/subbuf/*' -o \
	-type f -size 0 -path '*/snapshot/*')" ""

# Links of what is fixed are counted; 1 says that they are not.
links()
{
	stat -c %h "$@" | tr '\n' ' '
}
same "links of folders that have fixed ones" "$(links "$P" "$T" "$P/snapshot" "$T/subbuf")" "5 3 2 2 "
same "of the others" "$(links "$M" "$P/threads" "$P/events" "$P/events/test")" "1 1 1 1 "
same "and of files" "$(links "$P/comm" "$T/stream" "$P/snapshot/metadata")" "1 1 1 "
same "find finds every folder" "$(find "$M" -type d | wc -l)" 11

# A process: since when it traces. A stream of a snapshot: its last event; so do copies say.
began=$(modified "$P")
is "a process is dated by its start" ascend "$before" "$began" "$(date +%s.%N)"
same "and so is what is in it" "$(modified "$P/comm") $(modified "$P/threads") $(modified "$P/trace")" \
	"$began $began $began"
is "the root is dated by the daemon's" ascend "$before" "$(modified "$M")" "$began"
cp -a "$P/snapshot" "$OUT/snapshot"
for f in "$OUT"/snapshot/[0-9]*; do
	name=${f##*/}
	same "snapshot/$name has its size" "$(stat -c %s "$f")" "$(stat -c %s "$P/snapshot/$name")"
	dated "and is dated by its last event" "$(modified "$f")" "$(event_time last "$f")"
done

# A sub-buffer: its first event, however often it is looked at, and half-read as well.
listed=$(ls -l --time-style=full-iso "$T/subbuf")
same "there are sub-buffers" "$(ls "$T/subbuf" | wc -l)" 7
first=$(ls "$T/subbuf" | head -n 1)
dd if="$T/subbuf/$first" of=/dev/null bs=100 count=1 status=none
same "ls says the same again" "$(ls -l --time-style=full-iso "$T/subbuf")" "$listed"
for f in "$T"/subbuf/*; do
	at=$(modified "$f") size=$(stat -c %s "$f")
	cat "$f" >"$OUT/packet"
	same "${f##*/} has its size" "$(stat -c %s "$OUT/packet")" "$size"
	dated "and is dated by its first event" "$at" "$(event_time first "$OUT/packet")"
done

# Dead: by its end. What is in it stays as it was.
last=$(event_time last "$OUT/snapshot/${T##*/}")
killed=$(date +%s.%N)
murder "$pid"
ended=$(modified "$P")
is "a dead process is dated by its end" ascend "$began" "$last" "$killed" "$ended" "$(date +%s.%N)"
same "and so is its state" "$(modified "$P/state")" "$ended"
same "but not the rest" "$(modified "$P/comm") $(modified "$P/mode")" "$began $began"
is "it stays so" test "$(sleep 0.1 && modified "$P")" = "$ended"

# Found dead: by its last event, even when that is read.
unmount
serve
newest=$(sed -n 's/^newest //p' "$P/stats")
same "found dead, it is dated by its last event" "$(modified "$P") $(modified "$P/state")" \
	"$newest $newest"
cat "$P"/threads/*/drain >"$OUT/rest"
same "also when that was read" "$(modified "$P")" "$newest"
unmount
conclude
