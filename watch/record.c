#include "record.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/die.h"
#include "loads.h"
#include "pages.h"
#include "snapshot.h"

enum { FRAMES_MOST = 32 << 20, FILE_MOST = 64 << 20, READ_ONCE = 1 << 16 };

/* What is in a recording, and nowhere before: so a file is known to be one, and its nonce is found.
 */
static const char NONCE[] = "<style nonce=\"";
static const char FRAMES[] = "<script type=\"application/json\" id=\"record\">";

static struct text *frames; /* while one runs: "[FRAME,FRAME..." */
static struct text *last;   /* the page of the last one, or NULL */

void
record_secret(char secret[RECORD_SECRET + 1])
{
    unsigned char bytes[RECORD_SECRET / 2];
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

    if (fd == -1 || read(fd, bytes, sizeof bytes) != (ssize_t)sizeof bytes) {
        die("/dev/urandom");
    }
    close(fd);
    for (size_t i = 0; i < sizeof bytes; i++) {
        snprintf(secret + 2 * i, 3, "%02x", bytes[i]);
    }
}

const char *
record_start(void)
{
    if (frames) {
        return "a recording runs already: stop it first";
    }
    frames = text_new();
    for (int i = 0; i < loads_count; i++) {
        loads[i].recorded = 0; /* this one has none of its columns */
    }
    return NULL;
}

const char *
record_stop(void)
{
    if (!frames) {
        return "no recording runs";
    }
    text_put(frames, frames->length > 0 ? "]" : "[]", frames->length > 0 ? 1 : 2);
    text_drop(last);
    last = record_put_together("", frames);
    text_drop(frames);
    frames = NULL;
    return NULL;
}

bool
record_runs(void)
{
    return frames != NULL;
}

bool
record_kept(void)
{
    return last != NULL;
}

void
record_turn(void)
{
    if (frames) {
        text_put(frames, frames->length > 0 ? "," : "[", 1);
        snapshot_make(frames, true);
    }
    if (frames && frames->length > FRAMES_MOST) {
        warnx("the recording has %d MiB: it ends here", FRAMES_MOST >> 20);
        record_stop();
    }
}

struct text *
record_page(void)
{
    return last ? text_share(last) : NULL;
}

/* The name in a line such as <script src="/NAME"></script>; NULL if it is none. */
static const struct page *
file_of(const char *line, const char *begin)
{
    char name[64];
    size_t length;

    if (strncmp(line, begin, strlen(begin)) != 0) {
        return NULL;
    }
    line += strlen(begin);
    length = strcspn(line, "\"");
    snprintf(name, sizeof name, "%.*s", (int)length, line);
    return pages_find(name);
}

/* A file of the page in the place of the line that names it; in front of the first script, which
 * reads them, the frames, once. True if it was such a line. */
static bool
put_inside(struct text *to, const char *line, const char *nonce, const struct text **data)
{
    const struct page *style = file_of(line, "<link rel=\"stylesheet\" href=\"/");
    const struct page *script = file_of(line, "<script src=\"/");

    if (style) {
        text_say(to, "%s%s\">\n", NONCE, nonce);
        text_put(to, style->bytes, style->length);
        text_say(to, "</style>\n");
    } else if (script) {
        if (*data) {
            text_say(to, "%s", FRAMES);
            text_put(to, (*data)->bytes, (*data)->length);
            text_say(to, "</script>\n");
            *data = NULL;
        }
        text_say(to, "<script nonce=\"%s\">\n", nonce);
        text_put(to, script->bytes, script->length);
        text_say(to, "</script>\n");
    }
    return style || script;
}

struct text *
record_put_together(const char *token, const struct text *data)
{
    static const char meta[] = "<meta name=\"token\" content=\"";
    bool whole = data != NULL;
    char nonce[RECORD_SECRET + 1];
    struct text *to = text_new();
    const char *next;

    record_secret(nonce);
    for (const char *line = pages_find("page.html")->bytes; *line != '\0'; line = next) {
        next = line + strcspn(line, "\n");
        next += *next == '\n';
        if (strncmp(line, meta, strlen(meta)) == 0) {
            text_say(to, "%s%s\">\n", meta, token);
        } else if (!whole || !put_inside(to, line, nonce, &data)) {
            text_put(to, line, (size_t)(next - line));
        }
    }
    text_end(to);
    return to;
}

struct text *
record_read(const char *path)
{
    FILE *file = fopen(path, "r");
    char bytes[READ_ONCE];
    const char *nonce;
    struct text *text;
    size_t count;

    if (!file) {
        die("-r '%.200s'", path);
    }
    text = text_new();
    while ((count = fread(bytes, 1, sizeof bytes, file)) > 0 && text->length <= FILE_MOST) {
        text_put(text, bytes, count);
    }
    fclose(file);
    text_end(text);
    nonce = strstr(text->bytes, NONCE);
    if (text->length > FILE_MOST || !nonce || !strstr(text->bytes, FRAMES) ||
        strspn(nonce + strlen(NONCE), "0123456789abcdef") != RECORD_SECRET) {
        text_drop(text);
        diex("-r '%.200s': a recording of watch is allowed, of at most %d MiB; for example -r "
             "record.html",
             path, FILE_MOST >> 20);
    }
    return text;
}

const char *
record_policy(const struct text *page)
{
    static char policy[256];
    const char *nonce = strstr(page->bytes, NONCE) + strlen(NONCE);

    snprintf(
        policy, sizeof policy,
        "default-src 'none'; script-src 'nonce-%.32s'; style-src 'nonce-%.32s'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        nonce, nonce);
    return policy;
}
