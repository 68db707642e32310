#include "request.h"

#include "../ask/get.h"
#include "../ask/message.h"

struct content {
    const char *bytes;
    size_t length;
};

static const struct load *load;
static struct tally *tally;
static struct content requests[WORK_CLASSES_MOST]; /* by class; the one behind all -W is plain */
static struct content garbage;
static uint64_t work_key, misbehave_key; /* of this process, for lottery_draw() */
static uint64_t drawn;                   /* how many requests have been given a class */

/* Bytes that look like noise, and are the same in every run. None is a line feed, but the last. */
static void
make_garbage(void)
{
    static char bytes[MISBEHAVE_NOISE];

    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)lottery_bits(misbehave_key, i);
        bytes[i] = (char)(bytes[i] == '\n' ? '\0' : bytes[i]);
    }
    bytes[sizeof bytes - 1] = '\n';
    bytes[0] = load->http ? 'G' : '?'; /* by which a server tells the two protocols apart */
    garbage = (struct content){bytes, sizeof bytes};
}

static void
make_lines(void)
{
    static char lines[WORK_CLASSES_MOST][WORK_LINE];

    for (unsigned class = 0; class <= load->work.lots.count; class ++) {
        requests[class].bytes = lines[class];
        requests[class].length = work_line(&load->work, class, load->bytes, lines[class]);
    }
}

static void
make_gets(void)
{
    static char text[GET_ROOM];
    char *at = text;

    for (unsigned class = 0; class <= load->work.lots.count; class ++) {
        requests[class].bytes = at;
        requests[class].length = get_request(load, class, at, (size_t)(text + GET_ROOM - at));
        at += requests[class].length;
    }
}

void
request_open(const struct load *asked, struct tally *counts)
{
    load = asked;
    tally = counts;
    work_key = lottery_key(load->seed, tally->number, LOTTERY_WORK);
    misbehave_key = lottery_key(load->seed, tally->number, LOTTERY_MISBEHAVE);
    if (load->message) {
        requests[0].bytes = message_frame(&requests[0].length);
        return;
    }
    if (load->http) {
        make_gets();
    } else {
        make_lines();
    }
    make_garbage();
}

int
request_kind(uint64_t nth)
{
    return misbehave_kind(&load->misbehaviours, misbehave_key, nth);
}

unsigned
request_class(void)
{
    unsigned class;

    if (load->work.lots.count == 0) {
        return 0;
    }
    class = lottery_draw(&load->work.lots, work_key, drawn++);
    counter_add(&tally->asked[class], 1);
    return class;
}

const char *
request_bytes(const struct misbehaviour *misbehaviour, unsigned class, size_t *length)
{
    const struct content *content = &requests[class];

    if (misbehaviour) {
        content =
            misbehaviour->how == MISBEHAVE_GARBAGE ? &garbage : &requests[load->work.lots.count];
    }
    *length = content->length;
    return content->bytes;
}
