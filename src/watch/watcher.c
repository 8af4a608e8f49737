/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The loop around batches. Whatever wakes it (the journal, an address whose time is over, a reload,
 * a retry) has the same effect: one more batch is run. What fails is undone and tried again after a
 * while, from the last position that was committed; nothing is skipped. Fatal is only what fails at
 * the start, and a map that cannot be opened, or put in its place, any more. */

#include "watcher.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "batch.h"
#include "catch-up-server.h"
#include "clock-change.h"
#include "log.h"
#include "plain-file.h"
#include "program/clock.h"
#include "sigbus.h"
#include "signals.h"
#include "state.h"

#define RETRY_FIRST_USEC   USEC_PER_SEC
#define RETRY_LONGEST_USEC (30 * USEC_PER_SEC)

/* A batch takes milliseconds; the service manager is asked for this much more before each. */
#define START_EXTENSION_USEC (30 * USEC_PER_SEC)

struct watcher {
    struct watcher_hooks hooks;
    struct state *state;
    struct batch *batch;
    struct report report;
    struct catch_up_server *catch_up;
    sd_event *event;
    sd_event_source *work;   /* enabled while there is something to do */
    sd_event_source *expiry; /* the next address whose time is over, on the real-time clock */
    sd_event_source *retry;
    int clock_fd;            /* readable when the clock was set */
    uint64_t retry_usec;     /* the length of the pause that is under way; 0 while all is well */
    uint64_t own_clock_usec; /* the time that --reprocess has come to; 0 once it is at the end */
    uint64_t entries;        /* read so far */
    bool is_ready;
    bool is_blind; /* the log's last word is that the journal cannot be watched */
};

struct watcher *watcher_free(struct watcher *watcher)
{
    if (!watcher)
        return NULL;
    catch_up_server_free(watcher->catch_up);
    state_free(watcher->state);
    batch_free(watcher->batch);
    sd_event_source_disable_unref(watcher->work);
    sd_event_source_disable_unref(watcher->expiry);
    sd_event_source_disable_unref(watcher->retry);
    sd_event_unref(watcher->event);
    if (watcher->clock_fd >= 0)
        (void)close(watcher->clock_fd);
    free(watcher);
    return NULL;
}

static void enable(sd_event_source *event_source)
{
    (void)sd_event_source_set_enabled(event_source, SD_EVENT_ONESHOT);
}

static void on_wake(void *userdata)
{
    struct watcher *watcher = userdata;

    /* During a pause, what comes in meanwhile waits for its end. */
    if (watcher->retry_usec == 0)
        enable(watcher->work);
}

/* During a pause the map is as good as it will be for a while. */
static void on_asked(void *userdata)
{
    struct watcher *watcher = userdata;

    if (watcher->retry_usec > 0)
        catch_up_server_settle(watcher->catch_up);
    else
        enable(watcher->work);
}

/* Nobody could read a map that is kept in memory. */
static void serve_catch_up(struct watcher *watcher)
{
    const struct settings *settings = watcher->state->settings;

    catch_up_server_listen(watcher->catch_up, settings->catch_up_socket,
                           settings->write ? settings->catch_up_usec : 0);
}

static void schedule_expiry(struct watcher *watcher)
{
    uint64_t next_usec = table_next_usec(watcher->state->table);

    if (next_usec == UINT64_MAX)
        return;
    (void)sd_event_source_set_time(watcher->expiry, next_usec);
    enable(watcher->expiry);
}

static int on_expiry(sd_event_source *event_source, uint64_t usec, void *userdata)
{
    on_wake(userdata);
    return 0;
}

static int on_retry(sd_event_source *event_source, uint64_t usec, void *userdata)
{
    struct watcher *watcher = userdata;

    enable(watcher->work);
    return 0;
}

/* Pauses, longer each time in a row, before the next batch. */
static void pause_work(struct watcher *watcher)
{
    uint64_t usec = watcher->retry_usec > 0 ? 2 * watcher->retry_usec : RETRY_FIRST_USEC;

    watcher->retry_usec = usec < RETRY_LONGEST_USEC ? usec : RETRY_LONGEST_USEC;
    (void)sd_event_source_set_time_relative(watcher->retry, watcher->retry_usec);
    enable(watcher->retry);
    catch_up_server_settle(watcher->catch_up);
}

static int recover_map(struct watcher *watcher, int error)
{
    report_trouble(&watcher->report, TROUBLE_MAP, map_error_text(error));
    pause_work(watcher);
    return state_recover(watcher->state, error == -EBADMSG);
}

static int recover_journal(struct watcher *watcher, int error)
{
    report_trouble(&watcher->report, TROUBLE_JOURNAL, source_error_text(error));
    pause_work(watcher);
    return state_recover(watcher->state, false);
}

static void tell_blindness(struct watcher *watcher)
{
    bool is_blind = source_is_blind(watcher->state->source);

    if (is_blind && !watcher->is_blind)
        log_warning("the journal cannot be watched, since no inotify watches are left (see "
                    "fs.inotify.max_user_watches); it is looked at every few seconds");
    else if (!is_blind && watcher->is_blind)
        log_info("the journal is watched again");
    watcher->is_blind = is_blind;
}

static int become_ready(struct watcher *watcher)
{
    watcher->is_ready = true;
    log_info("ready: %" PRIu64 " journal entries read, addresses allowed: %zu", watcher->entries,
             table_count(watcher->state->table));
    serve_catch_up(watcher);
    (void)sd_notify(0, "READY=1");
    return watcher->hooks.ready(watcher->hooks.userdata);
}

static void leave_own_time(struct watcher *watcher)
{
    watcher->own_clock_usec = 0;
    log_info("reached the end of the journal: %" PRIu64 " entries read, %" PRIu64 " logins counted",
             watcher->entries,
             watcher->report.changes[CHANGE_ALLOW] + watcher->report.changes[CHANGE_EXTEND]);
    /* Time goes on as usual now, and ends what is long over. */
    enable(watcher->work);
}

/* Everything there was is read. */
static int on_drained(struct watcher *watcher)
{
    int r = map_publish(watcher->state->map);

    if (r < 0) {
        log_error("the new map cannot be put in its place: %s", map_error_text(r));
        return r;
    }
    watcher->retry_usec = 0;
    if (watcher->own_clock_usec > 0)
        leave_own_time(watcher);
    catch_up_server_settle(watcher->catch_up);
    return watcher->is_ready ? 0 : become_ready(watcher);
}

static int after_batch(struct watcher *watcher, enum batch_result result, int error)
{
    switch (result) {
    case BATCH_DRAINED:
        return on_drained(watcher);
    case BATCH_MORE:
        watcher->retry_usec = 0;
        enable(watcher->work);
        return 0;
    case BATCH_JOURNAL_BROKEN:
        return recover_journal(watcher, error);
    case BATCH_MAP_FAILED:
        return recover_map(watcher, error);
    }
    return -EINVAL;
}

static int on_work(sd_event_source *event_source, void *userdata)
{
    struct watcher *watcher = userdata;
    struct state *state = watcher->state;
    bool own_time = watcher->own_clock_usec > 0;
    struct batch_context context = {
        .settings = state->settings,
        .map = state->map,
        .table = state->table,
        .source = state->source,
        .source_name = state_source_name(state),
        .report = &watcher->report,
        .own_time = own_time,
        .now_usec = watcher->own_clock_usec,
    };
    enum batch_result result;
    size_t entries = 0;
    int error = 0, r;

    if (!watcher->is_ready)
        (void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%" PRIu64, START_EXTENSION_USEC);
    result = batch_run(watcher->batch, &context, &error, &entries);
    watcher->entries += entries;
    /* There is a position now. */
    if (entries > 0)
        state->from_start = false;
    if (own_time)
        watcher->own_clock_usec = context.now_usec;
    r = after_batch(watcher, result, error);
    if (r < 0)
        return r;
    schedule_expiry(watcher);
    tell_blindness(watcher);
    report_status(&watcher->report, table_count(state->table), table_session_count(state->table));
    return 0;
}

static int on_clock(sd_event_source *event_source, int fd, uint32_t revents, void *userdata)
{
    struct watcher *watcher = userdata;
    int r = clock_change_take(fd);

    if (r <= 0)
        return r;
    log_info("the clock was set");
    r = watcher->own_clock_usec > 0 ? 0 : state_mend(watcher->state);
    if (r < 0)
        r = recover_map(watcher, r);
    /* Returned, it would only switch this handler off, and leave the watcher without a map. */
    if (r < 0)
        return sd_event_exit(watcher->event, r);
    on_wake(watcher);
    return 0;
}

static int reload(struct watcher *watcher)
{
    struct settings *settings;
    int r = watcher->hooks.load_settings(&settings, watcher->hooks.userdata);

    if (r == 0)
        r = state_change(watcher->state, settings);
    if (r == -ENOTRECOVERABLE)
        return r;
    if (r < 0) {
        static const char *const fields[] = {
            "MESSAGE=reload failed; the settings from before stay in force",
            LOG_MESSAGE_ID("08"),
        };

        log_fields(LOG_ERR, fields, 2);
        return r;
    }
    watcher->hooks.changed(watcher->state->settings, watcher->hooks.userdata);
    r = source_attach(watcher->state->source, watcher->event, on_wake, watcher);
    if (r < 0) {
        log_error("the journal cannot be watched: %s", strerror(-r));
        return -ENOTRECOVERABLE;
    }
    if (watcher->is_ready)
        serve_catch_up(watcher);
    log_info("reloaded");
    return 0;
}

static int on_hangup(sd_event_source *event_source, const struct signalfd_siginfo *info,
                     void *userdata)
{
    struct watcher *watcher = userdata;
    int r;

    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_monotonic_usec());
    r = log_reopen();
    if (r < 0)
        log_error("the log file cannot be opened again: %s", plain_file_error_text(r));
    r = reload(watcher);
    if (r == -ENOTRECOVERABLE)
        return sd_event_exit(watcher->event, r);
    report_prefix(&watcher->report, r < 0 ? "reload failed, the old settings are in force; " : "");
    report_status(&watcher->report, table_count(watcher->state->table),
                  table_session_count(watcher->state->table));
    /* A reload during the start must not end it. */
    if (watcher->is_ready)
        (void)sd_notify(0, "READY=1");
    enable(watcher->work);
    return 0;
}

static int on_terminate(sd_event_source *event_source, const struct signalfd_siginfo *info,
                        void *userdata)
{
    struct watcher *watcher = userdata;

    log_info("stopping on %s; addresses stay allowed until their time is over",
             info->ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
    (void)sd_notify(0, "STOPPING=1");
    return sd_event_exit(watcher->event, 0);
}

static int add_work(struct watcher *watcher)
{
    int r = sd_event_add_defer(watcher->event, &watcher->work, on_work, watcher);

    /* Signals and the watchdog come before work, of which there may be a lot. */
    if (r >= 0)
        r = sd_event_source_set_priority(watcher->work, SD_EVENT_PRIORITY_IDLE);
    if (r >= 0)
        r = sd_event_source_set_exit_on_failure(watcher->work, 1);
    return r < 0 ? r : 0;
}

static int add_timer(struct watcher *watcher, clockid_t clock, sd_event_time_handler_t handler,
                     sd_event_source **ret)
{
    /* The accuracy would otherwise let an address be listed for a quarter of a second too long. */
    int r = sd_event_add_time(watcher->event, ret, clock, 0, 1, handler, watcher);

    return r < 0 ? r : sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

static int add_clock(struct watcher *watcher)
{
    watcher->clock_fd = clock_change_open();
    return watcher->clock_fd < 0 ? watcher->clock_fd
                                 : sd_event_add_io(watcher->event, NULL, watcher->clock_fd, EPOLLIN,
                                                   on_clock, watcher);
}

static int add_event_sources(struct watcher *watcher)
{
    static const struct signal_handlers handlers = { on_terminate, on_hangup };
    int r = sd_event_new(&watcher->event);

    if (r >= 0)
        r = sd_event_set_watchdog(watcher->event, 1);
    if (r >= 0)
        r = signals_attach(watcher->event, &handlers, watcher);
    if (r >= 0)
        r = add_work(watcher);
    if (r >= 0)
        r = add_timer(watcher, CLOCK_REALTIME, on_expiry, &watcher->expiry);
    if (r >= 0)
        r = add_timer(watcher, CLOCK_MONOTONIC, on_retry, &watcher->retry);
    if (r >= 0)
        r = add_clock(watcher);
    if (r >= 0)
        r = source_attach(watcher->state->source, watcher->event, on_wake, watcher);
    if (r >= 0)
        r = catch_up_server_new(watcher->event, on_asked, watcher, &watcher->catch_up);
    if (r < 0)
        log_error("the event loop cannot be set up: %s", strerror(-r));
    return r < 0 ? r : 0;
}

int watcher_new(const struct watcher_hooks *hooks, struct settings *settings, struct watcher **ret)
{
    _cleanup_(watcher_freep) struct watcher *watcher = calloc(1, sizeof(*watcher));
    int r;

    if (watcher) {
        watcher->hooks = *hooks;
        watcher->clock_fd = -1;
        watcher->batch = batch_new();
        /* Any time is later than this one: the first entry sets the clock. */
        watcher->own_clock_usec = settings->reprocess ? 1 : 0;
    }
    if (!watcher || !watcher->batch) {
        settings_free(settings);
        return -ENOMEM;
    }
    r = signals_block();
    if (r == 0)
        r = sigbus_install();
    if (r < 0) {
        log_error("signals cannot be handled: %s", strerror(-r));
        settings_free(settings);
        return r;
    }
    r = state_open(settings, &watcher->state);
    if (r == 0)
        r = add_event_sources(watcher);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(watcher);
    return 0;
}

int watcher_run(struct watcher *watcher)
{
    int r = sd_event_loop(watcher->event);

    if (r < 0)
        log_error("stopping: %s", strerror(-r));
    return r;
}
