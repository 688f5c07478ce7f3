#!/bin/sh
# SPDX-License-Identifier: MIT
# directory.sh - bob prepares the place where alice's arenas are to be: his directory, a link, a
# fifo, a directory that is open to all, a lock that is another file of hers. Nothing of hers goes
# there, nothing of hers is changed; her program ends as it would; both say why, in one line.
. "$(dirname "$0")/lib.sh"

HOME_OF_ALICE=$STAGE/alice
PRECIOUS=$HOME_OF_ALICE/precious
TRAP=$STAGE/bob/trap # all may write there
tracer_tries=0 daemon_tries=0 lock_tries=0 mount_tries=0 place=
victim=alice

as alice sh -c "echo precious >'$PRECIOUS'; chmod 600 '$PRECIOUS'; mkdir -m 700 '$HOME_OF_ALICE/mail'"
as bob mkdir -m 777 "$TRAP"
chmod 777 "$TRAP"

# What all of bob's places and alice's own files look like, and what lies at $place.
state()
{
	find "$STAGE/bob" "$HOME_OF_ALICE" ${place:+"$place"} -path "$M" -prune -o \
		-printf '%p %y %m %U %s %n %l\n' | sort
	cat "$PRECIOUS"
}

unchanged() # TEXT: since $before
{
	same "$1: nothing was written there, nothing of hers was changed" "$(state)" "$before"
}

# Under timeout: a fifo must not make anybody wait.
program_fails_closed() # TEXT [NAME=VALUE...]
{
	name=$1
	shift
	tracer_tries=$((tracer_tries + 1))
	as "$victim" timeout 20 env "$@" program end exit 7 2>"$ERR" >/dev/null && code=0 || code=$?
	same "$name: the program ends as it does" "$code" 7
	same "$name: one line on stderr" "$(wc -l <"$ERR")" 1
	has "$name: that says so" "not traced"
}

daemon_fails_closed() # TEXT WORDS [NAME=VALUE...] -- FASTTRACEFS-ARGUMENTS...
{
	name=$1 words=$2
	shift 2
	daemon_tries=$((daemon_tries + 1))
	as "$victim" timeout 20 env "$@" 2>"$ERR" >/dev/null && code=0 || code=$?
	same "$name: fasttracefs exits" "$code" 1
	same "$name: one line on stderr" "$(wc -l <"$ERR")" 1
	has "$name: that names it" "$words"
	if mounted; then
		count 'not ok' "$name: mounted"
		fusermount3 -u "$M"
	fi
}

# One bad place: by both ways to name it, for the tracer and for all that fasttracefs does.
place() # TEXT WORDS PATH
{
	text=$1 words=$2 place=$3
	before=$(state)
	case $place in
	/dev/shm/fasttrace-*) set -- FASTTRACE=on ;;
	*) set -- "FASTTRACE_DIR=$place" ;;
	esac
	program_fails_closed "$text" "$@"
	program_fails_closed "$text, block mode" "$@" FASTTRACE_MODE=block
	daemon_fails_closed "$text" "$words" "$@" fasttracefs "$M"
	daemon_fails_closed "$text, for a program" "$words" "$@" \
		fasttracefs "$M" -- program end exit 7
	daemon_fails_closed "$text, --dir" "$words" fasttracefs --dir "$place" "$M"
	unchanged "$text"
	place=
}

for path in "$DIR" "$TRAP/arenas" "$STAGE/alice/arenas"; do
	here="as ${path#/dev/shm/}"
	maker=bob
	case $path in "$HOME_OF_ALICE"*) maker=alice ;; esac
	for mode in 700 755 777; do
		[ "$maker" = bob ] || break
		as bob mkdir -m "$mode" "$path"
		place "$here, bob's directory of mode $mode" "$path" "$path"
		as bob rmdir "$path"
	done
	for mode in 0777 0770 0710 1777; do
		as alice mkdir "$path"
		as alice chmod "$mode" "$path"
		place "$here, her directory of mode $mode" "expected 0700" "$path"
		as alice rmdir "$path"
	done
	for target in "$TRAP" "$HOME_OF_ALICE/mail" "$HOME_OF_ALICE" "$TRAP/none" "$PRECIOUS" \
		"$path" /; do
		as "$maker" ln -s "$target" "$path"
		place "$here, a link to $target" "no symbolic link" "$path"
		as "$maker" rm "$path"
	done
	as "$maker" mkfifo -m 666 "$path"
	place "$here, a fifo" "expected a directory" "$path"
	as "$maker" rm "$path"
	as "$maker" sh -c "echo bob >'$path'"
	place "$here, a file" "expected a directory" "$path"
	as "$maker" rm "$path"
done

# To root every directory opens: there the owner alone tells.
victim=root
as bob mkdir -m 700 /dev/shm/fasttrace-0 "$TRAP/roots"
place "root's default, bob's directory of mode 700" "belongs to user $BOB" /dev/shm/fasttrace-0
place "root's, bob's directory of mode 700" "belongs to user $BOB" "$TRAP/roots"
as bob rmdir /dev/shm/fasttrace-0
as bob ln -s "$TRAP/roots" /dev/shm/fasttrace-0
place "root's default, a link to bob's directory" "no symbolic link" /dev/shm/fasttrace-0
as bob rm /dev/shm/fasttrace-0
as bob rmdir "$TRAP/roots"
victim=alice

place_broken=$failures place_tries=$daemon_tries

# Her own directory, of mode 0700 by now; but what lies in it was put there before.
fresh()
{
	rm -rf "$DIR"
	as alice mkdir -m 700 "$DIR"
}

# The lock's name is taken: no daemon; programs record all the same.
lock_is_refused() # TEXT
{
	lock_tries=$((lock_tries + 1))
	before=$(state)
	daemon_fails_closed "$1" "$DIR/.lock" fasttracefs "$M"
	as alice timeout 20 program end exit 7 2>"$ERR" && code=0 || code=$?
	same "$1: the program ends as it does" "$code" 7
	same "$1: and has nothing to say" "$(cat "$ERR")" ''
	unchanged "$1"
	daemon_fails_closed "$1, for a program" "$DIR/.lock" fasttracefs "$M" -- program end exit 7
	unchanged "$1, for a program"
}

fresh
as alice ln -s "$PRECIOUS" "$DIR/.lock"
lock_is_refused "a lock that is a link to a file of hers"
fresh
as alice ln -s "$TRAP/lock" "$DIR/.lock"
lock_is_refused "a lock that is a link to nothing, at bob's"
fresh
as alice mkfifo "$DIR/.lock"
lock_is_refused "a lock that is a fifo"
fresh
as alice mkdir "$DIR/.lock"
lock_is_refused "a lock that is a directory"
fresh
as alice ln "$PRECIOUS" "$DIR/.lock"
lock_is_refused "a lock that is a second name of a file of hers"
fresh
: >"$DIR/.lock"
chown "$BOB" "$DIR/.lock"
chmod 666 "$DIR/.lock"
lock_is_refused "bob's file as lock"
echo "1 $STAGE/bob" >"$DIR/.lock"
user hold "$DIR/.lock" >"$WORK/held" &
held=$!
pids="$pids $held"
until_true 10 grep -q held "$WORK/held"
lock_is_refused "bob's file as lock, and bob holds it"
FASTTRACE_MOUNT=$M as alice timeout 20 program end exit 7 2>"$ERR" && code=0 || code=$?
same "and a program that mounts ends as it does" "$code" 7
has "it does not take bob for a daemon of hers" "but not mounted"
murder "$held"
lock_broken=$((failures - place_broken))

# A link further up leads to a directory of hers: there it is as good as anywhere.
as bob ln -s "$HOME_OF_ALICE" "$TRAP/home"
as alice mkdir -m 700 "$HOME_OF_ALICE/arenas"
as alice env FASTTRACE_DIR="$TRAP/home/arenas" sh -c "ulimit -c 0; exec program end abort" \
	2>/dev/null || :
same "a link further up, to a directory of hers: it is recorded there" \
	"$(find "$HOME_OF_ALICE/arenas" -type f -user "$ALICE" -perm 600 | wc -l)" 1
same "and nothing lies at bob's" "$(find "$STAGE/bob" -user "$ALICE" | wc -l)" 0

# The mount point.
fresh
as alice ln -s "$TRAP" "$STAGE/alice/to-bob"
for mount in "$STAGE/bob" "$PRECIOUS" "$TRAP/none" /root; do
	before=$(state)
	mount_tries=$((mount_tries + 1))
	FASTTRACE_MOUNT=$mount as alice timeout 20 program end exit 7 2>"$ERR" && code=0 || code=$?
	same "FASTTRACE_MOUNT=$mount: the program ends as it does" "$code" 7
	has "FASTTRACE_MOUNT=$mount: and is recorded, but not mounted" "but not mounted"
	unchanged "FASTTRACE_MOUNT=$mount"
done
FASTTRACE_MOUNT=$STAGE/alice/to-bob as alice program end exit 7 2>"$ERR" && code=0 || code=$?
mount_tries=$((mount_tries + 1))
same "a link to bob's folder that all may write to: the program ends as it does" "$code" 7
if grep -q " $TRAP fuse" /proc/self/mounts; then
	refused EACCES bob list "$TRAP"
	refused EACCES bob read "$TRAP/README"
	as alice fusermount3 -u "$TRAP"
fi

row "a bad place for the arenas: of another user, open to others, a link, a fifo, a file" \
	"$tracer_tries programs, $place_tries starts of fasttracefs" \
	"nothing is written; the program ends as it would; one line says why" \
	"$place_broken checks failed"
row "the lock of the arena directory is a link, a fifo, another file, another user's" \
	"$lock_tries kinds" "no daemon; the file is not touched" "$lock_broken checks failed"
row "FASTTRACE_MOUNT is another user's, a file, missing, a link to what another user opened to all" \
	"$mount_tries places" "the program ends as it would; no other user reads what is mounted" \
	"$((failures - place_broken - lock_broken)) checks failed"
conclude
