#!/bin/sh
# link.sh CC FLAGS DIR - prints how to link server01_fork so that a fork is cheap.
#
# fork() copies every mapping of the process, and a child faults in every page that it uses: a static
# program has half of the mappings and half of the faults of a dynamic one (README.md has the
# figures). The one thing in the way is the linker's warning that getaddrinfo() in a static
# program may want shared libraries: true for lookups by NSS modules, not for files and DNS, which
# glibc has built in since 2.34. So the warning is taken out of a copy of that object.
#
# What it prints has been tried: linked without a word, run, and "localhost" was found. Where that
# fails (no libc.a, a sanitizer) the program is linked dynamically, but bound at its start: with
# lazy binding every child would look up the same functions again.
set -eu

cc=$1 flags=$2 dir=$3
object=$dir/getaddrinfo.o

try() {
    # shellcheck disable=SC2086  # the flags are several words
    said=$($cc $flags -x c "$dir/try.c" -x none -o "$dir/try" "$@" 2>&1) &&
        [ -z "$said" ] && "$dir/try" >/dev/null 2>&1
}

mkdir -p "$dir"
cat >"$dir/try.c" <<'EOT'
#include <netdb.h>
#include <sys/types.h>
#include <sys/socket.h>
int main(void)
{
    struct addrinfo *found;
    return getaddrinfo("localhost", "0", 0, &found) != 0;
}
EOT

libc=$($cc -print-file-name=libc.a 2>/dev/null) || libc=
if (cd "$dir" && ar x "$libc" getaddrinfo.o) 2>/dev/null &&
    objcopy --remove-section=.gnu.warning.getaddrinfo "$object" 2>/dev/null &&
    try -static "$object"; then
    echo "-static $object"
elif try -static; then
    echo -static
elif try -Wl,-z,now; then
    echo -Wl,-z,now
fi
