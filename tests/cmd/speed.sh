#!/bin/sh
# SPDX-License-Identifier: MIT
# speed.sh [strict] - fasttrace read beside babeltrace2, on the same traces in the same run: text and
# counting; many streams beside one; memory of ten times as many events. `strict` holds it against what
# is aimed at, on a machine that has nothing else to do, with 10 million events; without, a test among
# others notices what has become half as fast.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"

here=$(dirname "$0")
export FASTTRACE_MODE=block PYTHONDONTWRITEBYTECODE=1
if [ "${1-}" = strict ]; then
	EVENTS=10000000 LEAST=10 TURNS=2 ROUNDS=2
else
	EVENTS=400000 LEAST=5 TURNS=6 ROUNDS=3
fi

trace() # NAME THREADS EVENTS
{
	each=$(($3 / $2))
	begin write "$2" "$each"
	program=$pid
	record "$program" -o "$OUT$1"
	until_true 20 reading "$OUT$1"
	tell "$program"
	wait "$program"
	recorded "$1" 0
	same "$1: all is there" "$(fasttrace read --count --event='*:tick' "$OUT$1")" $((each * $2))
}

trace one 1 "$EVENTS"
trace 64 64 "$EVENTS"
trace 512 512 "$EVENTS"
trace short 1 $((EVENTS / 10))
code=0
python3 "$here/helper_speed.py" "$BUILD" "$LEAST" "$TURNS" "$ROUNDS" \
	"${OUT}one" "${OUT}64" "${OUT}512" "${OUT}short" || code=$?
same "fast, and in little memory" "$code" 0
conclude
