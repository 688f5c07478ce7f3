#!/bin/sh
# SPDX-License-Identifier: MIT
# zstd.sh - what record --zstd writes is read as it is: all of it, in as much memory however long it is;
# and of what is damaged, the rest.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"

export FASTTRACE_MODE=block

begin write 3 1000000
record "$pid" -o "$WORK/packed" --zstd
until_true 20 reading "$WORK/packed"
tell "$pid"
recorded "recorded" 0
cd "$WORK"
cp -r packed plain
zstd -q -d --rm plain/*.zst
bytes=$(cat plain/[0-9]* | wc -c)
fasttrace read plain >plain.text
prlimit --as=$((bytes / 2)) fasttrace read packed >packed.text 2>"$ERR" && code=0 || code=$?
same "memory for half of what it expands to does: exit status" "$code" 0
is "it says the same" cmp plain.text packed.text
same "all is there" "$(wc -l <packed.text)" 3000001
for o in --count --last=50ms "--count --last=50ms" "--where=n>999990" "--json --where=n>999990"; do
	# shellcheck disable=SC2086 # words
	fasttrace read $o plain >a
	# shellcheck disable=SC2086
	fasttrace read $o packed >b
	is "$o" cmp a b
	is "$o: there is something" test -s b
done
# So long a one can be interrupted.
mkfifo fifo
fasttrace read packed >fifo &
reader=$!
{
	IFS= read -r line
	printf '%s\n' "$line"
	kill -INT "$reader"
	cat
} <fifo >b
wait "$reader" && code=0 || code=$?
same "interrupted: exit status" "$code" 130
head -n "$(wc -l <b)" plain.text >a
is "interrupted: what was shown" cmp a b
is "interrupted: is not all" test "$(wc -l <b)" -lt 1000000

fasttrace stats plain >a
fasttrace stats packed >b
is "stats" diff a b
fasttrace merge packed -o merged >shown 2>&1
fasttrace read merged >b
is "merge: expanded" cmp plain.text b
same "merge: names" "$(ls merged)" "$(ls plain)"

# Frames that do not say what they expand to, several packets in one, one that holds nothing.
mkdir other
cp plain/metadata other
tid=$(find plain -name '[0-9]*' -size +1M | sort | head -n 1)
zstd -q <"$tid" >other/1.zst
{
	cat other/1.zst
	printf '\120\052\115\030\003\000\000\000abc'
} >other/2.zst
rm other/1.zst
mkdir alone
cp plain/metadata "$tid" alone
fasttrace read alone >a
fasttrace read other >b
is "frames of others" cmp a b

# Cut off, damaged, something else behind it.
of_file() # PROGRAM FILE: python's, with the bytes of FILE in `data`
{
	python3 -c "
import struct, sys
path = sys.argv[1]
data = bytearray(open(path, 'rb').read())
frames = [i for i in range(len(data)) if data[i:i + 4] == b'\x28\xb5\x2f\xfd']
$1
open(path, 'wb').write(data)" "$2"
}
fails() # TEXT WORDS: with a message, and status 1; what is readable is in $WORK/shown
{
	fasttrace read one >shown 2>"$ERR" && code=0 || code=$?
	same "$1: exit status" "$code" 1
	has "$1: $2" "$2"
	same "$1: it is one message" "$(wc -l <"$ERR")" 1
}
one() # PROGRAM: a trace of one thread to which that was done
{
	rm -rf one
	mkdir one
	cp packed/metadata "packed/${tid##*/}.zst" one
	file=one/${tid##*/}.zst
	of_file "$1" "$file" >frame
	frame=$(cat frame)
}
whole=$(wc -l <a)
one 'print(frames[-1]); del data[-5:]'
fails "cut off" "$file: byte $frame: expected the rest of a zstd frame"
head -n "$(wc -l <shown)" a >b
is "cut off: what stands before it is shown" cmp b shown
is "cut off: all but the last packet" test "$(wc -l <shown)" -gt $((whole - 10000))
one 'print(frames[3]); data[frames[3] + 100] ^= 255'
fails "damaged" "$file: byte $frame: expected a whole zstd frame: "
is "damaged: a packet is lost" grep -q ': LOST 1 PACKETS$' shown
grep -v LOST shown | sort >b
is "damaged: all else is shown" test "$(sort a | comm -13 - b | wc -l)" -eq 0
is "damaged: that is all but a packet" test "$(wc -l <b)" -gt $((whole - 10000))
one 'print(len(data)); data += b"more"'
fails "followed by something" "$file: byte $frame: expected a zstd frame"
is "followed by something: all is shown" cmp a shown
one 'print(0); data[frames[1]] ^= 1'
fails "no frame" ": expected a zstd frame"
one 'print(0); data[4:5] = b"\xe0"; data[5:13] = struct.pack("<Q", 1 << 40)'
fails "a bomb" "$file: byte 0: expected "
rm -rf one
mkdir one
cp packed/metadata one
echo "no packets" | zstd -q >one/1.zst
fails "no packets" "one/1.zst: byte 0, expanded: expected a packet's magic, 0xc1fc1fc1"
conclude
