#!/bin/sh
# SPDX-License-Identifier: MIT
# removal.sh - the dead stay until rmdir forgets them, which nothing that is open is taken by; the
# living cannot be removed.
# shellcheck disable=SC2012,SC2016,SC2317,SC2329 # ls is what users do; commands are for a shell of their own
. "$(dirname "$0")/lib.sh"

FASTTRACE_SUBBUF_SIZE=4096 FASTTRACE_SUBBUFS=8
export FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS

die() # leaves a dead process; its pid in $pid, its folder in $P, its thread's in $T
{
	"$program" write "$WORK/counts" 1 1000 &
	pid=$!
	wait "$pid"
	P=$M/$pid
	T=$(ls -d "$P"/threads/*)
	echo flush >"$P/control"
}

refuse() # TEXT WORDS FOLDER
{
	isnt "$1" rmdir "$3"
	has "$2" "$2"
}

arenas()
{
	find "$FASTTRACE_DIR" -type f ! -name .lock | wc -l
}

serve

# The living.
start "$program" stay "$WORK/living" 1 100
living=$pid
until_true 10 test -d "$M/$living/events/test"
refuse "a living process is not removed" "Device or resource busy" "$M/$living"
isnt "nor a folder in it" rmdir "$M/$living/threads"
isnt "nor by unlink" unlink "$M/$living"
has "it is a folder" "Is a directory"
isnt "rm -r does not, either" rm -r "$M/$living"
is "it is still there" test -d "$M/$living/threads"
same "and traces" "$(cat "$M/$living/state")" running

# The dead stay, also for the next daemon.
die
same "dead, it stays" "$(cat "$P/state")" "exited 0"
murder "$living"
unmount
same "a clean exit is forgotten at the end, a crash is not" "$(arenas)" 1
serve
same "the next daemon shows it" "$(cat "$M/$living/state")" "killed 9"
is "rmdir forgets it" rmdir "$M/$living"
isnt "at once" stat "$M/$living"
same "and frees its memory" "$(arenas)" 0

# Whatever is open keeps it, and can be read.
for name in comm stats control trace trace_pipe ctf-metadata snapshot/metadata snapshot/TID \
	events/enable events/test/tick/format threads/TID/name threads/TID/control \
	threads/TID/stream threads/TID/drain threads/TID/subbuf/SEQ; do
	die
	seq=$(ls "$T/subbuf" | head -n 1)
	exec 5<"$(echo "$P/$name" | sed "s|TID|${T##*/}|; s|SEQ|$seq|")"
	refuse "$name is open" "Device or resource busy" "$P"
	is "it can be read" sh -c 'cat <&5 >"$0"' "$WORK/read"
	is "and is not empty" test -s "$WORK/read"
	exec 5<&-
	is "$name is closed: it goes" rmdir "$P"
done

# An open folder, a working directory, a snapshot that was looked at: as of any folder that goes.
die
ls "$P/snapshot" >"$WORK/list"
exec 5<"$P"
is "an open folder does not keep it" sh -c "cd '$P/threads' && rmdir '$P' && ! cat ../state && ! ls"
has "and finds nothing in it" "No such file or directory"
is "nor can it be entered" sh -c '! ls /proc/self/fd/5/threads'
exec 5<&-

# rm -r takes what can be taken, the sub-buffers, and nothing else.
die
kept=$(find "$P" ! -path '*/subbuf/*' ! -path '*/snapshot/*')
isnt "rm -r of a dead process fails" rm -rf "$P"
has "and says so" "cannot remove '$P/"
same "it has consumed" "$(ls "$T/subbuf")" ""
same "the rest stays" "$(find "$P" ! -path '*/subbuf/*' ! -path '*/snapshot/*')" "$kept"
is "rmdir is the way" rmdir "$P"

# By exec: the process lives, what it was before does not.
start "$program" end exec 60
until_true 10 grep -qx replaced "$M/$pid/state"
is "what exec has replaced is dead" rmdir "$M/$pid"
is "and its process lives" kill -0 "$pid"

same "nothing is left" "$(find "$M" -mindepth 1 -type d)" ""
same "nor in memory" "$(arenas)" 0
unmount
conclude
