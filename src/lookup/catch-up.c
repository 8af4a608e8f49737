/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The watcher's socket is one among those of the clients. A request is sent at the end of a turn,
 * when every client that could be read from by then was, and carries all of their misses; those who
 * have waited are served some at a time, in the same turns as clients that have not. */

#include "catch-up.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "core/catch-up.h"
#include "log.h"

/* Served in one turn: as many as there can be clients that have not waited (poller.c). */
#define SERVED_IN_A_TURN 16

/* The timer runs to the end also when what it was set for is over: setting it anew for each lookup
 * would cost more than to be woken once for nothing. */
#define TIMER_ACCURACY_USEC 1000

struct catch_up {
    struct poller *poller;
    const char *path;
    struct poller_item *io; /* NULL: there is no connection */
    int fd;
    sd_event_source *timer;
    struct rounds rounds;
    bool is_timing;
    bool warned; /* the log's last word is that the watcher does not answer */
    struct log_limit warning;
};

static uint64_t now_usec(const struct catch_up *catch_up)
{
    uint64_t usec = 0;

    (void)sd_event_now(poller_event(catch_up->poller), CLOCK_MONOTONIC, &usec);
    return usec;
}

static void set_timer(struct catch_up *catch_up)
{
    uint64_t usec = rounds_next_usec(&catch_up->rounds);

    if (catch_up->is_timing || usec == UINT64_MAX)
        return;
    catch_up->is_timing = sd_event_source_set_time(catch_up->timer, usec) >= 0 &&
                          sd_event_source_set_enabled(catch_up->timer, SD_EVENT_ONESHOT) >= 0;
}

static void disconnect(struct catch_up *catch_up)
{
    if (!catch_up->io)
        return;
    catch_up->io = poller_item_remove(catch_up->io);
    (void)close(catch_up->fd);
}

static void hang_up(struct catch_up *catch_up, const char *why)
{
    log_line(LOG_DEBUG, "no catching up: %s", why);
    disconnect(catch_up);
    rounds_break(&catch_up->rounds, now_usec(catch_up));
}

static void note_answer(struct catch_up *catch_up, enum rounds_answer kind)
{
    uint64_t usec = now_usec(catch_up) - catch_up->rounds.sent_usec;

    log_line(LOG_DEBUG, "caught up, request %llu, after %llu us%s",
             (unsigned long long)catch_up->rounds.number, (unsigned long long)usec,
             kind == ROUNDS_LATE ? ", too late" : "");
    if (kind == ROUNDS_IN_TIME && catch_up->warned) {
        log_line(LOG_INFO, "the watcher answers in time again");
        catch_up->warned = false;
    }
}

static void take_answer(struct catch_up *catch_up, const uint8_t *data, size_t len)
{
    struct catch_up_answer answer = { 0 };
    enum rounds_answer kind = ROUNDS_UNASKED;
    uint64_t timeout_usec = catch_up->rounds.timeout_usec;

    if (catch_up_read_answer(data, len, &answer) == 0)
        kind =
            rounds_end(&catch_up->rounds, answer.number, answer.timeout_usec, now_usec(catch_up));
    switch (kind) {
    case ROUNDS_IN_TIME:
    case ROUNDS_LATE:
        note_answer(catch_up, kind);
        if (catch_up->rounds.timeout_usec != timeout_usec)
            catch_up->is_timing = false;
        set_timer(catch_up);
        break;
    case ROUNDS_UNASKED:
        hang_up(catch_up, "the watcher answers what it was not asked");
        break;
    }
}

static void on_io(uint32_t revents, void *userdata)
{
    struct catch_up *catch_up = userdata;
    uint8_t data[CATCH_UP_ANSWER_SIZE + 1];
    ssize_t n = recv(catch_up->fd, data, sizeof(data), 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0)
        hang_up(catch_up, n < 0 ? strerror(errno) : "the watcher has hung up");
    else
        take_answer(catch_up, data, (size_t)n);
}

/* A socket of this kind is connected at once, or not at all. */
static int call_watcher(struct catch_up *catch_up)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int r;

    if (fd < 0)
        return -errno;
    memcpy(address.sun_path, catch_up->path, strlen(catch_up->path));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    r = poller_add(catch_up->poller, fd, EPOLLIN, on_io, catch_up, &catch_up->io);
    if (r < 0)
        return r;
    catch_up->fd = TAKE_FD(fd);
    return 0;
}

static void send_request(struct catch_up *catch_up)
{
    uint8_t data[CATCH_UP_REQUEST_SIZE];
    int r = catch_up->io ? 0 : call_watcher(catch_up);

    if (r == 0) {
        catch_up_write_request(rounds_begin(&catch_up->rounds, now_usec(catch_up)), data);
        if (send(catch_up->fd, data, sizeof(data), MSG_NOSIGNAL) < 0)
            r = -errno;
    }
    if (r < 0)
        hang_up(catch_up, strerror(-r));
    set_timer(catch_up);
}

void catch_up_serve(struct catch_up *catch_up)
{
    struct rounds_wait *wait;

    for (unsigned i = 0; i < SERVED_IN_A_TURN; i++) {
        wait = rounds_take_settled(&catch_up->rounds);
        if (!wait)
            return;
        struct catch_up_wait *served =
            (struct catch_up_wait *)((char *)wait - offsetof(struct catch_up_wait, wait));

        served->done(served->userdata);
    }
}

void catch_up_send(struct catch_up *catch_up)
{
    if (rounds_want_request(&catch_up->rounds, now_usec(catch_up)))
        send_request(catch_up);
    if (rounds_have_settled(&catch_up->rounds))
        poller_hurry(catch_up->poller);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct catch_up *catch_up = userdata;

    catch_up->is_timing = false;
    if (rounds_expire(&catch_up->rounds, now_usec(catch_up)) &&
        log_limit_passes(&catch_up->warning, now_usec(catch_up))) {
        log_line(LOG_WARNING,
                 "the watcher does not answer within %llu ms; until it does, the map is answered "
                 "from as it is",
                 (unsigned long long)(catch_up->rounds.timeout_usec * 1000 / USEC_PER_SEC));
        catch_up->warned = true;
    }
    poller_hurry(catch_up->poller);
    set_timer(catch_up);
    return 0;
}

int catch_up_new(struct poller *poller, const char *path, struct catch_up **ret)
{
    _cleanup_(catch_up_freep) struct catch_up *catch_up = calloc(1, sizeof(*catch_up));
    int r;

    if (!catch_up)
        return -ENOMEM;
    catch_up->poller = poller;
    catch_up->path = path;
    rounds_init(&catch_up->rounds, CATCH_UP_TIMEOUT_USEC);
    r = sd_event_add_time(poller_event(poller), &catch_up->timer, CLOCK_MONOTONIC, 0,
                          TIMER_ACCURACY_USEC, on_timer, catch_up);
    if (r >= 0)
        r = sd_event_source_set_enabled(catch_up->timer, SD_EVENT_OFF);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(catch_up);
    return 0;
}

struct catch_up *catch_up_free(struct catch_up *catch_up)
{
    if (!catch_up)
        return NULL;
    disconnect(catch_up);
    sd_event_source_disable_unref(catch_up->timer);
    free(catch_up);
    return NULL;
}

bool catch_up_ask(struct catch_up *catch_up, struct catch_up_wait *wait)
{
    if (!catch_up->path[0] || !rounds_join(&catch_up->rounds, &wait->wait, now_usec(catch_up)))
        return false;
    set_timer(catch_up);
    return true;
}

void catch_up_leave(struct catch_up *catch_up, struct catch_up_wait *wait)
{
    rounds_leave(&catch_up->rounds, &wait->wait);
}
