#!/usr/bin/env bats
# The rules of the house: what may stand where, checked in the source and in what is built from it.

load helpers

cd "$ROOT" || exit

# All C files of the suite; or those that match.
sources() { # [PATTERN]
    find common server[0-9][0-9]_* client bench tests -name "${1:-*.[ch]}" | sort
}

# The scripts of the tests: what begins like one.
scripts() {
    grep -lE '^#!.*/(sh|bash|env )' tests/* tests/*/* 2>/dev/null | grep -v '\.bats$'
}

# The programs that a server spawns.
handlers() {
    find server[0-9][0-9]_*/handlers -name 'handler_*.c' 2>/dev/null | sed 's|.*/||; s|\.c$||'
}

# A file without its comments and its strings.
code_of() {
    awk '{
        line = $0
        gsub(/\\"/, "", line)
        gsub(/"[^"]*"/, "\"\"", line)
        out = ""
        while (line != "") {
            if (inside) {
                end = index(line, "*/")
                if (!end) break
                line = substr(line, end + 2)
                inside = 0
            } else {
                start = index(line, "/*")
                if (!start) { out = out line; break }
                out = out substr(line, 1, start - 1)
                line = substr(line, start + 2)
                inside = 1
            }
        }
        print out
    }' "$1"
}

FORBIDDEN='accept4?|v?fork|wait(3|4|pid|id)?|p?select|pp?oll|epoll_[a-z0-9_]+|posix_spawnp?'
FORBIDDEN+='|pthread_create|pthread_(mutex|rwlock|spin|cond)_[a-z_]+|flock|lockf|sem_[a-z]+'

@test "common/ never accepts, forks, waits, locks: not in its source" {
    local file

    for file in common/*.[ch]; do
        if code_of "$file" |
            grep -En "(^|[^A-Za-z0-9_])($FORBIDDEN) *\(|F_(OFD_)?(SETLK|GETLK)"; then
            echo "in $file"
            return 1
        fi
    done
    code_of common/conn.c | grep -Eq '[^A-Za-z0-9_]writev *\(' # the search does find calls
}

@test "common/ never accepts, forks, waits, locks: not in its objects" {
    local object objects=("${BUILD:?}"/common/*.o)

    [[ -e ${objects[0]} ]]
    for object in "${objects[@]}"; do
        if nm -u "$object" | grep -E " (__)?($FORBIDDEN)(@.*)?\$"; then
            echo "in $object"
            return 1
        fi
    done
    nm -u "$BUILD"/common/conn.o | grep -Eq ' (__)?writev'
}

@test "common/ calls nobody back: no function pointers in its headers" {
    local file

    for file in common/*.h; do
        run ! grep -En '\(\*[a-z_]*\) *\(' <(code_of "$file")
    done
}

@test "no server uses another server's files, or the client's" {
    local file folder

    for file in $(sources | grep ^server); do
        folder=${file%%/*}
        run ! grep -En '#include "(\.\./)*(server|client)' "$file"
        run ! grep -En "server[0-9][0-9]_[a-z]+/" <(code_of "$file" | grep -v "$folder")
    done
    run ! grep -En '#include "(\.\./)*(server|client)' common/*.[ch]
}

@test "the delete test: without any one server, all the others build" {
    local server other

    unset MAKEFLAGS MFLAGS # of the make that runs the tests: it may build elsewhere
    mkdir "$T/tree"
    tar -cf - --exclude=./bin --exclude=./build --exclude=./.git --exclude=./node_modules . |
        tar -xf - -C "$T/tree"
    cd "$T/tree" || return
    make -s CFLAGS=-O0 all >"$T/make.log" 2>&1 || { cat "$T/make.log"; return 1; }
    for server in server[0-9][0-9]_*; do
        mv "$server" "$T/away"
        rm -rf bin "build/$server"
        make -s CFLAGS=-O0 all >"$T/make.log" 2>&1 || { cat "$T/make.log"; return 1; }
        for other in server[0-9][0-9]_* client; do
            [[ -x bin/$other ]]
        done
        [[ ! -e bin/$server ]]
        mv "$T/away" "$server"
    done
    cd "$ROOT" || return
}

@test "strict POSIX: gcc and clang compile it all without a warning" {
    local cc

    { command -v gcc && command -v clang; } >/dev/null || skip "needs gcc and clang"
    for cc in gcc clang; do
        # shellcheck disable=SC2046 # into words
        "$cc" -std=c11 -D_XOPEN_SOURCE=700 -pedantic -Wall -Wextra -Werror -fsyntax-only \
            $(sources '*.c')
    done
}

@test "what only Linux has stands in files named *_linux.c" {
    local file

    for file in $(sources | grep -v _linux.c); do
        run ! grep -En 'epoll_|SO_REUSEPORT|accept4|pipe2|SOCK_(CLOEXEC|NONBLOCK)|_GNU_SOURCE' \
            <(code_of "$file")
    done
}

@test "functions have at most 50 lines" {
    local file

    for file in $(sources '*.c'); do
        awk -v file="$file" '
            /^[a-z_]+\(/ { name = $0 }
            /^\{/ { start = NR }
            /^\}/ && start {
                if (NR - start + 1 > 50) { print file ": " name ": " NR - start + 1; bad = 1 }
                start = 0
            }
            END { exit bad }' "$file"
    done
}

@test "lines have at most 100 columns, no tabs, no blanks at the end" {
    local file

    for file in $(sources) tests/*.bats tests/*.bash tests/*.sh tests/*.awk $(scripts); do
        awk -v file="$file" '
            length($0) > 100 || /\t/ || / $/ { print file ":" NR ": " $0; bad = 1 }
            END { exit bad }' "$file"
    done
}

@test "what a script's -h prints of its head ends where the head ends" {
    local script scripts

    mapfile -t scripts < <(grep -lE "sed -n '2,/\^set|show_help|take_options" \
        tests/* tests/rules/* bench/* 2>/dev/null | grep -v '\.bats$')
    [[ ${#scripts[@]} -ge 10 ]]
    for script in "${scripts[@]}"; do
        echo "$script"
        diff <(awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$script") \
            <("$script" -h)
    done
}

@test "nothing is left to do" {
    run find "$ROOT" -path "$ROOT/node_modules" -prune -o -name '*.orig' -print -o -name '*.rej' \
        -print
    [[ -z $output ]]
    run ! grep -rnE 'TO''DO|FIX''ME|(^|[^X])X''XX([^X]|$)' \
        --include='*.[ch]' --include='*.md' --include='*.bats' --include=Makefile --include=run \
        --exclude-dir=node_modules --exclude-dir=build .
}

@test "every server has a README and a header comment that names it" {
    local server

    for server in server[0-9][0-9]_*; do
        [[ -s $server/README.md ]]
        head -n 20 "$server/$server.c" | grep -q "^ \* $server - "
        grep -q "$server" README.md Makefile
    done
}

@test "every program has a man page, without an error" {
    local page program

    for program in server[0-9][0-9]_* client limits $(handlers); do
        page=man/$program.1
        [[ -s $page ]]
        if command -v mandoc >/dev/null; then
            mandoc -Tlint -W warning "$page"
        fi
        # it names each option
        for letter in $("$BIN/$program" -h | grep -Eo '^ +-[A-Za-z] ' | tr -d ' -'); do
            grep -Eq "(^\.It Fl|\\\\-|-)( )?$letter" "$page"
        done
    done
}

@test "what make torture lets fail is in none of the programs" {
    local program

    for program in "$BIN"/*; do
        run ! grep -qaE '__wrap_|FAULT_FILE' "$program"
    done
    run ! grep -nE 'torture|(^|[^A-Z_])FAULT_|__wrap' common/*.[ch] client/*.[ch] server*/*.[ch]
    grep -qa 'LISTEN_PID' "$BIN/server02_select" # the search does find what is there
    grep -q 'FAULT_FILE' tests/torture/fault.h
}
