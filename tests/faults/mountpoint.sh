#!/bin/sh
# SPDX-License-Identifier: MIT
# mountpoint.sh - what others do to the mount point, and to the directory of arenas: renamed, moved,
# removed, covered, unmounted with a reader inside, cut off.
# shellcheck disable=SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

export FASTTRACE_SUBBUF_SIZE=4K
IN=$WORK/in
mkdir "$IN"
M=$IN/mnt
mkdir "$M"

ours_mounted() # how often
{
	awk -v d="$WORK/" 'index($5, d) == 1 && / fuse.fasttracefs / { n++ } END { print n + 0 }' \
		/proc/self/mountinfo
}

daemon_gone() # but for a parent who is to reap it
{
	unserved && ! grep -q '^State:[[:space:]]*[A-Y]' "/proc/$daemon/status" 2>/dev/null
}

begin()
{
	serve
	daemon=$(daemon_pid)
	act write 300 touch "$WORK/written" await "$WORK/more" write 300 touch "$WORK/twice" stay
	await test -e "$WORK/written"
	is "it is mounted" test -d "$M/$pid"
}

# The daemon is gone, the program goes on, nothing is left of the mount; the next daemon shows all.
ended_well() # TEXT
{
	is "$1: the daemon ends" until_true 60 daemon_gone
	left=$(ours_mounted)
	same "$1: no mount is left" "$left" 0
	: >"$WORK/more"
	is "$1: the program goes on" until_true 60 test -e "$WORK/twice"
	mkdir -p "$M"
	is "$1: a new daemon" serve
	exact "$1" 600
	row "the mount point is $1" "1 mount" "the daemon ends, nothing stays mounted, no event is lost" \
		"$left left mounted; of 600 events $(stat_of readable) readable, $(stat_of consumed) read before"
	calm "$1"
	murder "$pid"
	finished
	rm -f "$WORK/more" "$WORK/written" "$WORK/twice"
}

refused() # TEXT WORDS MOUNT
{
	fasttracefs "$3" 2>"$ERR" && code=0 || code=$?
	same "$1: refused" "$code" 1
	has "$1: and told why" "$2"
	same "$1: no mount" "$(ours_mounted)" 0
}

: >"$WORK/file"
refused "no directory" "Not a directory" "$WORK/file"
refused "not there" "No such directory" "$WORK/none"

: >"$M/inside"
is "a directory that is not empty" serve
unmount
is "has its file again" test -e "$M/inside"
rm "$M/inside"

begin
mv "$IN" "$WORK/renamed"
kill -TERM "$daemon"
until_true 20 daemon_gone || :
mv "$WORK/renamed" "$IN"
ended_well "renamed with its parent, then SIGTERM"

begin
mkdir "$WORK/elsewhere"
mount --make-private "$(stat -c %m "$IN")" 2>/dev/null || :
mount --move "$M" "$WORK/elsewhere"
kill -TERM "$daemon"
ended_well "moved elsewhere, then SIGTERM"

begin
unshare --mount --propagation private sh -c 'umount -l "$1" && rmdir "$1"' sh "$M"
ended_well "removed in another namespace"

begin
waiting >/dev/null
echo 1 >"$WORK/connections/$minor/abort"
ended_well "cut off by the abort of its connection"

# Covered: what covers it is not ours to take away.
begin
mount -t tmpfs cover "$M"
: >"$M/theirs"
kill -TERM "$daemon"
is "covered: the daemon ends" until_true 60 daemon_gone
is "covered: what covers it stays" test -e "$M/theirs"
umount "$M" 2>/dev/null || :
fusermount3 -u -z "$M" 2>/dev/null || :
ended_well "covered, then SIGTERM"

# With readers inside.
begin
program_pid=$pid
start sh -c 'exec cat "$1" >"$2"' sh "$M/$pid/threads/$pid/stream" "$WORK/streamed"
reader=$pid pid=$program_pid
inside()
{
	[ -n "$(find "/proc/$reader/fd" -lname '*/stream')" ]
}
await inside
umount -l "$M"
: >"$WORK/more"
is "a reader inside a mount that was unmounted lazily reads on" \
	await test -s "$WORK/streamed"
is "and its daemon lives" kill -0 "$daemon"
kill -KILL "$reader"
is "when it goes, so does the daemon" until_true 60 daemon_gone
ended_well "unmounted lazily with a reader inside"

# Unmounted while it cannot look: by then another filesystem has the number that its mount had.
number_of() # MOUNT
{
	awk -v d="$1" '$5 == d { print $3 }' /proc/self/mountinfo
}

number_again() # WHAT COMMAND...: it mounts what its last argument names
{
	what=$1
	shift
	begin
	number=$(number_of "$M")
	kill -STOP "$daemon"
	umount -l "$M"
	i=0 again=
	while [ "$again" != "$number" ] && [ "$i" -lt 30 ]; do
		i=$((i + 1)) other=$WORK/other.$i
		mkdir -p "$other"
		FASTTRACE_DIR=$FASTTRACE_DIR.$i "$@" "$other"
		again=$(number_of "$other")
	done
	same "$what gets the number of the mount" "$again" "$number"
	kill -CONT "$daemon"
	await daemon_gone
	same "which stays mounted" "$(number_of "$other")" "$number"
	while [ "$i" -gt 0 ]; do
		! mountpoint -q "$WORK/other.$i" || umount -l "$WORK/other.$i"
		rm -rf "$FASTTRACE_DIR.$i"
		i=$((i - 1))
	done
	ended_well "unmounted, and $what has its number, when the daemon looks"
}
number_again "another filesystem" mount -t tmpfs cover
number_again "another daemon's mount" fasttracefs

# The directory of arenas. What was opened in it goes on; what comes later finds a new one.
directory() # renamed|removed COMMAND...
{
	how=$1
	shift
	begin
	"$@"
	: >"$WORK/more"
	is "$how arenas: the program goes on" until_true 60 test -e "$WORK/twice"
	exact "$how arenas" 600
	same "$how arenas: all of it is read" "$(read_back)" 600
	"$act" write 10 exit 5 2>"$WORK/said" && code=0 || code=$?
	same "$how arenas: another program runs" "$code" 5
	same "and has nothing to say" "$(wc -c <"$WORK/said")" 0
	calm "$how arenas"
	row "the directory of arenas is $how while it is served" "600 events, half of them then" \
		"the program and its readers go on; a new daemon serves the new directory" \
		"$(read_back) of 600 read"
	murder "$pid"
	fusermount3 -u "$M"
	await daemon_gone
	act write 10 stay
	is "$how arenas: a new daemon" serve
	await test -d "$M/$pid/threads"
	same "serves the new directory" "$(read_back)" 10
	murder "$pid"
	finished
	rm -rf "$WORK/aside" "$WORK/more" "$WORK/written" "$WORK/twice"
}

directory renamed mv "$FASTTRACE_DIR" "$FASTTRACE_DIR-aside"
same "a renamed directory can be served by its new name" \
	"$(fasttracefs --dir "$FASTTRACE_DIR-aside" "$M" && cat "$M"/[0-9]*/stats | awk '$1 == "readable" { print $2 }')" 600
fusermount3 -u "$M"
FASTTRACE_DIR=$FASTTRACE_DIR-aside unmount
rm -rf "$FASTTRACE_DIR-aside"
directory removed rm -rf "$FASTTRACE_DIR"
conclude
