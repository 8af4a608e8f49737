/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/cleanup.h"
#include "core/settings.h"

/* The daemon: follows the journal, keeps the map, tells the service manager and the log. */
struct watcher;

/* How the watcher gets new settings at a reload: a negative errno means that there are none, and
 * was logged. */
typedef int (*watcher_settings_func)(struct settings **ret, void *userdata);

/* Called when such settings have come into force; they belong to the watcher. */
typedef void (*watcher_changed_func)(const struct settings *settings, void *userdata);

/* Called once, when everything that the journal held at the start is in the map. */
typedef int (*watcher_ready_func)(void *userdata);

struct watcher_hooks {
    watcher_settings_func load_settings;
    watcher_changed_func changed;
    watcher_ready_func ready;
    void *userdata;
};

/* Opens everything; takes `settings` in any case. Failures but -ENOMEM are logged. Returns 0, or
 * -ENOMEDIUM (no journal can be read), -EMEDIUMTYPE or -EPROTONOSUPPORT (the map is not ours), or
 * another negative errno. */
int watcher_new(const struct watcher_hooks *hooks, struct settings *settings, struct watcher **ret);
struct watcher *watcher_free(struct watcher *watcher);
DEFINE_CLEANUP(struct watcher *, watcher_free)

/* Runs until SIGTERM or SIGINT. Returns 0, or a negative errno, logged. */
int watcher_run(struct watcher *watcher);
