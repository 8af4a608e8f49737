/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Places in configuration files, found by the reader that the settings came from. */

#include "place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/config.h"
#include "core/limits.h"
#include "core/text.h"

char *place_read_file(const char *path, size_t *ret_len)
{
    _cleanup_(fclosep) FILE *file = fopen(path, "re");
    _cleanup_(freep) char *text = file ? malloc(CONFIG_FILE_MAX) : NULL;

    if (!text)
        return NULL;
    *ret_len = fread(text, 1, CONFIG_FILE_MAX, file);
    return ferror(file) ? NULL : TAKE_PTR(text);
}

void place_find(const char *origin, size_t offset, struct place *ret)
{
    const char *colon = strrchr(origin, ':');
    char path[PATH_MAX];
    size_t len = colon ? (size_t)(colon - origin) : strlen(origin), text_len = 0;
    char *end = NULL;
    unsigned long line = colon ? strtoul(colon + 1, &end, 10) : 0;
    unsigned found_line = 0, column = 0;

    if (end && *end)
        line = 0;
    if (line == 0)
        len = strlen(origin);
    snprintf(path, sizeof(path), "%.*s", (int)len, origin);
    (void)text_sanitise(path, strlen(path), ret->path, sizeof(ret->path));
    ret->line = (unsigned)line;
    ret->column = 0;
    if (line == 0)
        return;

    _cleanup_(freep) char *text = place_read_file(path, &text_len);

    if (text && config_locate(text, text_len, (unsigned)line, offset, &found_line, &column) == 0) {
        ret->line = found_line;
        ret->column = column;
    }
}

void place_format(const struct place *place, char ret[static PLACE_TEXT_MAX])
{
    if (place->line == 0)
        snprintf(ret, PLACE_TEXT_MAX, "%s", place->path);
    else if (place->column == 0)
        snprintf(ret, PLACE_TEXT_MAX, "%s:%u", place->path, place->line);
    else
        snprintf(ret, PLACE_TEXT_MAX, "%s:%u:%u", place->path, place->line, place->column);
}
