#!/bin/sh
# SPDX-License-Identifier: MIT
# helper_lttng_speed.sh FOLDER PROGRAM THREADS EVENTS - LTTng-UST records record_speed.c into
# FOLDER/trace, without loss: a full buffer is waited for. What the program says is in FOLDER/said.
. "$(dirname "$0")/lib_lttng.sh"

export LTTNG_UST_ALLOW_BLOCKING=1 LTTNG_UST_REGISTER_TIMEOUT=-1
lttng -q create speed --output="$folder/trace"
lttng -q enable-channel -u channel --blocking-timeout=inf --subbuf-size=512K --num-subbuf=8
lttng -q enable-event -u 'speed:*' -c channel
lttng -q start
"$2" "$3" "$4" >"$folder/said" &
pid=$!
until grep -q ready "$folder/said"; do sleep 0.02; done
kill -USR1 "$pid"
wait "$pid"
pid=
lttng -q stop
lttng -q destroy speed
