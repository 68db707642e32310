/*
 * forbid - starts a program under a seccomp filter, for which a system call fails, as in a
 * container.
 *
 *     forbid_linux CALL ERROR PROGRAM [ARGUMENT...]
 *
 * CALL and ERROR are numbers. Exit status 125: there are no such filters here.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../../common/die.h"
#include "../../common/options.h"

/* What <linux/filter.h> and <linux/seccomp.h> have, which not every C library brings along. */
struct instruction {
    uint16_t code;
    uint8_t if_true, if_false;
    uint32_t operand;
};
enum { LOAD_WORD = 0x20, JUMP_IF_EQUAL = 0x15, RETURN = 0x06, NUMBER_OF_CALL = 0 };
enum { NO_NEW_PRIVILEGES = 38, SET_SECCOMP = 22, MODE_FILTER = 2, NOT_HERE = 125 };
#define ALLOW 0x7fff0000u
#define FAIL_WITH(error) (0x00050000u | (error))

int
main(int argc, char **argv)
{
    die_begin(argv[0]);
    if (argc < 4) {
        die_usage("CALL, ERROR and a program are needed");
    }
    uint32_t call = (uint32_t)options_number('c', argv[1], 0, 10000);
    uint32_t error = (uint32_t)options_number('e', argv[2], 1, 4095);
    struct instruction filter[] = {{LOAD_WORD, 0, 0, NUMBER_OF_CALL},
                                   {JUMP_IF_EQUAL, 0, 1, call},
                                   {RETURN, 0, 0, FAIL_WITH(error)},
                                   {RETURN, 0, 0, ALLOW}};
    struct {
        uint16_t length;
        struct instruction *filter;
    } program = {4, filter};

    if (prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) == -1 ||
        prctl(SET_SECCOMP, MODE_FILTER, &program, 0, 0) == -1) {
        warn("no seccomp filters here");
        return NOT_HERE;
    }
    execvp(argv[3], argv + 3);
    die("%s", argv[3]);
}
