/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An epoll inside of sd-event's, which is readable while one of its own sockets is ready. */

#include "poller.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* How many are served in a turn. With one there is nothing to be saved, and with all that there are
 * the clients would be idle while they are served, and this process while they are. */
#define EVENTS_MAX 16

struct poller {
    sd_event *event;
    sd_event_source *source, *hurry;
    poller_turn_func turn_end;
    void *userdata;
    int fd;
    int count, next;                       /* of `events`, while they are being served */
    struct epoll_event events[EVENTS_MAX]; /* NULL for those that have been removed meanwhile */
};

struct poller_item {
    struct poller *poller;
    int fd;
    uint32_t events;
    poller_func func;
    void *userdata;
};

static void take_turn(struct poller *poller)
{
    poller->count = epoll_wait(poller->fd, poller->events, EVENTS_MAX, 0);
    for (poller->next = 0; poller->next < poller->count;) {
        const struct epoll_event *ready = &poller->events[poller->next++];
        struct poller_item *item = ready->data.ptr;

        if (item)
            item->func(ready->events, item->userdata);
    }
    poller->count = poller->next = 0;
    if (poller->turn_end)
        poller->turn_end(poller->userdata);
}

static int on_ready(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    take_turn(userdata);
    return 0;
}

static int on_hurry(sd_event_source *source, void *userdata)
{
    take_turn(userdata);
    return 0;
}

int poller_new(sd_event *event, struct poller **ret)
{
    _cleanup_(poller_freep) struct poller *poller = calloc(1, sizeof(*poller));
    int r;

    if (!poller)
        return -ENOMEM;
    poller->event = event;
    poller->fd = epoll_create1(EPOLL_CLOEXEC);
    if (poller->fd < 0)
        return -errno;
    r = sd_event_add_io(event, &poller->source, poller->fd, EPOLLIN, on_ready, poller);
    if (r >= 0)
        r = sd_event_add_defer(event, &poller->hurry, on_hurry, poller);
    if (r >= 0)
        r = sd_event_source_set_enabled(poller->hurry, SD_EVENT_OFF);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(poller);
    return 0;
}

struct poller *poller_free(struct poller *poller)
{
    if (!poller)
        return NULL;
    sd_event_source_disable_unref(poller->source);
    sd_event_source_disable_unref(poller->hurry);
    if (poller->fd >= 0)
        (void)close(poller->fd);
    free(poller);
    return NULL;
}

sd_event *poller_event(const struct poller *poller)
{
    return poller->event;
}

void poller_set_turn_end(struct poller *poller, poller_turn_func func, void *userdata)
{
    poller->turn_end = func;
    poller->userdata = userdata;
}

void poller_hurry(struct poller *poller)
{
    (void)sd_event_source_set_enabled(poller->hurry, SD_EVENT_ONESHOT);
}

static int control(struct poller_item *item, int operation, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = item };

    if (epoll_ctl(item->poller->fd, operation, item->fd, &event) < 0)
        return -errno;
    item->events = events;
    return 0;
}

int poller_add(struct poller *poller, int fd, uint32_t events, poller_func func, void *userdata,
               struct poller_item **ret)
{
    struct poller_item *item = malloc(sizeof(*item));
    int r;

    if (!item)
        return -ENOMEM;
    *item = (struct poller_item){ poller, fd, 0, func, userdata };
    r = control(item, EPOLL_CTL_ADD, events);
    if (r < 0) {
        free(item);
        return r;
    }
    *ret = item;
    return 0;
}

int poller_item_set_events(struct poller_item *item, uint32_t events)
{
    return events == item->events ? 0 : control(item, EPOLL_CTL_MOD, events);
}

struct poller_item *poller_item_remove(struct poller_item *item)
{
    struct poller *poller;

    if (!item)
        return NULL;
    poller = item->poller;
    (void)control(item, EPOLL_CTL_DEL, 0);
    for (int i = poller->next; i < poller->count; i++)
        if (poller->events[i].data.ptr == item)
            poller->events[i].data.ptr = NULL;
    free(item);
    return NULL;
}
