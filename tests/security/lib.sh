# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# lib.sh - a stage for the tests of who may do what: real users, who see the same mounts.
#
#   ALICE BOB     user ids that own nothing else; she traces and mounts, he attacks
#   as USER CMD...              runs it as alice, bob, root, or powerful: bob, whom the kernel lets
#                               pass where modes forbid it (CAP_DAC_OVERRIDE); or member: bob, in
#                               alice's group
#   become USER CMD...          the same in place of the shell: `become bob CMD... &`, its pid is $!
#   STAGE         a folder in a /dev/shm of the test's own (mode 1777), open to all
#     bin/          fasttracefs, program, user: copies that everybody may run
#     alice/ bob/   their homes, which others may enter
#   DIR           alice's usual arena directory, which fasttracefs takes without --dir
#   M             alice's mount point
#   refused ERRNOS USER OP TARGET...   helper_user.c's `try` fails with one of them: 'EACCES EPERM'
#   allowed USER OP TARGET...          it works: what is refused to one is no empty promise
#   $attempts     how many refused has tried       $breaches   how many of them were not refused
#
# As root every check of permissions is vacuous, so nothing here is tried as root alone. All is in a
# mount namespace of its own, where /dev/fuse opens for everybody and fuse.conf and passwd are the
# test's.
set -eu

skip()
{
	echo "$1"
	exit 77
}

if [ "${STAGE_SET-}" != "$$" ]; then
	[ "$(id -u)" -eq 0 ] || skip "not root: cannot become two other users"
	(: <>/dev/fuse) 2>/dev/null || skip "/dev/fuse does not open"
	unshare --mount true 2>/dev/null || skip "no mount namespaces"
	STAGE_SET=$$ exec "$(dirname "$0")/../as-nobody.sh" -r "$0" "$@"
fi
unset STAGE_SET

mount -t tmpfs -o mode=1777,size=1g fasttrace-test /dev/shm
. "$(dirname "$0")/../mount/lib.sh"
unset FASTTRACE_DIR
ALICE=61001 BOB=61002
STAGE=/dev/shm/stage
DIR=/dev/shm/fasttrace-$ALICE
M=$STAGE/alice/mnt
attempts=0 breaches=0

stage_set()
{
	mkdir -p "$STAGE/bin" "$STAGE/etc" "$M" "$STAGE/bob"
	cp "$BUILD/fasttracefs" "$STAGE/bin/"
	cp "$BUILD/tests/mount/program" "$STAGE/bin/"
	cp "$BUILD/tests/security/helper_user" "$STAGE/bin/user"
	chmod -R a+rX "$STAGE"
	chown -R "$ALICE:$ALICE" "$STAGE/alice"
	chown -R "$BOB:$BOB" "$STAGE/bob"
	# fusermount3 wants a name for who calls it.
	printf '%s:x:%s:%s::/:/bin/sh\n' alice "$ALICE" "$ALICE" bob "$BOB" "$BOB" |
		cat /etc/passwd - >"$STAGE/etc/passwd"
	echo user_allow_other >"$STAGE/etc/fuse.conf"
	: >>/etc/fuse.conf
	for file in passwd fuse.conf; do
		mount --bind "$STAGE/etc/$file" "/etc/$file"
	done
	PATH=$STAGE/bin:$PATH
	cd "$STAGE"
}

as() # USER CMD...
{
	(become "$@")
}

become() # USER CMD...
{
	case $1 in
	alice) who="setpriv --reuid=$ALICE --regid=$ALICE --clear-groups" ;;
	bob) who="setpriv --reuid=$BOB --regid=$BOB --clear-groups" ;;
	member) who="setpriv --reuid=$BOB --regid=$ALICE --groups=$ALICE" ;;
	powerful)
		caps=+dac_override,+dac_read_search
		who="setpriv --reuid=$BOB --regid=$BOB --clear-groups --inh-caps=$caps"
		who="$who --ambient-caps=$caps"
		;;
	root) who= ;;
	esac
	shift
	# shellcheck disable=SC2086 # words
	exec $who "$@"
}

# All that were started, daemons too: they remember by whom.
export STAGE_OF=$$
# shellcheck disable=SC2317,SC2329
stage_end()
{
	code=$?
	trap - EXIT
	set +e
	for p in $(grep -lzx "STAGE_OF=$$" /proc/[0-9]*/environ 2>/dev/null | tr -dc '0-9\n'); do
		kill -KILL "$p" 2>/dev/null
	done
	FASTTRACE_DIR=$DIR
	(exit "$code")
	finish
}
trap stage_end EXIT

refused() # ERRNOS USER OP TARGET...
{
	wanted=$1 user=$2
	shift 2
	attempts=$((attempts + 1))
	got=$(as "$user" user "$@" 2>&1) && got="not refused"
	case " $wanted " in
	*" $got "*) count ok "$user: $*: $got" ;;
	*)
		breaches=$((breaches + 1))
		count 'not ok' "$user: $*: $got, expected $wanted"
		;;
	esac
}

allowed() # USER OP TARGET...
{
	user=$1
	shift
	got=$(as "$user" user "$@" 2>&1) && got=
	same "$user may: $*" "$got" ''
}

stage_set
