#include "request.h"

#include "../ask/lottery.h"
#include "../ask/message.h"

struct content {
    const char *bytes;
    size_t length;
};

static const struct load *load;
static struct tally *tally;
static struct content requests[MIX_CLASSES_MOST]; /* by class; without -W there is one */
static struct content plain;                      /* what all that misbehave ask for, but ... */
static struct content garbage;                    /* ... those that send this */
static uint64_t work_key, manners_key;            /* of this process, for draw() */
static uint64_t drawn;                            /* how many requests have been given a class */

/* Bytes that look like noise, and are the same in every run. None is a line feed, but the last. */
static void
make_garbage(void)
{
    static char bytes[MANNERS_GARBAGE];

    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)draw(manners_key, i);
        bytes[i] = (char)(bytes[i] == '\n' ? '\0' : bytes[i]);
    }
    bytes[sizeof bytes - 1] = '\n';
    garbage = (struct content){bytes, sizeof bytes};
}

static void
make_lines(void)
{
    static char lines[MIX_CLASSES_MOST][MIX_LINE], line[MIX_LINE];
    static const struct mix none;
    unsigned class = 0;

    do {
        requests[class].bytes = lines[class];
        requests[class].length = mix_request(&load->mix, class, load->bytes, lines[class]);
    } while (++class < load->mix.classes);
    plain = (struct content){line, mix_request(&none, 0, load->bytes, line)};
}

void
request_open(const struct load *asked, struct tally *counts)
{
    load = asked;
    tally = counts;
    work_key = draw_key(load->seed, tally->number, DRAW_WORK);
    manners_key = draw_key(load->seed, tally->number, DRAW_MANNERS);
    if (load->message) {
        requests[0].bytes = frame_bytes(&requests[0].length);
    } else {
        make_lines();
        make_garbage();
    }
}

int
request_kind(uint64_t nth)
{
    if (load->manners.count == 0) {
        return MANNERS_GOOD;
    }
    return manners_kind(&load->manners, draw(manners_key, nth));
}

unsigned
request_draw(void)
{
    unsigned class;

    if (load->mix.classes == 0) {
        return 0;
    }
    class = mix_class(&load->mix, draw(work_key, drawn++));
    counter_add(&tally->asked[class], 1);
    return class;
}

const char *
request_bytes(const struct misbehaviour *ways, unsigned class, size_t *length)
{
    const struct content *content = &requests[class];

    if (ways) {
        content = ways->manner == MANNER_GARBAGE ? &garbage : &plain;
    }
    *length = content->length;
    return content->bytes;
}
