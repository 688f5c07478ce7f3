#!/bin/sh
# SPDX-License-Identifier: MIT
# nofuse.sh - no /dev/fuse, none that opens, no fusermount3 or one that can do nothing, no right to
# mount: each start says what is missing and what goes on without, leaves nothing, and a program goes
# on recording.
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
		"no fusermount3")
			mkdir -p without && mount -t tmpfs fasttrace-test without && mkdir without/real without/bin
			mount --bind /usr/bin without/real
			for program in without/real/*; do
				[ "${program##*/}" = fusermount3 ] || ln -s "$PWD/$program" without/bin/
			done
			mount --bind without/bin /usr/bin
			[ /bin -ef without/bin ] || mount --bind without/bin /bin
			;;
		"a fusermount3 that is not set-user-id")
			cp "$(command -v fusermount3)" helper && chmod 755 helper
			mount --bind helper "$(command -v fusermount3)"
			;;
		"a fusermount3 on a nosuid filesystem")
			mount --bind /usr/bin /usr/bin && mount -o remount,bind,nosuid /usr/bin
			;;
		esac
		exec "$@"' sh "$WORK" "$how" "$@" 2>"$SAID"
}

# Did what was said name it?
names() # HOW WORDS
{
	is "$1: and names it: $2" grep -q "$2" "$SAID"
	! grep -q "$2" "$SAID" || named=$((named + 1))
}

# And what can be done without a mount?
goes_on() # HOW
{
	is "$1: and says where programs record, and who reads that" grep -qxF "fasttracefs: programs record \
without a mount, in files in $FASTTRACE_DIR: libfasttrace-reader reads them, and so does the \`fasttrace\` \
command where it is installed" "$SAID"
}

starts() # HOW WORDS
{
	SAID=$WORK/said named=0
	without "$1" fasttracefs "$M" && code=0 || code=$?
	same "$1: fasttracefs M fails" "$code" 1
	names "$@"
	is "$1: in a line or two" test "$(wc -l <"$SAID")" -le 2
	goes_on "$1"
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

starts missing '^fasttracefs: /dev/fuse: No such file or directory: expected FUSE in the kernel (modprobe fuse)'
starts "no driver behind it" '^fasttracefs: /dev/fuse: .*expected .* in a container the device (--device /dev/fuse)$'

# Root that may not mount: in a container.
without "no right" setpriv --bounding-set=-sys_admin fasttracefs "$M" && code=0 || code=$?
same "no right to mount: fasttracefs M fails" "$code" 1
names "no right to mount" "^fasttracefs: $M: cannot be mounted on: expected the right to mount, CAP_SYS_ADMIN: \
in a container --cap-add SYS_ADMIN --device /dev/fuse$"
goes_on "no right to mount"
isnt "no right to mount: nobody serves" served
without "no right" setpriv --bounding-set=-sys_admin fasttracefs "$M" -- "$act" touch "$WORK/ran" && code=0 || code=$?
same "no right to mount: fasttracefs M -- PROGRAM fails" "$code" 1
isnt "no right to mount: and does not run PROGRAM unseen" test -e "$WORK/ran"
goes_on "no right to mount, for PROGRAM"
same "no right to mount: and leaves no directory" "$(find "$FASTTRACE_DIR" -mindepth 1 -name '*run-*')" ""

# An ordinary user's mount goes through fusermount3.
user_starts() # HOW WORDS [COMMAND...]: that it is started with
{
	how=$1 words=$2
	shift 2
	as_nobody=$(realpath "$(dirname "$0")/../as-nobody.sh")
	without "$how" "$as_nobody" "$@" fasttracefs "$NOBODY/mnt" && code=0 || code=$?
	named=0
	same "$how: fasttracefs M fails" "$code" 1
	names "$how" "^fasttracefs: $NOBODY/mnt: cannot be mounted on: $words"
	goes_on "$how"
	without "$how" "$as_nobody" "$@" env FASTTRACE_MOUNT="$NOBODY/mnt" \
		helper_program write 10 exit 3 && code=0 || code=$?
	same "$how: a program runs all the same" "$code" 3
	is "$how: and is told" grep -q 'events are recorded, but not mounted' "$SAID"
	names "$how" fusermount3
	row "$how, as an ordinary user" "2 starts" "named; the program runs and records" \
		"named $named times, exit status $code of 3"
}

nobody()
{
	NOBODY=$WORK/nobody
	mkdir "$WORK/bin" "$NOBODY" "$NOBODY/mnt"
	mkdir -m 700 "$NOBODY/arenas"
	cp "$BUILD/fasttracefs" "$act" "$WORK/bin"
	chown -R 65534:65534 "$NOBODY"
	root_dir=$FASTTRACE_DIR FASTTRACE_DIR=$NOBODY/arenas PATH=$WORK/bin:$PATH
	user_starts "no fusermount3" "expected fusermount3 in PATH: it comes with FUSE, as package fuse3$"
	user_starts "a fusermount3 that is not set-user-id" "expected fusermount3 to be set-user-id root$"
	user_starts "a fusermount3 on a nosuid filesystem" "expected fusermount3 to be set-user-id root$"
	user_starts "no_new_privs" "no_new_privs is set, so that fusermount3 cannot become root" \
		setpriv --no-new-privs
	FASTTRACE_DIR=$root_dir
}

[ "$(tr -s " " </proc/self/uid_map)" != " 0 0 4294967295" ] || nobody
PATH=/nowhere FASTTRACE_MOUNT=$M "$act" write 10 exit 3 2>"$WORK/said" && code=0 || code=$?
same "no fasttracefs in PATH: the program's exit status" "$code" 3
is "and that is said" grep -q 'fasttracefs is not in PATH' "$WORK/said"
conclude
