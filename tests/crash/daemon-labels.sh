#!/bin/sh
# SPDX-License-Identifier: MIT
# daemon-labels.sh [KILLS [SEED]] - as daemon.sh, with a fasttracefs in which labels mean something: the
# daemon dies at one after the other (daemon-labels.h).
set -u
: "${BUILD:?the folder of the programs under test}"
here=$(cd "$(dirname "$0")" && pwd)
out=$(make -s -j 2 -C "$here/../.." BUILD="$BUILD/points" CPPFLAGS='-include tests/crash/points.h' \
	CFLAGS='-O1 -g' "$BUILD/points/fasttracefs" 2>&1) || {
	echo "$out"
	exit 1
}
DAEMON=$BUILD/points FASTTRACE_POINTS=${TMPDIR:-/tmp}/points.$$ exec "$here/daemon.sh" "$@"
