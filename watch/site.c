#include "site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <signal.h>

#include "../common/die.h"
#include "loads.h"
#include "pages.h"
#include "processes.h"
#include "record.h"
#include "services.h"
#include "snapshot.h"

static const char TEXT[] = "text/plain; charset=utf-8", HTML[] = "text/html; charset=utf-8";

/* No script of the page stands in it, so none needs a nonce. */
static const char POLICY[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

enum { HOST_MOST = 300 };

/* What POST /do may have; NULL: it has not. */
struct form {
    const char *token, *what, *name, *act, *pid;
    char *names, *options;
};

static char token[RECORD_SECRET + 1];
static char hosts[5][HOST_MOST]; /* what Host may be; the first one is where it listens */
static struct text *recorded;    /* -r: the one page */

/* A browser leaves out the port 80. */
void
site_open(const char *host, const char *address, struct text *record)
{
    const char *const names[] = {"localhost", "127.0.0.1", "::1", host};
    const char *colon = strrchr(address, ':'), *port = strcmp(colon, ":80") == 0 ? "" : colon;

    recorded = record;
    record_secret(token);
    snprintf(hosts[0], sizeof hosts[0], "%.*s%s", (int)(colon - address), address, port);
    for (int i = 0; i < 4; i++) {
        const char *six = strchr(names[i], ':');

        snprintf(hosts[i + 1], sizeof hosts[0], "%s%s%s%s", six ? "[" : "", names[i],
                 six ? "]" : "", port);
    }
}

struct answer
site_refuse(int status, const char *why)
{
    struct answer answer = {.status = status, .type = TEXT, .body = text_new()};

    text_say(answer.body, "%s\n", why);
    text_end(answer.body);
    return answer;
}

/* A page of another site may have a name that leads here (DNS rebinding): its Host gives it away.
 */
static bool
host_is_ours(const char *host)
{
    for (int i = 0; host && i < 5; i++) {
        if (strcasecmp(host, hosts[i]) == 0) {
            return true;
        }
    }
    return false;
}

static struct answer
refuse_host(void)
{
    struct answer answer = site_refuse(421, "this address is not known here");

    answer.body->length = 0;
    text_say(answer.body,
             "this address is not known here: open http://%s/ in place of it, or "
             "start watch with -i and the name that you want\n",
             hosts[0]);
    return answer;
}

/* A browser says where a request comes from, and no page can change that. */
static bool
comes_from_us(const struct request *request)
{
    const char *origin = request->origin;

    if (origin &&
        (strncmp(origin, "http://", 7) != 0 || strcasecmp(origin + 7, request->host) != 0)) {
        return false;
    }
    return request->site ? strcmp(request->site, "same-origin") == 0 : origin != NULL;
}

/* In a time that does not tell how many letters are right. */
static bool
token_is_right(const char *given)
{
    int differs = 0;

    if (!given || strlen(given) != RECORD_SECRET) {
        return false;
    }
    for (int i = 0; i < RECORD_SECRET; i++) {
        differs |= given[i] ^ token[i];
    }
    return differs == 0;
}

/* --- GET ------------------------------------------------------------------------------------- */

static struct answer
answer_page(struct text *page, const char *policy)
{
    return (struct answer){.status = 200, .type = HTML, .policy = policy, .body = page};
}

/* A script, a style, or a text of the suite: all are built in, no file is opened. */
static struct answer
answer_file(const char *name)
{
    const char *dot = strrchr(name, '.');
    bool script = dot && strcmp(dot, ".js") == 0, style = dot && strcmp(dot, ".css") == 0;
    bool text = dot && strcmp(dot, ".md") == 0;
    const struct page *page = script || style || text ? pages_find(name) : NULL;
    struct answer answer = {.status = 200, .body = NULL};

    if (!page) {
        return site_refuse(404, "there is nothing of that name");
    }
    answer.type = script  ? "text/javascript; charset=utf-8"
                  : style ? "text/css; charset=utf-8"
                          : TEXT;
    answer.body = text_new();
    text_put(answer.body, page->bytes, page->length);
    return answer;
}

static struct answer
answer_get(const struct request *request)
{
    const char *target = request->target, *site = request->site;
    struct answer answer = {.status = 200, .type = "application/json"};
    struct text *page;

    if (strcmp(target, "/") == 0) { /* a link may lead here from anywhere */
        return recorded ? answer_page(text_share(recorded), record_policy(recorded))
                        : answer_page(record_put_together(token, NULL), POLICY);
    }
    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0) {
        return site_refuse(403, "a page of another site asks for this");
    }
    if (recorded) {
        return site_refuse(404, "a recording is shown here, at /, and nothing else");
    }
    if (strcmp(target, "/events") == 0) {
        answer.type = "text/event-stream";
        answer.stream = true;
        return answer;
    }
    if (strcmp(target, "/status.json") == 0) {
        answer.body = text_new();
        snapshot_make(answer.body, false);
        text_put(answer.body, "\n", 1);
        return answer;
    }
    if (strcmp(target, "/record.html") == 0) {
        page = record_page();
        return page ? answer_page(page, record_policy(page))
                    : site_refuse(404, "there is no recording: start one, and stop it");
    }
    return answer_file(target + 1);
}

/* --- POST /do -------------------------------------------------------------------------------- */

static const char *
read_form(char *body, struct form *form)
{
    char *name, *value;
    int found;

    while ((found = request_field(&body, &name, &value)) == 1) {
        const struct {
            const char *name, **place;
        } fields[] = {{"token", &form->token},
                      {"what", &form->what},
                      {"name", &form->name},
                      {"do", &form->act},
                      {"pid", &form->pid}};
        char **text = strcmp(name, "names") == 0     ? &form->names
                      : strcmp(name, "options") == 0 ? &form->options
                                                     : NULL;
        size_t i = 0;

        while (!text && i < sizeof fields / sizeof *fields && strcmp(name, fields[i].name) != 0) {
            i++;
        }
        if (text ? *text != NULL : i == sizeof fields / sizeof *fields || *fields[i].place) {
            return "token, what, name, do, pid, names, options are allowed, each once";
        }
        if (text) {
            *text = value;
        } else {
            *fields[i].place = value;
        }
    }
    return found == -1 ? "this is no form" : NULL;
}

/* What is asked of a process: only if it is one of the service's now. */
static const char *
do_child(struct service *service, const struct form *form)
{
    static const char *const acts[] = {"kill", "stop", "cont"};
    static const int signals[] = {SIGKILL, SIGSTOP, SIGCONT};
    const struct process *each;
    int count = service->process.pid ? processes_of(service->process.pid, &each) : 0;
    long pid = form->pid ? atol(form->pid) : 0;

    for (int i = 0; i < 3; i++) {
        if (strcmp(form->act, acts[i]) != 0) {
            continue;
        }
        for (; count > 0; count--, each++) {
            if (each->pid == pid && pid == service->process.pid && signals[i] == SIGSTOP) {
                return service_halt(service);
            }
            if (each->pid == pid) {
                kill(each->pid, signals[i]);
                return NULL;
            }
        }
        return "pid: this is no process of that service";
    }
    return "do: kill, stop or cont is allowed";
}

static const char *
do_load(const struct form *form)
{
    if (strcmp(form->act, "stop") == 0) {
        return loads_stop();
    }
    if (strcmp(form->act, "start") == 0 && form->names && form->options) {
        return loads_start(form->names, form->options);
    }
    return "do: start with names and options, or stop, is allowed";
}

static const char *
do_record(const struct form *form)
{
    if (strcmp(form->act, "start") == 0) {
        return record_start();
    }
    if (strcmp(form->act, "stop") != 0) {
        return "do: start or stop is allowed";
    }
    record_turn(); /* what is seen now is in it, too */
    return record_stop();
}

static const char *
do_it(const struct form *form)
{
    struct service *service = form->name ? services_find(form->name) : NULL;

    if (!form->what || !form->act) {
        return "what and do are needed";
    }
    if (strcmp(form->what, "load") == 0) {
        return do_load(form);
    }
    if (strcmp(form->what, "record") == 0) {
        return do_record(form);
    }
    if (!service) {
        return "name: there is no such service";
    }
    if (strcmp(form->what, "service") == 0) {
        return service_do(service, form->act);
    }
    return strcmp(form->what, "child") == 0 ? do_child(service, form)
                                            : "what: service, child, load or record is allowed";
}

static struct answer
answer_post(const struct request *request)
{
    static const char form_type[] = "application/x-www-form-urlencoded";
    struct form form = {0};
    const char *wrong;

    if (!comes_from_us(request)) {
        return site_refuse(403, "only the page itself may ask for this: Sec-Fetch-Site must be "
                                "same-origin, or Origin this address");
    }
    if (!request->type || strncasecmp(request->type, form_type, strlen(form_type)) != 0) {
        return site_refuse(415, "send application/x-www-form-urlencoded");
    }
    wrong = read_form(request->body, &form);
    if (wrong) {
        return site_refuse(400, wrong);
    }
    if (!token_is_right(form.token)) {
        return site_refuse(403, "token: load the page anew, for watch has been started anew");
    }
    wrong = do_it(&form);
    return wrong ? site_refuse(400, wrong) : (struct answer){.status = 204};
}

struct answer
site_answer(const struct request *request)
{
    bool acts = strcmp(request->target, "/do") == 0 && !recorded;

    if (!host_is_ours(request->host)) {
        return refuse_host();
    }
    if (strcmp(request->method, acts ? "POST" : "GET") != 0) {
        return site_refuse(405, acts ? "POST is allowed here" : "GET is allowed here");
    }
    return acts ? answer_post(request) : answer_get(request);
}
