# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# lib_lttng.sh - what the helpers share that record with LTTng-UST: a session daemon of their own, in
# the folder $1. Of root, LTTng knows but one daemon: so they are for somebody else. It ends with them,
# and so does the program $pid, if that is set.
set -eu

folder=$1
LTTNG_HOME=$folder/home HOME=$LTTNG_HOME
export LTTNG_HOME HOME

waits() # what LTTng-UST leaves behind
{
	find /dev/shm -maxdepth 1 -name 'lttng-ust-wait-*' -user "$(id -u)" | sort
}

# shellcheck disable=SC2317,SC2329
finish()
{
	[ -z "${pid-}" ] || kill "$pid" 2>/dev/null || :
	daemon=$(cat "$LTTNG_HOME/.lttng/lttng-sessiond.pid")
	kill "$daemon"
	while kill -0 "$daemon" 2>/dev/null; do sleep 0.05; done
	waits | while read -r wait; do
		case " $before " in *" $wait "*) ;; *) rm -f "$wait" ;; esac
	done
}

mkdir "$LTTNG_HOME"
before=$(waits | tr '\n' ' ')
lttng-sessiond --no-kernel --background >"$folder/sessiond" 2>&1
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
