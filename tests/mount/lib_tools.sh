# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# lib_tools.sh - the tools that read the tree, and how one is tried: what it prints of a file, its
# complaints and its exit status are compared with those of a copy, which is under $COPY where the
# file is under $M.
#
#   each CLASSES FUNCTION   calls it for each tool of one of the classes
#   try WHAT FILE...        the tool reads each file as it reads its copy
# shellcheck disable=SC2012,SC2016,SC2317,SC2329 # ls is what users do; eval expands; is calls functions
. "$(dirname "$0")/lib.sh"

FASTTRACE_SUBBUF_SIZE=4096 FASTTRACE_SUBBUFS=4 FASTTRACE_MODE=discard LESSOPEN='' LC_ALL=C
export FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS FASTTRACE_MODE LESSOPEN LC_ALL
python=$(command -v /usr/bin/python3 || command -v python3)
COPY=$WORK/copy
mkdir -p "$COPY"

by_python()
{
	$python -ISc 'import sys; sys.stdout.buffer.write(open(sys.argv[1], "rb").read())' "$1"
}
mapped_by_python()
{
	$python -ISc 'import mmap, sys; f = open(sys.argv[1]); sys.stdout.buffer.write(
		mmap.mmap(f.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ))' "$1"
}
by() # pread|mmap|readv|sendfile|splice FILE
{
	"$BUILD/tests/mount/tools" "$@"
}

# NAME OF COMMAND: of a file $1, with names that begin with $t for its use. OF: any; kept: what is not
# consumed, for it seeks, stops early or reads twice; sized: what tells its size, or the kernel
# (sendfile, splice) or the tool finds nothing in it; both: what is kept and sized. gzip complains of
# what has more than its size; sort takes that for the memory it needs, wc for the room.
TOOLS='
cat          any    cat "$1"
cat-stdin    any    cat <"$1"
cp           any    cp "$1" $t && cat $t
cp-r         any    cp -r "$1" $t && cat $t
cp-a         any    cp -a "$1" $t && cat $t
install      any    install -m 600 "$1" $t && cat $t
dd           any    dd if="$1" status=none
dd-small     any    dd if="$1" bs=100 status=none
dd-large     any    dd if="$1" bs=8M status=none
dd-nonblock  any    dd if="$1" iflag=nonblock bs=64K status=none
dd-skip      kept   dd if="$1" bs=64 skip=1 status=none
dd-count     kept   dd if="$1" bs=100 count=2 status=none
head         any    head -c 999999999 "$1"
head-n       kept   head -n 2 "$1"
tail         kept   tail -c +1 "$1"
tail-n       any    tail -n 3 "$1"
tail-c       any    tail -c 100 "$1"
gzip         any    gzip -c <"$1" 2>$t.said | gzip -dc
gzip-file    sized  gzip -c "$1" | gzip -dc
wc           any    wc <"$1" | awk "{ print \$1, \$2, \$3 }"
wc-c         kept   wc -c <"$1"
sha256sum    any    sha256sum "$1"
od           any    od -c "$1"
sed          any    sed -n p "$1"
awk          any    awk "{ print NF }" "$1"
grep         any    grep -c e "$1"
sort         any    sort -S 1M "$1"
less         any    less -f "$1" | cat
tar          sized  tar -C "${1%/*}" -cf - "${1##*/}" | tar -xOf -
rsync        sized  rsync -a "$1" $t && cat $t
rsync-again  both   rsync -a "$1" $t && rsync -a --out-format="again: %f" "$1" $t
diff         any    diff -a /dev/null "$1" | tail -n +2
cmp          kept   cmp "$1" "$1"
tee          any    tee $t <"$1" >/dev/null && cat $t
shell        kept   while IFS= read -r line; do echo "$line"; done <"$1"
python       any    by_python "$1"
python-mmap  sized  mapped_by_python "$1"
pread        sized  by pread "$1"
mmap         sized  by mmap "$1"
readv        any  by readv "$1"
sendfile     sized  by sendfile "$1"
splice       sized  by splice "$1"
'

apply() # FILE
{
	[ ! -e "$t" ] || rm -rf "$t"*
	eval "$command"
}

# In FOLDER, what the tool says of each file, each into a file of its own in TO.
sweep() # FOLDER TO FILE...
{
	cd "$1"
	to=$2 t=$WORK/t
	mkdir "$to"
	shift 2
	for file; do
		name=$(printf %s "$file" | tr / _)
		apply "$file" >"$to/$name" 2>&1 || echo "exit status $?" >>"$to/$name"
	done
}

# try WHAT FILE...: the tool on each, under the mount, is as on its copy.
try()
{
	what=$1
	shift
	rm -rf "$WORK/got" "$WORK/wanted"
	(sweep "$M" "$WORK/got" "$@")
	(sweep "$COPY" "$WORK/wanted" "$@")
	is "$tool reads $what" diff -ra "$WORK/wanted" "$WORK/got"
}

# The tools that are of one of these classes: sets tool and command, and calls.
each() # CLASSES FUNCTION
{
	printf %s "$TOOLS" | grep . >"$WORK/tools"
	while read -r tool class command <&3; do
		case " $1 " in *" $class "*) "$2" ;; esac
	done 3<"$WORK/tools"
}
