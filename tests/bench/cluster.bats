#!/usr/bin/env bats
# bench/cluster: haproxy in front of copies, what fails and what must not, and that nothing is left.
# And that what comes through haproxy is what a server sends.

load ../helpers

# Runs it in the foreground: STATUS, what it said in $T/stdout and $T/stderr.
cluster() { # OPTION... [SERVER]
    STATUS=0
    TMPDIR=$T/tmp TEST_MARK=$T "$ROOT/bench/cluster" "$@" >"$T/stdout" 2>"$T/stderr" 3>&- ||
        STATUS=$?
    echo "status $STATUS"
    cat "$T/stdout" "$T/stderr"
    nothing_marked
}

needs_haproxy() {
    PATH=$PATH:/usr/sbin:/sbin
    command -v haproxy >/dev/null || skip 'needs haproxy'
}

# Can network namespaces be made here?
can_make_namespaces() {
    [[ $(id -u) -eq 0 ]] && command -v ip >/dev/null && ip netns add "tests-$$" 2>/dev/null &&
        ip netns del "tests-$$"
}

# Each run's have its pid in their names: none whose run is over. (A run removes them, then ends.)
no_namespace_is_left() {
    local name

    [[ -d /run/netns ]] || return 0
    for name in /run/netns/cluster-*; do
        alive "$(cut -d - -f 2 <<<"$name")" || [[ ! -e $name ]] || {
            echo "left behind: $name"
            return 1
        }
    done
}

# A column of an act's row in the table: 1 requests, 2 lost, 3 to 5 served by each copy.
of_act() { # ACT COLUMN
    awk -v act="$1" -v column="$2" '$1 == act && NF > 9 {
        gsub(/ ms/, "")
        split($(NF - 7) " " $(NF - 6) " " $(NF - 2) " " $(NF - 1) " " $NF, cell, " ")
        print cell[column]
    }' "$T/stdout"
}

# All requests were answered where no copy failed, and by whom they must. (The copy that is back or
# drained may have served none, on a slow machine.)
acts_are_right() {
    local act

    [[ $STATUS -eq 0 && ! -s $T/stderr ]]
    for act in 1 2 3 4 5; do
        [[ $(of_act $act 1) -eq 60 ]]
        [[ $act -eq 2 || $(of_act $act 2) -eq 0 ]]
        [[ $(($(of_act $act 2) + $(of_act $act 3) + $(of_act $act 4) + $(of_act $act 5))) -eq 60 ]]
    done
    [[ $(of_act 1 3) -gt 0 && $(of_act 1 4) -gt 0 && $(of_act 1 5) -gt 0 ]]
    [[ $(of_act 3 4) -eq 0 && $(of_act 2 4) -lt $(of_act 2 3) ]]
}

# How often haproxy tried again in act 2.
tried_again() {
    sed -n 's/^haproxy tried \([0-9]*\) times again, .*/\1/p' "$T/stdout"
}

@test "on loopback a copy is killed: what it refuses is lost without retries, not with them" {
    local without

    needs_haproxy
    cluster -q -l -r 60 -D "timeout check ${LIMIT}s" -D 'retries 0'
    acts_are_right
    [[ $(tried_again) -eq 0 ]]
    without=$(of_act 2 2)
    cluster -q -l -r 60 -D "timeout check ${LIMIT}s"
    acts_are_right
    [[ $(tried_again) -gt 0 && $(of_act 2 2) -lt $without ]]
    says "$T/stdout" '^All on loopback \(-l\)'
    says "$T/stdout" 'later haproxy calls it down'
    says "$T/stdout" 'TERM: .* later it has ended, with status 0'
    says "$T/stdout" 'drained, and none of 60 requests was lost'
}

@test "a copy hangs, and by lines: the same, and no namespace is left" {
    needs_haproxy
    cluster -q -x stop -P lines -r 60 06
    acts_are_right
    [[ $(of_act 2 2) -le 9 ]] # maxconn
    says "$T/stdout" 'Layer7 timeout'
    if can_make_namespaces; then
        says "$T/stdout" '^Each in a network namespace'
    fi
    no_namespace_is_left
}

@test "in namespaces a cable is pulled: the copy has not noticed and serves again" {
    needs_haproxy
    cluster -q -x cut -r 60
    if can_make_namespaces; then
        acts_are_right
        [[ $(of_act 2 2) -le 9 ]] # maxconn
        says "$T/stdout" 'Layer4 timeout'
    else
        [[ $STATUS -eq 1 && $(cat "$T/stderr") == 'cluster: -x cut: '*' here' ]]
    fi
}

@test "TERM while a copy hangs: it ends by TERM, with all processes and namespaces" {
    needs_haproxy
    launch "$ROOT/bench/cluster" -x stop -r 60
    eventually says "$OUT" '^Act 2'
    eventually hanging
    kill -s TERM "$SERVER_PID"
    eventually dead "$SERVER_PID"
    STATUS=0
    wait "$SERVER_PID" || STATUS=$?
    STARTED[-1]=
    [[ $STATUS -eq 143 && -z $(ls -A "$T/tmp") ]]
    [[ $(tail -n 1 "$OUT") == 'Act 2: '* ]] # nothing is said of what it did not wait for
    eventually nothing_marked
    no_namespace_is_left
}

# Is a process of this test stopped?
hanging() {
    local pid status

    find_marked
    for pid in "${MARKED[@]}"; do
        { read -r status <"/proc/$pid/stat"; } 2>/dev/null || continue
        [[ ${status##*) } != T* ]] || return 0
    done
    return 1
}

@test "a configuration that haproxy refuses is an error, with haproxy's words" {
    needs_haproxy
    cluster -q -l -D bogus
    [[ $STATUS -eq 1 && $(cat "$T/stderr") == "cluster: haproxy: "*"unknown keyword 'bogus'"* ]]
}

@test "a lost request is a failure, unless a copy has failed: status and sentences" {
    local act

    made_up_acts "$T/acts.2" 2
    run -0 cluster_table "$T/acts.2"
    [[ $output == *'1 of 100 requests were lost (1 reset)'*'drained, and none of 100'* ]]
    [[ $output == *'tried 5 times again, 1 of them with another copy'* ]]
    [[ ${lines[2]} =~ ^'2 the act 2 '.*' 100 '.*' 1 '.*' 21.5 ms '.*' 30.2 ms '.*' 40.0 ms ' ]]
    [[ ${lines[2]} =~ ' 40 '.*' 59'$ ]] # by pid: each copy its own
    for act in 1 3 4 5; do
        made_up_acts "$T/acts.$act" $act
        run -1 cluster_table "$T/acts.$act"
        [[ $output == *"LOST in act $act, where none may be: 1 of 100 (1 reset)."* ]]
    done
    [[ $output != *'drained, and none'* ]] # the last was act 5
}

@test "an act of which not all was sent has no verdict, and that is a failure" {
    local act

    for act in 2 5; do
        made_up_acts "$T/acts.$act" $act
        sed -i 's/"failed":1,"unsent":0/"failed":1,"unsent":3/' "$T/acts.$act/act.$act"
        run -1 cluster_table "$T/acts.$act"
        [[ $output == *"No verdict on act $act: the client could not send 3 of 100"* ]]
        [[ $output != *LOST* && $output != *'1 of 100 requests'* ]]
        [[ $((act == 2)) -eq 1 || $output != *'A copy was drained'* ]]
        [[ $((act == 5)) -eq 1 || $output != *'A copy failed'* ]]
    done
}

@test "usage: what is wrong is named, and exit status 2; -x cut needs cables" {
    local given

    for given in -z '-n 1' '-n 6' '-n' '-r 0' '-r 1x' '-P tcp' '-x burn' '-x cut -l' 01 server99 \
        '03 04'; do
        # shellcheck disable=SC2086 # words
        cluster $given
        [[ $STATUS -eq 2 && ! -s $T/stdout && $(cat "$T/stderr") == "cluster: "*'; try -h' ]]
    done
}

# --- what comes through --------------------------------------------------------------------------

# haproxy in front of the two copies at these ports: it checks by connections that send no request,
# so that the copies count none but the test's.
start_haproxy() { # PORT PORT
    cat >"$T/haproxy.cfg" <<END
defaults
    mode http
    timeout connect ${PATIENCE}s
    timeout client ${PATIENCE}s
    timeout server ${PATIENCE}s
listen copies
    bind $OWN_HOST:$1
    server copy1 127.0.0.1:$1 check inter 200ms
    server copy2 127.0.0.1:$2 check inter 200ms
END
    (TEST_MARK=$T exec haproxy -db -f "$T/haproxy.cfg" >"$T/haproxy" 2>&1 3>&-) &
    HELPERS+=($!)
    eventually fetch "http://$OWN_HOST:$1/nothing"
}

# Each content without its stamp, with its length and status.
fetch() { # URL...
    local url

    for url; do
        curl -s --max-time "$PATIENCE" -w '%{http_code} %{size_download}\n' "$url" |
            sed 's/^child [0-9]* pid [0-9]* *//'
        [[ ${PIPESTATUS[0]} -eq 0 ]] || return
    done
}

@test "through haproxy come the same bytes as from a server itself, each request counted once" {
    local copies=() paths path pid ports=() requests=0 served

    needs_haproxy
    command -v curl >/dev/null || skip 'needs curl'
    SERVER=server03_prefork_accept
    for _ in 1 2; do
        start_server
        copies+=("$SERVER_PID")
        ports+=("$PORT")
    done
    start_haproxy "${ports[@]}"
    paths=(1 31 32 33 4096 1048576 100?wait=1000 0 100?no=1 nothing)
    for path in "${paths[@]}"; do
        fetch "http://127.0.0.1:${ports[0]}/$path" >"$T/direct"
        # Twice: once from each copy.
        fetch "http://$OWN_HOST:${ports[0]}/$path" "http://$OWN_HOST:${ports[0]}/$path" \
            >"$T/through"
        diff <(cat "$T/direct" "$T/direct") "$T/through"
    done
    for pid in "${copies[@]}"; do
        kill -s TERM "$pid"
        await_end "$pid"
        [[ $STATUS -eq 0 ]]
        served=$(json_of requests)
        [[ $served -gt 0 ]]
        requests=$((requests + served))
    done
    [[ $requests -eq $((3 * 7)) ]] # the other paths are errors
}
