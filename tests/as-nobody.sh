#!/bin/sh
# SPDX-License-Identifier: MIT
# as-nobody.sh [-r] COMMAND... - runs it as an unprivileged user; for root. -r: stays root, in a
# mount namespace of its own, for a test that has users of its own there.
#
# Where /dev/fuse opens for root alone, as in some containers, COMMAND gets a mount namespace in
# which it opens for everybody, as it does on an ordinary system. The system's own is not changed.
set -eu

user='setpriv --reuid=65534 --regid=65534 --clear-groups'

if [ "$1" = -r ]; then
	user=
	shift
elif $user sh -c ': <>/dev/fuse' 2>/dev/null || ! (: <>/dev/fuse) 2>/dev/null; then
	# shellcheck disable=SC2086 # words
	exec $user "$@"
fi
# shellcheck disable=SC2016 # for the inner shell
exec unshare --mount --propagation private sh -euc '
	user=$1
	shift
	numbers=$(stat -c "0x%t 0x%T" /dev/fuse)
	dev=$(mktemp -d)
	mount -t tmpfs -o mode=755 fasttrace-test "$dev"
	mknod -m 666 "$dev/fuse" c $numbers
	mount --bind "$dev/fuse" /dev/fuse
	umount -l "$dev"
	rmdir "$dev"
	exec $user "$@"
' sh "$user" "$@"
