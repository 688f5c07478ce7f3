#!/bin/sh
# SPDX-License-Identifier: MIT
# starts.sh - the three starts, how programs end, two programs at once.
# shellcheck disable=SC2010,SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

# 1. fasttracefs M -- PROGRAM: it is the program's own process.
fasttracefs "$M" -- "$program" end exit 7 && code=0 || code=$?
same "the exit status is the program's" "$code" 7
is "the mount outlives the program" mounted
dead=$(ls "$M" | grep -E '^[0-9]+$')
same "and says how it ended" "$(cat "$M/$dead/state")" "exited 7"
cp -r "$M/$dead/snapshot" "$OUT"
events "$OUT" >"$WORK/text"
is "its events are there" grep -q 'test:end.*how = "exit"' "$WORK/text"
unmount
for how in abort segv; do
	fasttracefs "$M" -- "$program" end "$how" 2>/dev/null && code=0 || code=$?
	dead=$(ls "$M" | grep -E '^[0-9]+$')
	same "$how" "$(cat "$M/$dead/state")" "killed $((code - 128))"
	unmount
done
fasttracefs "$M" -- "$program" end exec 60 &
pid=$!
pids=$pid
until_true 5 sh -c "grep -q replaced '$M/$pid/state'"
same "exec: the arena's program was replaced" "$(cat "$M/$pid/state")" replaced
is "in the same process" kill -0 "$pid"
murder "$pid"
unmount
fasttracefs "$M" -- /no/such/program 2>"$ERR" && code=0 || code=$?
same "a program that is not there: 127" "$code" 127
has "which is named" "/no/such/program"
isnt "and nothing is mounted" mounted
: >"$WORK/text-file"
fasttracefs "$M" -- "$WORK/text-file" 2>"$ERR" && code=0 || code=$?
same "one that cannot be executed: 126" "$code" 126
isnt "and nothing is mounted" mounted
same "no run directory is left of those that exited" "$(find "$FASTTRACE_DIR" -name 'run-*' | while read -r d
do find "$d" -name '[!.]*' -type f; done | grep -c -e '-exit')" 0

# Unmounted before the program has begun: its directory is gone, it makes it anew, and the next
# daemon shows what is there and tidies up.
find "$FASTTRACE_DIR" -mindepth 1 -delete
fasttracefs "$M" -- sh -c 'until [ -e "$1" ]; do sleep 0.02; done; exec "$2" end abort' sh \
	"$WORK/begin" "$program" 2>/dev/null &
pid=$!
pids=$pid
until_true 20 mounted
unmount
no_runs()
{
	[ -z "$(find "$FASTTRACE_DIR" -name '*run-*')" ]
}
is "a run directory that nobody used goes with the mount" until_true 20 no_runs
: >"$WORK/begin"
wait "$pid" 2>/dev/null || :
is "a mount after its program's death" serve
same "shows it" "$(cat "$M/$pid/state")" ended
rmdir "$M/$pid"
unmount
is "and leaves no run directory" until_true 20 no_runs

# 2. A program first, fasttracefs later; two at once.
start "$program" stay "$WORK/counts" 1 1000
one=$pid
start "$program" stay "$WORK/counts2" 2 1000
two=$pid
sleep 0.2
is "plain start" serve
is "the first is there" test -d "$M/$one/threads"
is "the second is there" test -d "$M/$two/threads"
rm -rf "$OUT"
mkdir "$OUT"
cp -r "$M/$one/snapshot" "$OUT/one"
cp -r "$M/$two/snapshot" "$OUT/two"
events --clock-seconds "$OUT" >"$WORK/text"
is "babeltrace2 merges them" silent
same "all events" "$(grep -c test:tick "$WORK/text")" 3000
is "in the order of time" sh -c "sed 's/^\[\([0-9.]*\)\].*/\1/' '$WORK/text' | sort -c"
is "a second start on the same mount is content" serve
mkdir "$WORK/mnt2"
isnt "on another one it is refused" fasttracefs "$WORK/mnt2"
has "with the mount that serves" "$M"
murder "$one"
murder "$two"
unmount

# 3. FASTTRACE_MOUNT: the library starts the daemon, once for all the children.
(
	FASTTRACE_MOUNT=$M
	export FASTTRACE_MOUNT
	for i in 1 2 3 4 5 6 7 8; do
		"$program" stay "$WORK/many$i" 1 100 &
		echo $!
	done >"$WORK/children"
)
pids="$pids $(tr '\n' ' ' <"$WORK/children")"
is "FASTTRACE_MOUNT mounts" until_true 10 test -e "$M/README"
all_there()
{
	while read -r p; do test -d "$M/$p/threads" || return 1; done <"$WORK/children"
}
is "all the children are there" until_true 5 all_there
same "one daemon" "$(grep -c " $M fuse" /proc/self/mounts)" 1
while read -r p; do kill -KILL "$p"; done <"$WORK/children"
is "and the mount outlives them" test -e "$M/README"
unmount

FASTTRACE_MODE=never FASTTRACE_SUBBUF_SIZE=77 "$program" end exit 0 2>"$ERR" && code=0 || code=$?
same "a bad environment does not stop the program" "$code" 0
has "but is told of" "FASTTRACE_MODE=never: expected overwrite, discard or block"
has "each" "FASTTRACE_SUBBUF_SIZE=77: expected a power of two from 4K to 16M"
conclude
