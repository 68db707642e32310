#include "attached.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../common/fdpass.h"
#include "../../common/ring.h"

static void *memory;
static struct ring ring;

/* (A server that passes an object which is too small would make a touch end this process.) */
static void *
map(int fd)
{
    struct stat status;
    void *mapped;

    if (fstat(fd, &status) == -1) {
        return MAP_FAILED;
    }
    if (status.st_size < (off_t)ring_size()) {
        errno = EBADMSG;
        return MAP_FAILED;
    }
    mapped = mmap(NULL, ring_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return mapped;
}

bool
attached_begin(int fd)
{
    int object = fdpass_receive(fd, true);
    void *mapped;

    if (object < 0) {
        errno = object == FDPASS_END ? ECONNRESET : errno;
        return false;
    }
    mapped = map(object);
    close(object);
    if (mapped == MAP_FAILED) {
        return false;
    }
    memory = mapped;
    ring = ring_open(memory, fd, false);
    return true;
}

ssize_t
attached_write(const char *bytes, size_t length)
{
    const struct iovec request = {.iov_base = (char *)bytes, .iov_len = length};
    ssize_t count = ring_put(&ring, &request, 1);

    if (count == -1 && errno == EAGAIN) {
        errno = ring_wait(&ring, RING_ROOM) == RING_OVER ? EPIPE : EINTR;
    }
    return count;
}

ssize_t
attached_read(char *bytes, size_t length)
{
    ssize_t count = ring_take(&ring, bytes, length);

    if (count != -1 || errno != EAGAIN) {
        return count;
    }
    switch (ring_wait(&ring, RING_INPUT)) {
    case RING_READY:
        return ring_take(&ring, bytes, length);
    case RING_OVER:
        return 0;
    default:
        errno = EINTR;
        return -1;
    }
}

void
attached_end(void)
{
    if (memory) {
        ring_leave(&ring);
        munmap(memory, ring_size());
        memory = NULL;
    }
}
