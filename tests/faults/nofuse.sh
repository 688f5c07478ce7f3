#!/bin/sh
# SPDX-License-Identifier: MIT
# nofuse.sh - no /dev/fuse, none that opens, no fusermount3: each start says what is missing, leaves
# nothing, and a program goes on recording.
# shellcheck disable=SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

# In a namespace where /dev/fuse and fusermount3 are as HOW says. $SAID: stderr.
without() # HOW COMMAND...
{
	how=$1
	shift
	unshare --mount --propagation private sh -c '
		cd "$1"
		how=$2
		shift 2
		case $how in
		missing)
			mkdir -p dev
			mount -t tmpfs fasttrace-test dev
			for node in null zero random urandom shm pts; do
				if [ -d "/dev/$node" ]; then
					mkdir "dev/$node" && mount --bind "/dev/$node" "dev/$node"
				else
					: >"dev/$node" && mount --bind "/dev/$node" "dev/$node"
				fi
			done
			mount --rbind dev /dev
			;;
		"no driver behind it") # the device of a kernel without FUSE: nobody answers behind it
			mknod nothing c 10 254
			mount --bind nothing /dev/fuse
			;;
		"no fusermount3") mount --bind /dev/null "$(command -v fusermount3)" ;;
		esac
		exec "$@"' sh "$WORK" "$how" "$@" 2>"$SAID"
}

# Did what was said name it?
names() # HOW WORDS
{
	is "$1: and names it: $2" grep -q "$2" "$SAID"
	! grep -q "$2" "$SAID" || named=$((named + 1))
}

starts() # HOW WORDS
{
	SAID=$WORK/said named=0
	without "$1" fasttracefs "$M" && code=0 || code=$?
	same "$1: fasttracefs M fails" "$code" 1
	names "$@"
	is "$1: in a line or two" test "$(wc -l <"$SAID")" -le 2
	isnt "$1: nobody serves" served
	without "$1" fasttracefs "$M" -- "$act" touch "$WORK/ran" && code=0 || code=$?
	same "$1: fasttracefs M -- PROGRAM fails" "$code" 1
	names "$@"
	isnt "$1: and does not run PROGRAM unseen" test -e "$WORK/ran"
	same "$1: and leaves no directory" "$(find "$FASTTRACE_DIR" -mindepth 1 -name '*run-*')" ""
	without "$1" env FASTTRACE_MOUNT="$M" "$act" write 100 touch "$WORK/wrote" exit 3 && code=0 || code=$?
	same "$1: FASTTRACE_MOUNT=M PROGRAM runs; its exit status is its own" "$code" 3
	is "$1: and it is told" grep -q 'events are recorded, but not mounted' "$SAID"
	names "$@"
	act write 100 abort 2>/dev/null
	wait "$pid" 2>/dev/null || :
	is "$1: what it records is there for the next daemon" serve
	exact "$1" 100
	same "$1: and is read" "$(read_back)" 100
	row "/dev/fuse: $1" "3 starts, 1 daemon later" \
		"each says what is missing, and leaves nothing; programs record" \
		"named $named times; $(stat_of readable) of 100 events read later"
	calm "$1"
	finished
	left_nothing "$1"
	rm -f "$WORK/ran" "$WORK/wrote"
}

served()
{
	! unserved
}

starts missing '/dev/fuse'
starts "no driver behind it" '/dev/fuse'

# An ordinary user's mount goes through fusermount3.
nobody()
{
	mkdir "$WORK/bin" "$WORK/nobody" "$WORK/nobody/mnt"
	mkdir -m 700 "$WORK/nobody/arenas"
	cp "$BUILD/fasttracefs" "$act" "$WORK/bin"
	chown -R 65534:65534 "$WORK/nobody"
	SAID=$WORK/said
	FASTTRACE_DIR=$WORK/nobody/arenas PATH=$WORK/bin:$PATH without "no fusermount3" \
		"$(realpath "$(dirname "$0")/../as-nobody.sh")" fasttracefs "$WORK/nobody/mnt" && code=0 || code=$?
	named=0
	same "no fusermount3: fasttracefs M fails" "$code" 1
	names "no fusermount3" fusermount3
	FASTTRACE_DIR=$WORK/nobody/arenas PATH=$WORK/bin:$PATH without "no fusermount3" \
		"$(realpath "$(dirname "$0")/../as-nobody.sh")" env FASTTRACE_MOUNT="$WORK/nobody/mnt" \
		helper_program write 10 exit 3 && code=0 || code=$?
	same "a program runs all the same" "$code" 3
	is "and is told" grep -q 'events are recorded, but not mounted' "$SAID"
	names "no fusermount3" fusermount3
	row "fusermount3 cannot be run, as an ordinary user" "2 starts" \
		"named; the program runs and records" "named $named times, exit status $code of 3"
}

[ "$(tr -s " " </proc/self/uid_map)" != " 0 0 4294967295" ] || nobody
PATH=/nowhere FASTTRACE_MOUNT=$M "$act" write 10 exit 3 2>"$WORK/said" && code=0 || code=$?
same "no fasttracefs in PATH: the program's exit status" "$code" 3
is "and that is said" grep -q 'fasttracefs is not in PATH' "$WORK/said"
conclude
