#!/bin/sh
# SPDX-License-Identifier: MIT
# geometry.sh - subbuf_size and subbufs: what threads to come get, and what they do not take.
# shellcheck disable=SC2010,SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

act=$BUILD/tests/faults/helper_program
FASTTRACE_SUBBUF_SIZE=8K FASTTRACE_SUBBUFS=4 FASTTRACE_MAX_MEMORY=32M
export FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS FASTTRACE_MAX_MEMORY

set_to() # PROCESS: "size number"
{
	echo "$(cat "$1/subbuf_size") $(cat "$1/subbufs")"
}

rings() # PROCESS: "count size number," of its threads
{
	for t in "$1"/threads/*; do
		awk '$1 == "subbuf_size" { size = $2 } $1 == "subbufs" { print size, $2 }' "$t/stats"
	done | sort -n | uniq -c | awk '{ printf "%s: %s x %s, ", $1, $3, $2 }'
}

await()
{
	until_true 20 test -e "$WORK/$1"
}

serve
start "$act" threads 2 write 100 touch "$WORK/one" await "$WORK/two" threads 2 write 500 \
	touch "$WORK/three" await "$WORK/four" threads 1 write 100 fork 1 kill touch "$WORK/five" stay
P=$M/$pid
await one
same "as the environment says" "$(set_to "$P")" "8192 4"
same "it is the owner's alone" "$(stat -c %a "$P/subbuf_size" "$P/subbufs" | tr '\n' ' ')" "600 600 "
same "the rings there are" "$(rings "$P")" "2: 4 x 8192, "
is "a size with a suffix" sh -c "env echo 64k >'$P/subbuf_size'"
is "a number, with white space" sh -c "printf ' \t16\n\n' >'$P/subbufs'"
same "they read as numbers" "$(set_to "$P")" "65536 16"
same "the rings there are stay" "$(rings "$P")" "2: 4 x 8192, "
: >"$WORK/two"
await three
same "threads that come have them" "$(rings "$P")" "2: 4 x 8192, 2: 16 x 65536, "

# Nothing of what is refused changes anything.
refused() # FILE TEXT WHY
{
	: >"$P/error_log"
	isnt "$1: \"$(printf '%s' "$2" | tr -c ' -~' .)\" is refused" sh -c "printf '%s' \"\$1\" | env dd of='$P/$1' conv=notrunc status=none" sh "$2"
	has "as invalid" "Invalid argument"
	same "and explained" "$(sed -n '1s/^\[[0-9.]*\] //p' "$P/error_log")" "${P#"$M/"}/$1: error: $3"
}
for text in 2K 32M 12288 0 -4096 4096.0 4KB '4 K' 4T 4K8K 0x1000 99999999999999999999 16777216G K '' ' '; do
	[ -n "$text" ] || text=$(printf '\n.') text=${text%.}
	refused subbuf_size "$text" "expected a power of two from 4K to 16M"
done
for text in 1 8192 3 8x 16,8 4K4; do
	refused subbufs "$text" "expected a power of two from 2 to 4096"
done
refused subbufs 4K "4096 sub-buffers of 65536 bytes: expected at most half of what all threads may take, FASTTRACE_MAX_MEMORY"
refused subbuf_size 1M "16 sub-buffers of 1048576 bytes: expected at most half of what all threads may take, FASTTRACE_MAX_MEMORY"
same "nothing is changed" "$(set_to "$P")" "65536 16"
is "opened for both" sh -c "exec 3<>'$P/subbufs'; read -r n <&3; [ \"\$n\" = 16 ]"
is "truncation alone is nothing" sh -c ": >'$P/subbufs'; truncate -s 0 '$P/subbuf_size'"
same "nothing is changed" "$(set_to "$P")" "65536 16"

# It outlives the daemon, and a child begins with it.
is "small ones" sh -c "env echo 4096 >'$P/subbuf_size' && env echo 64 >'$P/subbufs'"
kill -KILL "$(daemon_pid)"
until_true 20 unserved
: >"$WORK/four"
await five
is "a daemon again" serve
same "what was set stands" "$(set_to "$P")" "4096 64"
same "a thread that came without a daemon has it" "$(rings "$P")" \
	"1: 64 x 4096, 2: 4 x 8192, 2: 16 x 65536, "
child=$(ls "$M" | grep -E '^[0-9]+$' | grep -vx "$pid")
same "and so has a forked child" "$(set_to "$M/$child") $(rings "$M/$child")" "4096 64 1: 64 x 4096, "
cp -r "$P/snapshot" "$OUT"
events "$OUT" >"$WORK/text"
is "babeltrace2 has no complaint" silent
same "of rings of three sizes it reads every event" "$(grep -c test:tick "$WORK/text")" 2700
is "without gaps" ticks "$WORK/text"

# The dead have no threads to come.
murder "$pid"
refused subbufs 8 "the process is dead: no thread of it is to come"
refused subbuf_size 5 "expected a power of two from 4K to 16M"
same "what was set can be read" "$(set_to "$P")" "4096 64"
unmount
conclude
