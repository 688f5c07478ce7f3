#!/bin/sh
# SPDX-License-Identifier: MIT
# errno.sh - what every operation says on every kind of node, by a table; where procfs and tracefs
# have the same operation, it is what they say.
# shellcheck disable=SC2012,SC2015,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

operate=$BUILD/tests/mount/errno
user=$(id -u)
FASTTRACE_SUBBUF_SIZE=4096 FASTTRACE_SUBBUFS=8 FASTTRACE_MODE=discard
export FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS FASTTRACE_MODE
serve
start "$program" stay "$WORK/counts" 2 1000
until_true 10 sh -c "grep -qx 'begun 2000' '$M/$pid/stats'"
P=$M/$pid
T=$(ls -d "$P"/threads/* | head -n 1)
mkdir "$OUT"
: >"$OUT/file"

# The columns: folders that nothing is removed from, those that something is, files that show, that
# are written to, that stream, and that are frozen.
kept="$P $P/events $P/events/test $P/events/test/tick $P/threads $T"
given="$M $P/snapshot $T/subbuf"
shown="$M/README $P/comm $P/exe $P/cmdline $P/state $P/stats $P/ctf-metadata
	$P/events/test/tick/format $P/events/test/tick/id $T/name $T/state $T/stats"
written="$M/control $M/tracing_on $M/error_log $P/marker $P/control $P/tracing_on $P/error_log $P/mode
	$P/clock $P/subbuf_size $P/subbufs $P/trace $P/events/enable $P/events/test/enable $P/events/test/tick/enable
	$T/control"
streams="$P/trace_pipe $T/stream $T/drain"
frozen="$T/subbuf/$(ls "$T/subbuf" | head -n 1) $P/snapshot/metadata $P/snapshot/${T##*/}"

# OPERATION PATH OTHER, and what is expected: a table's word is ERRNO, or ROOT'S/ANYBODY'S, or - for
# what is not tried.
row_expand() # OPERATION SIX-WORDS
{
	operation=$1
	shift
	for column in "$kept" "$given" "$shown" "$written" "$streams" "$frozen"; do
		word=$1
		shift
		[ "$word" != - ] || continue
		[ "$user" = 0 ] && word=${word%/*} || word=${word#*/}
		for path in $column; do
			case $operation in
			create-new | mkdir | mkfifo | symlink) echo "$operation $path/new $OUT/file $word" ;;
			link | rename-to) echo "$operation $path $M/new $word" ;;
			*) echo "$operation $path $OUT/file $word" ;;
			esac
		done
	done
}

# operation      kept          given    shown         written       streams       frozen
while read -r line; do
	# shellcheck disable=SC2086 # words
	row_expand $line
done >"$WORK/wanted" <<-X
	open-read        0             0        0             0             0             0
	open-write       EISDIR        EISDIR   EACCES        0             EACCES        EACCES
	open-both        EISDIR        EISDIR   EACCES        0             EACCES        EACCES
	open-append      EISDIR        EISDIR   EACCES        0             EACCES        EACCES
	open-direct      EINVAL        EINVAL   0             0             0             0
	open-sync        0             0        0             0             0             0
	open-truncate    EISDIR        EISDIR   EACCES        -             EACCES        EACCES
	open-directory   0             0        ENOTDIR       ENOTDIR       ENOTDIR       ENOTDIR
	open-path        0             0        0             0             0             0
	opendir          0             0        ENOTDIR       ENOTDIR       ENOTDIR       ENOTDIR
	list-self        0             -        ENOTDIR       ENOTDIR       ENOTDIR       ENOTDIR
	create           EISDIR        EISDIR   EACCES        0             EACCES        EACCES
	create-new       EPERM/EACCES  EPERM    ENOTDIR       ENOTDIR       ENOTDIR       ENOTDIR
	tmpfile          EOPNOTSUPP/EACCES EOPNOTSUPP ENOTDIR ENOTDIR       ENOTDIR       ENOTDIR
	read             EISDIR        EISDIR   0             0             0             0
	read-write-only  EISDIR        EISDIR   EACCES        EBADF         EACCES        EACCES
	write-read-only  EBADF         EBADF    EBADF         EBADF         EBADF         EBADF
	lseek            0             0        0             0             ESPIPE        0
	pread            EISDIR        EISDIR   0             0             ESPIPE        0
	pwrite           EISDIR        EISDIR   EACCES        -             EACCES        EACCES
	truncate         EISDIR        EISDIR   EACCES        -             EACCES        EACCES
	truncate-to-5    EISDIR        EISDIR   EACCES        0             EACCES        EACCES
	ftruncate-to-5   EISDIR        EISDIR   EACCES        0             EACCES        EACCES
	fallocate        EISDIR        EISDIR   EACCES        EOPNOTSUPP    EACCES        EACCES
	punch-hole       EISDIR        EISDIR   EACCES        EOPNOTSUPP    EACCES        EACCES
	copy-file-range  EISDIR        EISDIR   EACCES        EXDEV         EACCES        EACCES
	mmap-shared      ENODEV        ENODEV   ENODEV        ENODEV        ENODEV        ENODEV
	mmap-write       EISDIR        EISDIR   EACCES        ENODEV        EACCES        EACCES
	mmap-private     ENODEV        ENODEV   -             -             -             0
	flock            0             0        0             0             0             0
	fcntl-lock       0             0        0             0             0             0
	ioctl-tcgets     ENOTTY        ENOTTY   ENOTTY        ENOTTY        ENOTTY        ENOTTY
	fsync            0             0        0             0             0             0
	fadvise          0             0        0             0             -             0
	poll             0             0        0             0             0             0
	mkdir            EPERM/EACCES  EPERM    ENOTDIR       ENOTDIR       ENOTDIR       ENOTDIR
	mkfifo           EPERM/EACCES  EPERM    ENOTDIR       ENOTDIR       ENOTDIR       ENOTDIR
	symlink          EPERM/EACCES  EPERM    ENOTDIR       ENOTDIR       ENOTDIR       ENOTDIR
	link             EPERM         EPERM    EPERM         EPERM         EPERM         EPERM
	chmod            EPERM         EPERM    EPERM         EPERM         EPERM         EPERM
	chown            EPERM         EPERM    EPERM         EPERM         EPERM         EPERM
	utimens          0             0        0             0             0             0
	setxattr         EOPNOTSUPP/EACCES EOPNOTSUPP EOPNOTSUPP/EACCES EOPNOTSUPP EOPNOTSUPP/EACCES EOPNOTSUPP/EACCES
	getxattr         EOPNOTSUPP    EOPNOTSUPP EOPNOTSUPP  EOPNOTSUPP    EOPNOTSUPP    EOPNOTSUPP
	listxattr        EOPNOTSUPP    EOPNOTSUPP EOPNOTSUPP  EOPNOTSUPP    EOPNOTSUPP    EOPNOTSUPP
	statfs           0             0        0             0             0             0
	access-read      0             0        0             0             0             0
	access-write     0/EACCES      0        0/EACCES      0             0/EACCES      0/EACCES
	access-execute   0             0        EACCES        EACCES        EACCES        EACCES
X
# What depends on where the name stands. Of subbuf/, rm takes a name away: subbuf.sh.
[ "$user" = 0 ] && in_kept=EPERM || in_kept=EACCES
cat >>"$WORK/wanted" <<-X
	unlink $M/README $M EPERM
	unlink $M/control $M EPERM
	unlink $P/trace $M $in_kept
	unlink $P/trace_pipe $M $in_kept
	unlink $P/marker $M $in_kept
	link $P/marker $M/new EPERM
	unlink $P/subbufs $M $in_kept
	unlink $P/events/enable $M $in_kept
	unlink $P/events/test/tick/id $M $in_kept
	unlink $P/snapshot/metadata $M EPERM
	unlink $T/stream $M $in_kept
	unlink $P $M EISDIR
	unlink $M/none $M ENOENT
	unlink $T/subbuf/00000000000000099999 $M ENOENT
	unlink $T/subbuf/1 $M ENOENT
	list-self $P/snapshot $M 0
	list-self $T/subbuf $M 0
	rmdir $M $M EBUSY
	rmdir $P $M EBUSY
	rmdir $P/events $M $in_kept
	rmdir $P/snapshot $M $in_kept
	rmdir $P/threads $M $in_kept
	rmdir $T $M $in_kept
	rmdir $T/subbuf $M $in_kept
	rmdir $M/README $M ENOTDIR
	rmdir $T/subbuf/$(ls "$T/subbuf" | head -n 1) $M ENOTDIR
	rmdir $M/1 $M ENOENT
	rename-to $M/README $M/new EPERM
	rename-to $M/README $M/control EPERM
	rename-to $P $M/new EPERM
	rename-to $P/comm $P/exe $in_kept
	rename-to $P/snapshot/metadata $P/snapshot/new EPERM
	rename-to $M/README $OUT/README EXDEV
	rename-from $M/README $OUT/file EXDEV
	create $M/none $M EPERM
	create $P/none $M $in_kept
	create $T/subbuf/00000000000000099999 $M EPERM
	open-read $M/none $M ENOENT
	open-read $M/$pid.1 $M ENOENT
	open-read $M/0$pid $M ENOENT
	open-read $P/none $M ENOENT
	open-read $P/events/none $M ENOENT
	open-read $P/snapshot/none $M ENOENT
	open-read $P/threads/1 $M ENOENT
	open-read $T/subbuf/0 $M ENOENT
	open-read $M/README/none $M ENOTDIR
X
cut -d ' ' -f 1-3 "$WORK/wanted" | "$operate" >"$WORK/got"
cut -d ' ' -f 1,2,4 "$WORK/wanted" | sed "s|$WORK/mnt||" >"$WORK/a"
sed "s|$WORK/mnt||" "$WORK/got" >"$WORK/b"
is "more than 1500 combinations were tried" test "$(wc -l <"$WORK/b")" -gt 1500
is "each says what it should: < expected, > found" diff "$WORK/a" "$WORK/b"
same "and nothing was consumed" "$(sed -n 's/^consumed //p' "$P/stats")" 0

# A second consumer of any kind, as long as one has begun and not ended. (Of subbuf/N: subbuf.sh.)
hand=$(ls "$T/subbuf" | head -n 1)
for first in stream drain ../../trace_pipe; do
	exec 5<"$T/$first"
	is "${first##*/} is read" timeout 20 head -c 1 <&5
	for second in stream drain "subbuf/$hand" ../../trace_pipe; do
		isnt "${first##*/} is read: ${second##*/}" timeout 20 head -c 1 "$T/$second"
		has "is refused" "Device or resource busy"
	done
	is "${first##*/} is read: snapshot is not refused" cat "$P/snapshot/${T##*/}"
	exec 5<&-
done
is "and once it is closed, it is free" until_true 10 sh -c "cat '$T/drain' >'$WORK/rest'"
unmount
conclude
