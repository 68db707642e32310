#include "fdpass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Ancillary data must be aligned as a struct cmsghdr: hence the union. */
union control {
    struct cmsghdr align;
    char space[CMSG_SPACE(sizeof(int))];
};

int
fdpass_send(int channel, int fd, unsigned char byte)
{
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    union control control = {.space = {0}};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control.space,
                             .msg_controllen = sizeof control.space};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd); /* CMSG_DATA need not be aligned for an int */
    return sendmsg(channel, &message, 0) == -1 ? -1 : 0;
}

int
fdpass_receive(int channel, bool wait)
{
    char byte;
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    union control control;
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control.space,
                             .msg_controllen = CMSG_LEN(sizeof(int))}; /* not SPACE: room for one */
    /* MSG_DONTWAIT: not in POSIX.1-2008, but wherever descriptors can be passed. */
    ssize_t count = recvmsg(channel, &message, wait ? 0 : MSG_DONTWAIT);
    struct cmsghdr *header;
    int fd;

    if (count <= 0) {
        return count == 0 ? FDPASS_END : FDPASS_NONE;
    }
    header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(sizeof fd)) {
        errno = EBADMSG; /* none came; or our descriptor table was full, and it is lost */
        return FDPASS_NONE;
    }
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    if (message.msg_flags & MSG_CTRUNC) {
        close(fd); /* more than one was sent: not our protocol */
        errno = EBADMSG;
        return FDPASS_NONE;
    }
    return fd;
}
