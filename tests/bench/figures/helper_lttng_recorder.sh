#!/bin/sh
# SPDX-License-Identifier: MIT
# helper_lttng_recorder.sh FOLDER [OPTION...] - LTTng-UST as a flight recorder, with a daemon of its own: a session
# for snapshots, events bench:*, their channel with these options of `lttng enable-channel`. Says
# "ready", and ends it all when its input ends.
. "$(dirname "$0")/../../cmd/lib_lttng.sh"

shift
lttng -q create bench --snapshot --output="$folder/trace" >&2
lttng -q enable-channel -u channel "$@" >&2
lttng -q enable-event -u 'bench:*' -c channel >&2
lttng -q start >&2
echo ready
cat >/dev/null
lttng -q destroy bench >&2
