#!/bin/sh
# SPDX-License-Identifier: MIT
# helper_lttng.sh FOLDER PROGRAM - records traces of PROGRAM there, by a session daemon of its own.
#
# Of root, LTTng knows but one daemon: so this is for somebody else.
set -eu

waits() # what LTTng-UST leaves behind
{
	find /dev/shm -maxdepth 1 -name 'lttng-ust-wait-*' -user "$(id -u)" | sort
}

export LTTNG_HOME="$1/home" HOME="$1/home"
mkdir "$LTTNG_HOME"
before=$(waits | tr '\n' ' ')
lttng-sessiond --no-kernel --background >"$1/sessiond" 2>&1
trap finish EXIT

# shellcheck disable=SC2317,SC2329
finish()
{
	daemon=$(cat "$LTTNG_HOME/.lttng/lttng-sessiond.pid")
	kill "$daemon"
	while kill -0 "$daemon" 2>/dev/null; do sleep 0.05; done
	waits | while read -r wait; do
		case " $before " in *" $wait "*) ;; *) rm -f "$wait" ;; esac
	done
}

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

folder=$1 program=$2
record uid '' '-t vpid -t vtid -t procname' 100
record pid '--buffers-pid' '' 0
record lost '--subbuf-size=4096 --num-subbuf=2' '-t vtid' 30000
record files '--subbuf-size=4096 --num-subbuf=2 --tracefile-size=16384' '-t procname -t ip' 3000
