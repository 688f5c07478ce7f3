#!/bin/sh
# SPDX-License-Identifier: MIT
# helper_lttng.sh FOLDER PROGRAM - records traces of PROGRAM there, by a session daemon of its own.
. "$(dirname "$0")/lib_lttng.sh"

program=$2

record() # NAME CHANNEL-OPTIONS CONTEXTS TICKS
{
	lttng -q create "$1" --output="$folder/$1"
	# shellcheck disable=SC2086 # words
	lttng -q enable-channel -u channel $2
	lttng -q enable-event -u -a -c channel
	# shellcheck disable=SC2086
	[ -z "$3" ] || lttng -q add-context -u -c channel $3
	lttng -q start
	"$program" "$4"
	lttng -q stop
	lttng -q destroy "$1"
}

record uid '' '-t vpid -t vtid -t procname' 100
record pid '--buffers-pid' '' 0
record lost '--subbuf-size=4096 --num-subbuf=2' '-t vtid' 30000
record overwrite '--overwrite --subbuf-size=4096 --num-subbuf=2' '-t vpid' 30000
record ids '' "$(printf -- ' -t %s' vpid vtid pthread_id ip procname cgroup_ns ipc_ns mnt_ns net_ns \
	pid_ns time_ns user_ns uts_ns vuid veuid vsuid vgid vegid vsgid)" 0
record files '--subbuf-size=4096 --num-subbuf=2 --tracefile-size=16384' '-t procname -t ip' 3000
