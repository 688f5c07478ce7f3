#!/bin/sh
# SPDX-License-Identifier: MIT
# daemon.sh [KILLS [SEED]] - the program, the daemon and both are killed at random instants, while the
# mount is read; see daemon.c. Nothing is left.
# shellcheck disable=SC2010,SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/../mount/lib.sh"

if ! (: <>/dev/fuse) 2>/dev/null; then
	echo "/dev/fuse does not open"
	exit 77
fi
PATH=${DAEMON:-$BUILD}:$PATH OUT=$OUT "$BUILD/tests/crash/daemon" "$M" "${1:-60}" ${2:+"$2"} || failures=$((failures + 1))
checks=$((checks + 1))
unmount
isnt "no mount is left" mounted
is "no daemon is left" unserved
same "no file is left" "$(find "$FASTTRACE_DIR" -type f ! -name .lock)" ""
conclude
