/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pbs-lookupd, the bridge from mail servers to the map. It holds no state of its own that would be
 * worth saving, so any way to end it is as good as another. */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <syslog.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "answer.h"
#include "catch-up.h"
#include "core/cleanup.h"
#include "handover.h"
#include "listener.h"
#include "log.h"
#include "options.h"
#include "patience.h"
#include "poller.h"
#include "server.h"
#include "store/map.h"

#define EXIT_USAGE 2

static const int signals[] = { SIGTERM, SIGINT };

/* Open files that are not clients: the listeners, the map and its successor, standard files, those
 * of the event loop and of logging; with some to spare. */
#define FILES_RESERVED (SERVER_LISTENERS_MAX + 32)

/* Raises the limit on open files as far as `wanted` clients need and we may. Returns how many can
 * be served within it: better a lower number, kept and logged, than clients that cannot be
 * accepted. */
static unsigned fit_open_files(unsigned wanted)
{
    const rlim_t needed = (rlim_t)wanted + FILES_RESERVED;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= needed)
        return wanted;
    const struct rlimit raised = { limit.rlim_max < needed ? limit.rlim_max : needed,
                                   limit.rlim_max };
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
        limit = raised;
    if (limit.rlim_cur >= needed)
        return wanted;

    unsigned fitting =
        limit.rlim_cur > FILES_RESERVED ? (unsigned)(limit.rlim_cur - FILES_RESERVED) : 1;
    log_line(LOG_WARNING, "the limit on open files leaves room for %u clients, not %u", fitting,
             wanted);
    return fitting;
}

static int add_passed_listener(struct server *server, int fd)
{
    int r = listener_adopt(fd);

    if (r == 0)
        r = server_add_listener(server, fd);
    if (r < 0)
        log_line(LOG_ERR, "cannot serve passed socket %d: %s", fd, strerror(-r));
    return r;
}

static void free_names(char ***names)
{
    for (char **name = *names; name && *name; name++)
        free(*name);
    free(*names);
}

/* Adds the sockets that systemd opened for us, and the connections that it kept. Returns how many
 * of the former there are, or a negative errno. */
static int add_passed_sockets(struct server *server)
{
    _cleanup_(free_names) char **names = NULL;
    int n = sd_listen_fds_with_names(/* unset_environment= */ 1, &names), n_listeners = 0;

    if (n < 0)
        log_line(LOG_ERR, "cannot take over sockets: %s", strerror(-n));
    for (int i = 0; i < n; i++) {
        int fd = SD_LISTEN_FDS_START + i;

        if (handover_is_connection(fd, names[i])) {
            if (server_add_client(server, fd) < 0)
                (void)close(fd);
            continue;
        }
        int r = add_passed_listener(server, fd);
        if (r < 0)
            return r;
        n_listeners++;
    }
    return n < 0 ? n : n_listeners;
}

static int add_own_listener(struct server *server, const char *text)
{
    _cleanup_(closep) int fd = -1;
    char name[LISTENER_NAME_MAX];

    int r = listener_open(text, &fd);
    if (r == 0)
        r = listener_name(fd, name);
    if (r == 0)
        r = server_add_listener(server, fd);
    if (r < 0) {
        log_line(LOG_ERR, "cannot listen on %s: %s", text,
                 r == -EINVAL ? "not a numeric ADDRESS:PORT" : strerror(-r));
        return r;
    }
    (void)TAKE_FD(fd);
    log_line(LOG_INFO, "listening on %s", name);
    return 0;
}

/* Returns EXIT_SUCCESS, or the exit status that says what is wrong. */
static int add_listeners(struct server *server, const struct options *options)
{
    int n = add_passed_sockets(server);
    if (n < 0)
        return EXIT_FAILURE;

    for (size_t i = 0; i < options->n_listen; i++) {
        int r = add_own_listener(server, options->listen[i]);
        if (r == -EINVAL)
            options_hint();
        if (r < 0)
            return r == -EINVAL ? EXIT_USAGE : EXIT_FAILURE;
    }
    if (n == 0 && options->n_listen == 0) {
        log_line(LOG_ERR, "no socket to listen on: systemd passed none, and --listen is not given");
        options_hint();
        return EXIT_USAGE;
    }
    return EXIT_SUCCESS;
}

static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *info,
                        void *userdata)
{
    return server_finish(userdata);
}

static int new_event_loop(sd_event **ret)
{
    _cleanup_(sd_event_unrefp) sd_event *event = NULL;
    sigset_t blocked;

    int r = sd_event_new(&event);
    if (r < 0)
        return r;
    sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        sigaddset(&blocked, signals[i]);
    if (sigprocmask(SIG_BLOCK, &blocked, NULL) < 0)
        return -errno;
    r = sd_event_set_watchdog(event, true);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(event);
    return 0;
}

static int add_signals(sd_event *event, struct server *server)
{
    int r = 0;

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]) && r >= 0; i++)
        r = sd_event_add_signal(event, NULL, signals[i], on_terminate, server);
    return r;
}

/* A writer that was stopped in the middle of a commit must not stop us, too. */
static int limit_patience(void)
{
    volatile sig_atomic_t *flag;
    int r = patience_install(&flag);

    if (r == 0)
        map_give_up_on(flag);
    return r;
}

static int run(const struct options *options)
{
    _cleanup_(sd_event_unrefp) sd_event *event = NULL;
    _cleanup_(poller_freep) struct poller *poller = NULL;
    _cleanup_(catch_up_freep) struct catch_up *catch_up = NULL;
    _cleanup_(answers_freep) struct answers *answers = NULL;
    _cleanup_(server_freep) struct server *server = NULL;

    int r = new_event_loop(&event);
    if (r >= 0)
        r = limit_patience();
    if (r >= 0)
        r = poller_new(event, &poller);
    if (r >= 0)
        r = catch_up_new(poller, options->catch_up, &catch_up);
    if (r >= 0) {
        answers = answers_new(options->dbfile, catch_up);
        r = answers ? 0 : -ENOMEM;
    }
    if (r >= 0)
        r = server_new(poller, answers, fit_open_files(options->max_connections), &server);
    if (r >= 0)
        r = add_signals(event, server);
    if (r < 0) {
        log_line(LOG_ERR, "cannot start: %s", strerror(-r));
        return EXIT_FAILURE;
    }

    int status = add_listeners(server, options);
    if (status != EXIT_SUCCESS)
        return status;

    handover_taken();
    (void)sd_notify(0, "READY=1");
    r = sd_event_loop(event);
    (void)sd_notify(0, "STOPPING=1");
    server_hand_over(server);
    if (r < 0) {
        log_line(LOG_ERR, "event loop failed: %s", strerror(-r));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct options options;

    switch (options_parse(argc, argv, &options)) {
    case OPTIONS_PRINTED:
        return EXIT_SUCCESS;
    case OPTIONS_WRONG:
        return EXIT_USAGE;
    case OPTIONS_RUN:
        break;
    }
    log_open(options.debug);
    /* Whoever reads the log through a pipe may go away; that must not end the daemon. */
    (void)signal(SIGPIPE, SIG_IGN);
    return run(&options);
}
