#!/usr/bin/env bats
# The rules of the house: what may stand where, checked in the source and in what is built from it.

load ../helpers

cd "$ROOT" || exit

# All C files of the suite; or those that match.
sources() { # [PATTERN]
    find common handlers server[0-9][0-9]_* client bench watch tests -name "${1:-*.[ch]}" | sort
}

# The scripts of the tests: what begins like one.
scripts() {
    grep -lE '^#!.*/(sh|bash|env )' tests/run tests/*/* 2>/dev/null | grep -v '\.bats$'
}

# The programs that a server spawns.
handlers() {
    find handlers -name 'handler_*.c' 2>/dev/null | sed 's|.*/||; s|\.c$||'
}

# Files without their comments and strings; before each line its place.
code_of() { # FILE...
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
        print FILENAME ":" FNR ": " out
    }' "$@"
}

FORBIDDEN='accept4?|v?fork|wait(3|4|pid|id)?|p?select|pp?oll|epoll_[a-z0-9_]+|posix_spawnp?'
FORBIDDEN+='|pthread_create|pthread_(mutex|rwlock|spin|cond)_[a-z_]+|flock|lockf|sem_[a-z]+'

# The pool may wait, for it looks after children, which is no server's lesson but server01's; and a
# server may lock the path of its socket against another one. What prints may wait for room, and an
# inherited listener, which others may have made blocking or not, is looked at with poll(). What
# looks after threads locks its list of them, counts free places, and creates one, the timekeeper.
# How a process sleeps beside a ring is no choice, and its clients need it too. A connection asks
# poll(), without waiting, for news that nobody has told yet.
not_the_pools() {
    grep -Ev 'common/(pool\.[co]:.*(waitpid|pselect)|listen\.c:.*F_SETLK)' |
        grep -Ev 'common/threads\.[co]:.*(pselect|pthread_(create|mutex)|sem_)' |
        grep -Ev 'common/sleeper_linux\.[co]:.*sem_' |
        grep -Ev 'common/(conn|die|listen|signals)\.[co]:.*[ (]poll'
}

@test "common/ never accepts, forks, locks, and only the pool waits: not in its source" {
    run ! not_the_pools < <(code_of common/*.[ch] |
        grep -E "[^A-Za-z0-9_]($FORBIDDEN) *\(|F_(OFD_)?(SETLK|GETLK)")
    code_of common/conn.c | grep -Eq '[^A-Za-z0-9_]writev *\(' # the search does find calls
}

@test "common/ never accepts, forks, locks, and only the pool waits: not in its objects" {
    run ! not_the_pools < <(nm -Au "${BUILD:?}"/common/*.o | grep -E " (__)?($FORBIDDEN)(@.*)?\$")
    nm -u "$BUILD"/common/conn.o | grep -Eq ' (__)?writev'
}

@test "common/ calls nobody back: no function pointers in its headers" {
    run ! grep -E '\(\*[a-z_]*\) *\(' <(code_of common/*.h)
}

@test "no server uses another server's files, or the client's" {
    run ! grep -rEn --include='*.[ch]' '#include "(\.\./)*(server[0-9]|client/)' \
        common handlers server*
    # shellcheck disable=SC2046 # into words
    code_of $(sources | grep ^server) | awk '
        { folder = $1; sub(/\/.*/, "", folder); sub(/^[^ ]*/, ""); gsub(folder, "") }
        /server[0-9][0-9]_[a-z_]+\// { print folder ":" $0; bad = 1 }
        END { exit bad }'
}

# Once all is built. Then without each server: make would link everything else by the very commands
# that it has just carried out, and compile nothing.
@test "the delete test: without any one server, all the others build" {
    local server

    unset MAKEFLAGS MFLAGS # of the make that runs the tests: it may build elsewhere
    mkdir "$T/tree"
    tar -cf - --exclude=./bin --exclude=./build --exclude=./.git --exclude=./node_modules . |
        tar -xf - -C "$T/tree"
    cd "$T/tree" || return
    mkdir build # what is compiled already is linked only; what links in two ways, but once
    cp -a "$BUILD"/{bench,client,common,handlers,server*,watch} build
    set -- make -s CC="${CC:-cc}" CFLAGS="${CFLAGS:--O2 -g}" LINK_server01_fork=
    "$@" all >"$T/make.log" 2>&1 || { cat "$T/make.log"; return 1; }
    rm -r bin
    "$@" -n all >"$T/commands"
    for server in server[0-9][0-9]_* client watch; do
        grep -q -- "-o bin/$server " "$T/commands"
    done
    for server in server[0-9][0-9]_*; do
        mv "$server" "$T/away"
        "$@" -n all 2>&1 | diff <(grep -v "$server" "$T/commands") -
        mv "$T/away" "$server"
    done
    cd "$ROOT" || return
}

@test "what only Linux has stands in files named *_linux.c" {
    # shellcheck disable=SC2046 # into words
    run ! grep -E 'epoll_|SO_REUSEPORT|accept4|pipe2|SOCK_(CLOEXEC|NONBLOCK)|_GNU_SOURCE' \
        <(code_of $(sources | grep -Ev "_linux.[ch]|torture/fault.h"))
}


@test "lines have at most 100 columns, no tabs, no blanks at the end" {
    # shellcheck disable=SC2046 # into words
    awk 'length($0) > 100 || /\t/ || / $/ { print FILENAME ":" FNR ": " $0; bad = 1 }
        END { exit bad }' \
        $(sources) watch/*.{html,css,js} tests/*.bash tests/*/*.{awk,bash,bats,mjs,sh} $(scripts)
}

@test "what a script's -h prints of its head ends where the head ends" {
    local script scripts

    mapfile -t scripts < <(grep -lE "sed -n '2,/\^set" tests/* tests/*/* bench/* 2>/dev/null |
        grep -v '\.bats$')
    scripts+=(bench/{compare,demo,herd,scale,rivals,calls,rings,cluster,report})
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
        head -n 20 "$server/$server"*.c | grep -q "^ \* $server - "
        grep -q "$server" README.md Makefile
    done
}

@test "no two files of tests have the same name: tests/run finds them by it" {
    [[ $(find tests -name '*.bats' -exec basename {} \; | sort | uniq -d) == '' ]]
}

@test "every program has a man page, without an error" {
    local page program

    for program in server[0-9][0-9]_* client limits watch $(handlers); do
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
    run ! grep -nE 'torture|(^|[^A-Z_])FAULT_|__wrap' common/*.[ch] client/*.[ch] client/*/*.[ch] \
        handlers/*.[ch] server*/*.[ch] watch/*.[ch]
    grep -qa 'LISTEN_PID' "$BIN/server02_select" # the search does find what is there
    grep -q 'FAULT_FILE' tests/torture/fault.h
}
