#!/bin/sh
# SPDX-License-Identifier: MIT
# unmount.sh - every way to end a mount, idle and in use; and what a killed daemon leaves. Each time:
# is the daemon gone, the mount, the lock? Are the arenas there, and do readers end?
# shellcheck disable=SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

export FASTTRACE_SUBBUF_SIZE=4K

daemon_gone() # but for a parent who is to reap it
{
	! grep -q '^State:[[:space:]]*[A-Y]' "/proc/$daemon/status" 2>/dev/null
}

begin()
{
	serve
	daemon=$(daemon_pid)
	until_true 20 test -d "$P/threads"
}

# What MOUNT's end leaves: nothing of it, and all that was recorded.
ended() # TEXT
{
	is "$1: the daemon ends" until_true 20 daemon_gone
	is "$1: the directory of arenas is free" until_true 20 unserved
	isnt "$1: nothing is mounted" mounted
	is "$1: the arena is there" test -s "$arena"
	is "$1: the program goes on" kill -0 "$program_pid"
	is "$1: a new daemon" serve
	daemon=$(daemon_pid)
	is "$1: shows it" until_true 20 grep -qx running "$P/state"
	same "$1: with every event" "$(awk '$1 == "begun" { print $2 }' "$P/stats")" 1000
	unmount
}

# COMMAND's exit status and words.
says() # TEXT STATUS WORDS COMMAND...
{
	text=$1 status=$2 words=$3
	shift 3
	LC_ALL=C "$@" >"$ERR" 2>&1 && code=0 || code=$?
	same "$text: exit status" "$code" "$status"
	[ -z "$words" ] || has "$text: told why" "$words"
}

start "$BUILD/tests/faults/helper_program" threads 1 write 1000 touch "$WORK/written" stay
program_pid=$pid
P=$M/$pid
until_true 20 test -e "$WORK/written"
arena=$(echo "$FASTTRACE_DIR"/*-"$pid"-*)

# Nobody is inside.
for how in "fusermount3 -u" umount "umount -l" "fusermount3 -u -z"; do
	begin
	# shellcheck disable=SC2086 # words
	says "$how" 0 "" $how "$M"
	ended "$how"
done
for signal in TERM INT HUP; do
	begin
	kill -s "$signal" "$daemon"
	ended "SIG$signal"
done
says "fusermount3 -u of nothing" 1 "$M" fusermount3 -u "$M"
begin
kill -s INT "$daemon"
kill -s TERM "$daemon" 2>/dev/null || :
ended "two signals"

# Somebody is: a shell that works there, a file or a folder that is open, readers that wait.
waits_in() # NAME: has he opened it?
{
	[ -n "$(find "/proc/$user/fd" -lname "*/$1" 2>/dev/null)" ]
}

occupy() # cwd|file|folder|stream|trace_pipe: by process $user
{
	case $1 in
	cwd) set -- "$1" 'cd "$1"' 'ls .' "$P" ;;
	file) set -- "$1" 'exec 3<"$1"' 'cat <&3' "$P/stats" ;;
	folder) set -- "$1" 'exec 3<"$1"' 'ls /proc/self/fd/3/' "$P/threads" ;;
	stream) set -- "$1" "" "" "$(echo "$P"/threads/*/stream)" ;;
	trace_pipe) set -- "$1" "" "" "$P/trace_pipe" ;;
	esac
	if [ -n "$2" ]; then
		start sh -c "$2"' && : >"$2" && until [ -e "$3" ]; do sleep 0.05; done; '"$3" \
			sh "$4" "$WORK/inside" "$WORK/leave"
		user=$pid
		until_true 20 test -e "$WORK/inside"
	else
		start cat "$4"
		user=$pid
		until_true 20 waits_in "$1"
	fi >"$WORK/read" 2>"$WORK/said"
}

# He looks again, or is woken, and ends.
leaves() # TEXT STATUS [WORDS]
{
	: >"$WORK/leave"
	is "$1: he ends" until_true 20 sh -c '! grep -q "^State:[[:space:]]*[A-Y]" "/proc/$1/status" 2>/dev/null' sh "$user"
	LC_ALL=C wait "$user" 2>/dev/null && code=0 || code=$?
	[ "$code" -eq 0 ] || code=failure
	same "$1: and that ends in" "$code" "$2"
	[ -z "${3-}" ] || is "$1: $3" grep -qE "$3" "$WORK/said"
	rm -f "$WORK/leave" "$WORK/inside"
}

cut="not connected|connection abort"
for who in cwd file folder stream trace_pipe; do
	# In use: refused, and nothing happens.
	begin
	occupy "$who"
	says "$who: fusermount3 -u" 1 busy fusermount3 -u "$M"
	says "$who: umount" 32 busy umount "$M"
	is "$who: it is mounted" mounted
	isnt "$who: and served" unserved
	is "$who: to all" cat "$P/stats"

	# A signal is no question.
	kill -s TERM "$daemon"
	is "$who: after SIGTERM the daemon ends" until_true 20 daemon_gone
	isnt "$who: nothing is mounted" mounted
	leaves "$who, SIGTERM" failure "$cut"
	ended "$who, SIGTERM"

	# Lazily: the name is free, and who is inside goes on.
	begin
	occupy "$who"
	says "$who: umount -l" 0 "" umount -l "$M"
	isnt "$who: nothing is mounted" mounted
	isnt "$who: but somebody is served" daemon_gone
	case $who in
	stream | trace_pipe)
		[ "$who" != stream ] || # which leaves nothing to the other one
			is "$who, umount -l: he reads" until_true 20 test -s "$WORK/read"
		kill -KILL "$user"
		leaves "$who, umount -l" failure
		;;
	*) leaves "$who, umount -l" 0 ;;
	esac
	ended "$who, umount -l"
done
# A daemon that stays for one who is inside is told of, and so are the ways out.
begin
occupy cwd
umount -l "$M"
says "a start meanwhile" 1 "whose mount was taken away and is still in use: end who uses it, or process $daemon" \
	fasttracefs "$M"
kill -s TERM "$daemon"
ended "SIGTERM after umount -l"
leaves "SIGTERM after umount -l" failure "$cut"

# Killed: a dead mount, which the next daemon replaces, whoever is in it.
killed()
{
	kill -KILL "$daemon"
	until_true 20 unserved
}

for who in cwd file folder stream trace_pipe; do
	begin
	occupy "$who"
	killed
	says "$who, killed: ls" 2 "not connected" ls "$M"
	is "$who, killed: its mount stays" mounted
	case $who in stream | trace_pipe) leaves "$who, killed" failure "$cut" ;; esac
	is "$who, killed: a new daemon" serve
	same "$who, killed: is the only one there" "$(grep -c " $M fuse" /proc/self/mounts)" 1
	is "$who, killed: and shows all" cat "$P/stats"
	case $who in cwd | file | folder) leaves "$who, killed and replaced" failure "$cut" ;; esac
	daemon=$(daemon_pid)
	unmount
	ended "$who, killed"
done

# In a filesystem that goes itself, and with another one in it: for who may mount.
nested()
{
	mkdir "$WORK/in" && mount -t tmpfs nest "$WORK/in" && mkdir "$WORK/in/mnt"
	outer=$M M=$WORK/in/mnt P=$WORK/in/mnt/$program_pid
	begin
	says "nested: umount of what it is mounted in" 32 busy umount "$WORK/in"
	is "nested: it is served" cat "$P/stats"
	killed
	is "nested, killed: a new daemon" serve
	is "nested, killed: shows all" cat "$P/stats"
	daemon=$(daemon_pid)
	umount -l "$WORK/in"
	is "nested: what it is mounted in is gone, and it ends" until_true 20 daemon_gone
	M=$outer P=$outer/$program_pid
	ended "nested"

	begin
	mkdir -m 700 "$WORK/others"
	is "another one in a process's folder" fasttracefs --dir "$WORK/others" "$P"
	is "shows its own" test -e "$P/README"
	says "umount of the outer one" 32 busy umount "$M"
	killed
	is "the outer one is killed: a new daemon" serve
	is "shows all" cat "$P/stats"
	is "and the inner one has ended" until_true 20 "$program" unlocked "$WORK/others/.lock"
	daemon=$(daemon_pid)
	unmount
	ended "one in another"
}
[ "$(id -u)" -ne 0 ] || nested

murder "$program_pid"
conclude
