#!/bin/sh
# SPDX-License-Identifier: MIT
# helper_lttng.sh FOLDER CHANNEL-OPTIONS PROGRAM [ARGUMENT]... - runs PROGRAM while LTTng-UST records
# its event, by a session daemon of its own. FOLDER is new. Whatever PROGRAM prints is on stdout.
. "$(dirname "$0")/../../cmd/lib_lttng.sh"

options=$2
shift 2
export LTTNG_UST_REGISTER_TIMEOUT=-1
{
	lttng -q create figure --output="$folder/trace"
	# shellcheck disable=SC2086 # words
	lttng -q enable-channel -u channel $options
	lttng -q enable-event -u 'speed:*' -c channel
	lttng -q start
} >&2
"$@"
{
	lttng -q stop
	lttng -q destroy figure
} >&2
