/*
 * watch - a page that shows servers at work, and steers them.
 *
 * One process, one poll() loop: it accepts browsers (visitors.c), answers their requests
 * (request.c, site.c), and starts servers and the client as its children (services.c, loads.c,
 * program.c), whose lines it reads from pipes. Four times a second it makes a snapshot of
 * everything (snapshot.c) and sends it to each open page. A server knows nothing of watch: it gets
 * signals, and prints what it prints for everybody. guardian.c ends the children of a watch that
 * was killed.
 *
 * It listens on the loopback address alone, and does what it is asked only for its own page: with
 * the token that was in it. It starts no program but those that the ini file names.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../common/address.h"
#include "../common/clock.h"
#include "../common/die.h"
#include "../common/listen.h"
#include "../common/options.h"
#include "../common/signals.h"
#include "guardian.h"
#include "loads.h"
#include "pages.h"
#include "record.h"
#include "services.h"
#include "site.h"
#include "snapshot.h"
#include "visitors.h"

static const char help[] =
    "Shows servers at work in a browser, and steers them.\n\n"
    "  -i HOST     address or name (default 127.0.0.1: this machine alone)\n"
    "  -p PORT     TCP port (default 2080); 0 lets the kernel choose\n"
    "  -f FILE     the services (default: those of watch/services.ini, built in)\n"
    "  -g TIME     grace of the services when they are stopped (default 5)\n"
    "  -r FILE     show this recording, and nothing else\n"
    "  -q          quiet: no first line\n"
    "  -h          this help\n"
    "  -V          the version\n"
    "\n"
    "A TIME is in seconds, or has one of the units us, ms, s, m: 10, 0.5, 500ms.\n"
    "Open the address of the first line in a browser. TERM or INT stops the services\n"
    "and watch; once more, at once. Exit status: 0 after a stop, 1 after an error, 2\n"
    "for wrong usage.\n";

enum {
    PORT = 2080,
    TURN_US = 250 * 1000, /* between two snapshots; of every second one come statistics */
    ENDING_US = 20 * 1000,
    POLLED_MOST = 1 + PROGRAM_STREAMS * (SERVICES_MOST + LOADS_MOST) + VISITORS_MOST
};

static struct options options;
static const char *services_file, *record_file;
static int listenfd;

static void take_options(int argc, char **argv);
static void open_door(void);
static void turn(int64_t *due);
static void wait_until(int64_t due);
static int end(void);

int
main(int argc, char **argv)
{
    int64_t due = 0;
    sigset_t waiting;

    die_begin(argv[0]);
    program_folder(argv[0]);
    take_options(argc, argv);
    if (!record_file) {
        const struct page *usual = pages_find("services.ini");

        services_read(services_file ? services_file : usual->name,
                      services_file ? fopen(services_file, "r")
                                    : fmemopen((char *)usual->bytes, usual->length, "r"));
    }
    guardian_start();
    signals_open(options.grace_us, false, &waiting);
    /* POSIX.1-2008 has no poll() with a mask. A signal that comes just before poll() is seen when
     * that ends by itself, after a quarter of a second. */
    sigprocmask(SIG_SETMASK, &waiting, NULL);
    open_door();
    services_open(options.grace_us);
    while (!signals_stop && !guardian_gone()) {
        turn(&due);
        wait_until(due);
    }
    return end();
}

static void
take_options(int argc, char **argv)
{
    int letter;

    options = options_default(0);
    options.port = PORT;
    while ((letter = options_next(argc, argv, ":i:p:f:g:r:qhV")) != -1) {
        switch (letter) {
        case 'f':
            services_file = optarg;
            break;
        case 'r':
            record_file = optarg;
            break;
        case 'i':
        case 'p':
        case 'g':
        case 'q':
            options_take(&options, letter, help);
            break;
        default:
            options_rest(letter, help);
        }
    }
    options_end(argc, argv);
    if (services_file && record_file) {
        die_usage("-f and -r: one of them is allowed: a recording has its services inside");
    }
    if (strchr(options.host, '/')) {
        die_usage("-i '%.60s': an address or a name is allowed, for a browser opens no path; for "
                  "example -i 127.0.0.1",
                  options.host);
    }
}

/* Descriptors are closed in the programs that watch starts: they would keep the port, and its
 * visitors. */
static void
open_door(void)
{
    struct address bound = {.length = sizeof bound.storage};
    char text[ADDRESS_TEXT];
    bool alone;

    listenfd = listen_open(&options);
    fcntl(listenfd, F_SETFD, FD_CLOEXEC);
    listen_nonblocking(listenfd);
    if (getsockname(listenfd, &bound.any, &bound.length) == -1 ||
        (bound.any.sa_family != AF_INET && bound.any.sa_family != AF_INET6)) {
        die("the listening socket is not one of TCP");
    }
    address_text(&bound, text);
    alone = strncmp(text, "127.", 4) == 0 || strncmp(text, "[::1]", 5) == 0;
    if (!alone) {
        warnx("everybody who reaches %s can start and stop these services", text);
    }
    site_open(options.host, text, record_file ? record_read(record_file) : NULL);
    if (!options.quiet) {
        printf("%s: listening on http://%s/, pid %ld\n", die_program(), text, (long)getpid());
        if (fflush(stdout) != 0) {
            die("standard output");
        }
    }
}

/* What is done four times a second, and whenever a child has ended. */
static void
turn(int64_t *due)
{
    static bool ask;
    bool comes = clock_us() >= *due;

    if (!comes && !signals_ended) {
        return;
    }
    signals_ended = 0;
    services_turn(comes && ask);
    loads_turn();
    if (!comes) {
        return;
    }
    *due = clock_us() + TURN_US; /* not later than it was due: who was late does not hurry */
    visitors_turn();
    if (ask) {
        record_turn();
    }
    ask = !ask;
    if (visitors_stream()) {
        struct text *frame = text_new();

        text_say(frame, "data: ");
        snapshot_make(frame, false);
        text_say(frame, "\n\n");
        visitors_frame(frame);
        text_drop(frame);
    }
}

static nfds_t
watch_program(struct pollfd *polled, const struct program *program)
{
    for (int i = 0; i < PROGRAM_STREAMS; i++) { /* a descriptor of -1 is passed over */
        polled[i] = (struct pollfd){.fd = program->pid != 0 ? program->sources[i].fd : -1,
                                    .events = POLLIN};
    }
    return PROGRAM_STREAMS;
}

static void
hear_service(const struct pollfd *polled, struct service *service)
{
    for (int i = 0; i < PROGRAM_STREAMS; i++) {
        if (polled[i].revents != 0) {
            program_read(&service->process, (enum program_stream)i);
            service_hear(service, (enum program_stream)i);
        }
    }
}

static void
hear_load(const struct pollfd *polled, struct load *load)
{
    for (int i = 0; i < PROGRAM_STREAMS; i++) {
        if (polled[i].revents != 0) {
            program_read(&load->process, (enum program_stream)i);
            load_hear(load, (enum program_stream)i);
        }
    }
}

/* Waits until then, at most, and lets everything that is ready get on by one step. Programs come
 * first: what visitors ask for may start others in their places. */
static void
wait_until(int64_t due)
{
    static struct pollfd polled[POLLED_MOST];
    nfds_t used = 1, programs, visitors;
    int64_t left = due - clock_us();
    sigset_t none;

    /* (The first stop signal has shut it: from then on it would be ready at each moment.) */
    polled[0] = (struct pollfd){.fd = visitors_have_place() && !signals_stop ? listenfd : -1,
                                .events = POLLIN};
    for (int i = 0; i < services_count; i++) {
        used += watch_program(polled + used, &services[i].process);
    }
    for (int i = 0; i < loads_count; i++) {
        used += watch_program(polled + used, &loads[i].process);
    }
    programs = used;
    visitors = (nfds_t)visitors_watch(polled + used);
    if (poll(polled, used + visitors, left > 0 ? (int)((left + 999) / 1000) : 0) == -1) {
        sigemptyset(&none);
        signals_wait_failed(&none);
        return;
    }
    used = 1;
    for (int i = 0; i < services_count; i++, used += PROGRAM_STREAMS) {
        hear_service(polled + used, &services[i]);
    }
    for (int i = 0; used < programs; i++, used += PROGRAM_STREAMS) {
        hear_load(polled + used, &loads[i]);
    }
    visitors_serve(polled + programs, (int)visitors);
    if (polled[0].revents != 0) {
        visitors_accept(listenfd);
    }
}

/* The services have their grace; a second stop signal ends it. Pages are served meanwhile: they
 * show how it ends. */
static int
end(void)
{
    int64_t due = 0;
    bool runs = true;

    while (runs) {
        bool loaded = loads_end(signals_stop > 1), served = services_stop(signals_stop > 1);

        runs = loaded || served;
        if (runs) {
            turn(&due);
            wait_until(clock_us() + ENDING_US < due ? clock_us() + ENDING_US : due);
        }
    }
    guardian_end();
    return signals_stop ? EXIT_SUCCESS : EXIT_FAILURE;
}
