#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh - the installed headers as users' compilers see them: each alone, every type of value and
# every macro, and what must not compile. C and C++, gcc and clang, with the warnings that people
# turn on.
#
#   run.sh [FOLDER]     with the installed headers; default: include/ of this tree
set -u
here=$(cd "$(dirname "$0")" && pwd)
include=${1:-$here/../../include}
warnings='-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Werror'
more="$warnings -Wcast-qual -Wcast-align -Wsign-conversion -Wdouble-promotion -Wfloat-conversion"
more="$more -Wmissing-declarations"
more_c="$more -Wmissing-prototypes -Wstrict-prototypes -Wbad-function-cast -Wc++-compat"
more_cxx="$more -Wold-style-cast"
passed=0 failed=0 skipped=0 levels='0 2'
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# Only what is installed may be included.
mkdir "$tmp/include"
cp "$include"/fasttrace*.h "$tmp/include/" || exit 1

# result STATUS NAME [LOG]: count it; show what the compiler said.
result() {
	if [ "$1" -eq 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAIL %s\n' "$2"
		cut -c 1-300 "${3:-$tmp/log}" | sed 's/^/    /' | head -n 20
	fi
}

# compile ARGUMENTS...: with the compiler, standard and language of this turn
compile() {
	"$cc" -std="$std" -I"$tmp/include" -x "$lang" "$@"
}

# Are all macros that a header defines, beyond those of the headers that it includes, ours?
leaks() {
	printf '#include <stddef.h>\n#include <stdint.h>\n#include <stdbool.h>\n' >"$tmp/system.h"
	[ "$lang" = c++ ] && printf '#include <type_traits>\n' >>"$tmp/system.h"
	printf '#include <%s>\n' "$1" >"$tmp/ours.h"
	for f in system ours; do
		compile -dM -E "$tmp/$f.h" | sed 's/^#define \([A-Za-z0-9_]*\).*/\1/' |
			sort -u >"$tmp/$f" || return 1
	done
	comm -13 "$tmp/system" "$tmp/ours" | grep -v '^FASTTRACE_\|^FASTTRACE$' >"$tmp/log"
	[ ! -s "$tmp/log" ]
}

header_alone() {
	printf '#include <%s>\n#include <%s>\nextern int nothing;\n' "$1" "$1" >"$tmp/alone"
	# shellcheck disable=SC2086 # the warnings are words
	compile $more_lang -fsyntax-only "$tmp/alone" >"$tmp/log" 2>&1
	result $? "$name: <$1> alone"
	leaks "$1"
	result $? "$name: <$1> defines FASTTRACE macros only"
}

# Builds the checks and runs them.
values() {
	files="$here/standin.c $here/values.c $here/macros.c $here/kinds.c $here/inlines.c"
	[ "$lang" = c ] || files="$files $here/cxx.cc"
	# shellcheck disable=SC2086 # words
	compile $warnings "-O$1" -o "$tmp/values" $files -x none >"$tmp/log" 2>&1 &&
		"$tmp/values" >"$tmp/log"
}

# The statements of `refused` that are for this language, a function and a line each.
statements() # bad|good
{
	printf '#include "%s/refused.h"\n' "$here"
	awk -F '\t' -v want="$1" -v lang="$lang" '!/^#/ && ($1 == "all" || $1 == lang) {
		split($3, part, "@")
		line++
		text = part[1] part[want == "bad" ? 2 : 3] part[4]
		gsub(/NAME/, "name_" line "_", text)
		printf "void f%d(void); void f%d(void) { %s; }\n", line, line, text
	}' "$here/refused"
}

# What the errors must have a line of.
patterns() {
	awk -F '\t' -v lang="$lang" '!/^#/ && ($1 == "all" || $1 == lang) {
		line++
		sub(/^-/, "error.*static.assert.*FASTTRACE.*NAME", $2)
		gsub(/NAME/, "name_" line "_", $2)
		gsub(/LINE/, "bad:" line + 1 ":", $2)
		print $2
	}' "$here/refused"
}

# Warnings are off, so that each line that is named has an error.
refused() {
	statements bad >"$tmp/bad"
	statements good >"$tmp/good"
	# shellcheck disable=SC2086 # words
	compile $warnings -Wno-unused-value -fsyntax-only "$tmp/good" >"$tmp/log" 2>&1
	result $? "$name: what is like the next ones, but right"
	case $cc in
	*clang*) unlimited='-ferror-limit=0 -fmacro-backtrace-limit=1' ;;
	*) unlimited=-fmax-errors=0 ;;
	esac
	# shellcheck disable=SC2086 # words
	compile -w $unlimited -fsyntax-only "$tmp/bad" >"$tmp/errors" 2>&1
	patterns >"$tmp/patterns"
	n=1
	while IFS= read -r pattern; do
		n=$((n + 1))
		grep -qE -- "$pattern" "$tmp/errors"
		status=$?
		[ $status -eq 0 ] || grep -E "bad:$n:|name_$((n - 1))_" "$tmp/errors" >"$tmp/log"
		result $status "$name: /$pattern/ is said of: $(sed -n "${n}p" "$tmp/bad")"
	done <"$tmp/patterns"
}

# Formats are checked as those of printf(3).
formats() {
	for value in '"%d", 1' '"%d", "text"' '"%s"' 1; do
		printf '#include <fasttrace.h>\nvoid f(void); void f(void) { FASTTRACE_PRINTF(%s); }\n' \
			"$value" >"$tmp/format"
		# shellcheck disable=SC2086 # words
		if compile $warnings -fsyntax-only "$tmp/format" >"$tmp/log" 2>&1; then
			[ "$value" = '"%d", 1' ]
		else
			[ "$value" != '"%d", 1' ] && grep -q 'format:2:.*error' "$tmp/log"
		fi
		result $? "$name: FASTTRACE_PRINTF($value)"
	done
}

check() {
	cc=$1 std=$2 lang=$3 name="$1 -std=$2"
	case $lang,$cc in
	c++,g++*) more_lang="$more_cxx -Wuseless-cast" ;;
	c++,*) more_lang=$more_cxx ;;
	*) more_lang=$more_c ;;
	esac
	for header in fasttrace-abi.h fasttrace.h fasttrace-reader.h; do
		header_alone "$header"
	done
	for level in $levels; do
		values "$level"
		result $? "$name -O$level: values"
	done
	# shellcheck disable=SC2086 # words
	compile $more_lang -O2 -c -o /dev/null "$here/warnings.c" >"$tmp/log" 2>&1
	result $? "$name: warnings.c"
	refused
	formats
}

# each LANGUAGE COMPILER STANDARD...: with files of its own, so that compilers run side by side
each() {
	mkdir "$tmp/$2" && cp -r "$tmp/include" "$tmp/$2/" && tmp=$tmp/$2 || exit 1
	language=$1 compiler=$2
	shift 2
	if ! command -v "$compiler" >/dev/null; then
		printf 'SKIP %s is not installed\n' "$compiler"
		skipped=1
		set --
	fi
	for standard; do
		if "$compiler" -std="$standard" -x "$language" -E /dev/null >/dev/null 2>&1; then
			check "$compiler" "$standard" "$language"
			levels=2 # what the optimizer does hangs little on the standard
		else
			printf 'SKIP %s knows no %s\n' "$compiler" "$standard"
		fi
	done
	echo "$passed $failed $skipped" >"$tmp/counts"
}

# Of our own files no other name is declared than with our prefix; nor is a macro or a type.
names() {
	if ! ctags --version 2>/dev/null | grep -q Universal; then
		printf 'SKIP Universal Ctags is not installed\n'
		skipped=$((skipped + 1))
		return
	fi
	ctags -x --languages=C,C++ --langmap=C++:.h --kinds-c++=+p-lmzN --_xformat='%N %K %s' \
		"$tmp/include/"fasttrace*.h >"$tmp/tags" || return 1
	grep -q '^fasttrace_put_string prototype' "$tmp/tags" &&
		grep -q '^fasttrace_tagged struct' "$tmp/tags"
	result $? 'ctags sees what the headers declare'
	grep -v '^fasttrace_\|^FASTTRACE\| fasttrace_[a-z_]*$' "$tmp/tags" >"$tmp/log"
	[ ! -s "$tmp/log" ]
	result $? 'names that the headers declare begin with fasttrace_ or FASTTRACE'
}

for compiler in gcc clang; do
	(each c $compiler c11 c17 gnu17 gnu2x gnu23) >"$tmp/$compiler.out" 2>&1 &
done
for compiler in g++ clang++; do
	(each c++ $compiler c++17 c++20 c++23) >"$tmp/$compiler.out" 2>&1 &
done
wait
names
for compiler in gcc clang g++ clang++; do
	cat "$tmp/$compiler.out"
	read -r more_passed more_failed more_skipped <"$tmp/$compiler/counts" || more_failed=1
	passed=$((passed + more_passed))
	failed=$((failed + more_failed))
	skipped=$((skipped + more_skipped))
done
[ "$skipped" -eq 0 ] || printf '%d skipped\n' "$skipped"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
