/*
 * calls - io_uring as the kernel has it: its three system calls, for which the C library has no
 * functions, and what of its structures and numbers we use. They never change; <linux/io_uring.h>
 * has all of them, but not every C library brings it along, nor in every age.
 */
#ifndef SERVER13_CALLS_LINUX_H
#define SERVER13_CALLS_LINUX_H

#include <stddef.h>
#include <stdint.h>

/* --- what we ask for: a submission, 64 bytes ------------------------------------------------- */

enum { IORING_OP_SENDMSG = 9, IORING_OP_ACCEPT = 13, IORING_OP_ASYNC_CANCEL = 14 };
enum { IORING_OP_CLOSE = 19, IORING_OP_SEND = 26, IORING_OP_RECV = 27 };
enum { IOSQE_BUFFER_SELECT = 1 << 5, IOSQE_CQE_SKIP_SUCCESS = 1 << 6 }; /* of `flags` */
enum { IORING_ACCEPT_MULTISHOT = 1, IORING_RECVSEND_POLL_FIRST = 1 };   /* of `how` */

struct io_uring_sqe {
    uint8_t opcode, flags;
    uint16_t how; /* (ioprio) more flags, as the opcode has them */
    int32_t fd;
    uint64_t offset, addr;
    uint32_t len, op_flags; /* op_flags: msg_flags and the like, as the opcode has them */
    uint64_t user_data;     /* ours: comes back with the completion */
    uint16_t buf_group, personality;
    int32_t file_index;
    uint64_t more[2];
};

/* --- what has come of it: a completion ------------------------------------------------------- */

enum { IORING_CQE_F_BUFFER = 1, IORING_CQE_F_MORE = 2, IORING_CQE_BUFFER_SHIFT = 16 };

struct io_uring_cqe {
    uint64_t user_data;
    int32_t res; /* what the system call would have returned; or -errno */
    uint32_t flags;
};

/* --- making a ring --------------------------------------------------------------------------- */

enum { IORING_SETUP_CQSIZE = 1 << 3, IORING_SETUP_SUBMIT_ALL = 1 << 7 };
enum { IORING_SETUP_SINGLE_ISSUER = 1 << 12, IORING_SETUP_DEFER_TASKRUN = 1 << 13 };
enum { IORING_OFF_SQ_RING = 0, IORING_OFF_SQES = 0x10000000 }; /* for mmap() */

struct io_uring_params {
    uint32_t sq_entries, cq_entries, flags, sq_thread_cpu, sq_thread_idle, features, wq_fd, none[3];
    struct {
        uint32_t head, tail, ring_mask, ring_entries, flags, dropped, array, none;
        uint64_t user_addr;
    } sq_off;
    struct {
        uint32_t head, tail, ring_mask, ring_entries, overflow, cqes, flags, none;
        uint64_t user_addr;
    } cq_off; /* both: where in the mapping these are */
};

int io_uring_setup(unsigned entries, struct io_uring_params *params);

/* --- submitting and waiting ------------------------------------------------------------------ */

enum { IORING_ENTER_GETEVENTS = 1, IORING_ENTER_EXT_ARG = 1 << 3 };

struct io_uring_getevents_arg {
    uint64_t sigmask;
    uint32_t sigmask_size, none;
    uint64_t timeout; /* a pointer to two of 64 bits, seconds and nanoseconds, on all machines */
};

int io_uring_enter(int fd, unsigned submit, unsigned least, unsigned flags, const void *argument,
                   size_t size);

/* --- buffers that the kernel may fill -------------------------------------------------------- */

enum { IORING_REGISTER_PBUF_RING = 22 };

struct io_uring_buf {
    uint64_t addr;
    uint32_t len;
    uint16_t number, tail; /* tail: of entry 0, the ring's */
};

struct io_uring_buf_reg {
    uint64_t ring_addr;
    uint32_t ring_entries;
    uint16_t group, flags;
    uint64_t none[3];
};

int io_uring_register(int fd, unsigned what, const void *argument, unsigned count);

#endif
