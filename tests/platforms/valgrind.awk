# valgrind.awk - judges valgrind's logs, whose names come on stdin: FILE.SERVER.TEST/PROGRAM.PID
#
# -v place=      in real/ and objects/ of it are the watched programs: other logs are of a shell
#                that ran a test's script
# -v kept=       lines FUNCTION|most|why, what may be open at the end: the table in valgrind
# -v unended=    lines FILE|PART OF THE TEST'S NAME|why: where a log may end in the middle
# -v most=       so many logs are shown
#
# Prints what is wrong, a table, and exits 1 if anything is.

# bats writes a test's name with _ for a blank and -xx for what is no letter and no digit.
function plain_name(name,    at, text) {
    sub(/^test_/, "", name)
    gsub(/_/, " ", name)
    while (match(name, /-[0-9a-f][0-9a-f]/)) {
        at = index("0123456789abcdef", substr(name, RSTART + 1, 1)) - 1
        at = 16 * at + index("0123456789abcdef", substr(name, RSTART + 2, 1)) - 1
        text = text substr(name, 1, RSTART - 1) sprintf("%c", at)
        name = substr(name, RSTART + 3)
    }
    return text name
}

# Whose log, in which test.
function place_of(path,    part, n) {
    n = split(path, part, "/")
    split(part[n - 1], part, ".")
    file = part[1]
    server = part[2]
    test = plain_name(part[3])
}

function blame(text) {
    blames = blames "    " text "\n"
}

# What is another one in each process, taken out.
function places(text) {
    gsub(/0x[0-9A-Fa-f]+|[0-9]+\.[0-9.]+:[0-9]+|(socket|descriptor) [0-9]+/, "", text)
    return text
}

# A descriptor that was open at the end, with the calls that have opened it.
function judge_open(frames,    name, whose) {
    if (frames ~ /inherited from parent/) {
        return
    }
    for (name in may) {
        if (frames ~ "[ :]" name " ") {
            whose = name
        }
    }
    if (whose == "" || ++opened[whose] > may[whose]) {
        left++
        if (!seen[places(frames)]++) {
            blame("left open: " frames)
        }
    }
}

# What stands between two empty lines: a descriptor, an error, or what every log has.
function judge_paragraph(text) {
    if (text ~ /(^|\n)Open /) {
        sub(/^FILE DESCRIPTORS[^\n]*\n */, "", text)
        judge_open(text)
    } else if (text !~ /^(Memcheck, |FILE DESC|HEAP SUMM|LEAK SUMM|For lists|All heap)/) {
        said = said "    " text "\n"
    }
}

function judge_line(line) {
    if (line ~ /ERROR SUMMARY: /) {
        ended = 1
        wrong = wrong || line !~ /ERROR SUMMARY: 0 /
    } else if (line ~ /^valgrind: |the 'impossible' happened|== WARNING: unhandled/) {
        wrong = 1
    } else if (line ~ /== Command: /) {
        split(line, word, " ")
        program = word[3]
    }
    sub(/^==[0-9]+== ?/, "", line)
    if (line != "") {
        paragraph = paragraph (paragraph == "" ? "" : "\n    ") line
    } else if (paragraph != "") {
        judge_paragraph(paragraph)
        paragraph = ""
    }
}

function read_log(path,    line) {
    said = blames = paragraph = program = ""
    ended = wrong = left = 0
    split("", opened)
    split("", seen)
    while ((getline line <path) > 0) {
        judge_line(line)
    }
    close(path)
}

# Nobody has seen how the process has ended: was that meant?
function judge_end(    i) {
    for (i = 1; i <= nunended; i++) {
        if ((unended_file[i] == "*" || unended_file[i] == file) && index(test, unended_test[i])) {
            return
        }
    }
    blame("ends in the middle: killed, or valgrind died")
    lost++
}

# The same of several processes is told once.
function show(path,    text, same) {
    text = blames (wrong ? said : "")
    same = places(file text)
    if (told[same]++) {
        again++
    } else if (++shown <= most) {
        printf "valgrind: %s\n    in %s.bats", path, file
        printf "%s: \"%s\"\n%s", (server == "-" ? "" : " with " server), test, text
    }
}

function row(name, n, bad, open, unfinished) {
    return sprintf("%-28s %9s %7s %12s %10s", name, n, bad, open, unfinished)
}

function print_table(    name) {
    print "valgrind: what ran under it, and in how many logs there is something"
    print row("program", "processes", "errors", "descriptors", "unfinished")
    fflush()
    for (name in processes) {
        print row(name, processes[name], errors[name], leaving[name], cut[name] + 0) | "sort"
    }
    close("sort")
    print row("all", all, all_errors, all_leaving, all_cut + 0)
}

BEGIN {
    for (n = split(kept, lines, "\n"); n > 0; n--) {
        split(lines[n], part, "|")
        may[part[1]] = part[2]
    }
    nunended = split(unended, lines, "\n")
    for (n = 1; n <= nunended; n++) {
        split(lines[n], part, "|")
        unended_file[n] = part[1]
        unended_test[n] = part[2]
    }
}

{
    read_log($0)
    if (program == "") { # it ended before it could say of what it is
        program = $0
        sub(/\.[0-9]+$/, "", program)
    } else if (index(program, place "/real/") != 1 && index(program, place "/objects/") != 1) {
        next
    }
    place_of($0)
    sub(/.*\//, "", program)
    all++
    processes[program]++
    if (!ended) {
        judge_end()
        all_cut++
        cut[program]++
    }
    all_errors += wrong
    errors[program] += wrong
    all_leaving += left > 0
    leaving[program] += left > 0
    if (wrong || blames != "") {
        show($0)
    }
}

END {
    if (shown > most) {
        printf "valgrind: and %d more that are not shown\n", shown - most
    }
    if (again) {
        printf "valgrind: %d logs more say the same as one of these\n", again
    }
    print_table()
    if (!all) {
        print "valgrind: no process has left a log"
    }
    exit shown > 0 || !all
}
