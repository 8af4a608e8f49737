/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What "pbs-rules test -" reads: the Journal Export Format, or lines of a log. */

#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/match.h"
#include "target.h"
#include "tools/rules/input.h"
#include "tools/rules/reader.h"
#include "unit/export-file.h"

#define NOW_USEC UINT64_C(1795339117193980)

/* Fields that entries here may have; the reader takes all. */
static const char *const names[] = {
    "MESSAGE",   "_PID",     "SYSLOG_PID", "SYSLOG_IDENTIFIER",    "_SYSTEMD_UNIT",
    "_HOSTNAME", "_BOOT_ID", "__CURSOR",   "__REALTIME_TIMESTAMP",
};

#define NAMES (sizeof(names) / sizeof(names[0]))

struct stream {
    struct selection *selection;
    struct fields *defaults;
    FILE *file;
    struct input *input;
};

static int open_stream(struct stream *stream, const void *data, size_t len)
{
    *stream = (struct stream){
        .selection = selection_new(),
        .defaults = fields_new(),
        .file = len ? fmemopen((void *)data, len, "r") : fopen("/dev/null", "re"),
    };
    FUZZ_CHECK(stream->selection && stream->defaults && stream->file);
    FUZZ_CHECK(fields_add_word(stream->defaults, "_SYSTEMD_UNIT=x.service") == 0);
    return input_open_text(stream->file, stream->selection, stream->defaults, NOW_USEC,
                           &stream->input);
}

static void close_stream(struct stream *stream)
{
    input_free(stream->input);
    (void)fclose(stream->file);
    selection_free(stream->selection);
    fields_free(stream->defaults);
}

static void write_field(FILE *file, const char *name, const void *value, uint64_t len)
{
    FUZZ_CHECK(fprintf(file, "%s\n", name) > 0);
    for (int shift = 0; shift < 64; shift += 8)
        (void)fputc((int)(len >> shift & 0xff), file);
    FUZZ_CHECK(fwrite(value, 1, len, file) == len);
    (void)fputc('\n', file);
}

/* Writes the entry so that only lengths tell where what ends. */
static void write_entry(FILE *file, const struct entry *entry)
{
    char time[24];

    snprintf(time, sizeof(time), "%llu", (unsigned long long)entry->realtime_usec);
    fprintf(file, "FUZZ=1\n__REALTIME_TIMESTAMP=%s\n", time);
    for (size_t i = 0; i < NAMES - 1; i++) {
        const void *value;
        size_t len;

        if (entry->get(entry, names[i], &value, &len) < 0)
            continue;
        FUZZ_CHECK(len <= READER_KEEP_MAX);
        if (len > 0 && memchr(value, '\n', len))
            FUZZ_REACHED("a value of several lines");
        write_field(file, names[i], value, len);
    }
    (void)fputc('\n', file);
}

static void check_equal(const struct entry *a, const struct entry *b)
{
    FUZZ_CHECK(a->realtime_usec == b->realtime_usec);
    for (size_t i = 0; i < NAMES - 1; i++) {
        const void *value = "", *again = "";
        size_t len = 0, again_len = 0;
        int r = a->get(a, names[i], &value, &len),
            r_again = b->get(b, names[i], &again, &again_len);

        FUZZ_CHECK(r == r_again && len == again_len && memcmp(value, again, len) == 0);
    }
}

/* Reads all entries; writes them to `file` or compares them with those of `other`. */
static size_t read_all(struct stream *stream, FILE *file, struct stream *other, int *ret_error)
{
    struct input_entry entry, again;
    size_t n = 0;
    int r;

    while ((r = stream->input->next(stream->input, &entry)) > 0) {
        n++;
        FUZZ_CHECK(entry.is_shown);
        if (file)
            write_entry(file, &entry.entry);
        if (!other)
            continue;
        FUZZ_CHECK(other->input->next(other->input, &again) == 1);
        check_equal(&entry.entry, &again.entry);
    }
    FUZZ_CHECK(r == 0 || r == -EBADMSG);
    *ret_error = r;
    return n;
}

static void check_again(const uint8_t *data, size_t len, const char *text, size_t text_len)
{
    struct stream first, second;
    struct input_entry end;
    int r;

    FUZZ_CHECK(open_stream(&first, data, len) == 0 && open_stream(&second, text, text_len) == 0);
    (void)read_all(&first, NULL, &second, &r);
    FUZZ_CHECK(second.input->next(second.input, &end) == 0);
    close_stream(&first);
    close_stream(&second);
}

static void check_entries(struct stream *stream, const uint8_t *data, size_t len)
{
    size_t text_len, n;
    char *text = NULL;
    FILE *file = open_memstream(&text, &text_len);
    int r;

    FUZZ_CHECK(file != NULL);
    n = read_all(stream, file, NULL, &r);
    FUZZ_CHECK(fclose(file) == 0);
    if (r < 0)
        FUZZ_REACHED("an error of the format");
    if (n > 1)
        FUZZ_REACHED("several entries");
    if (len > 0 && data[0] != '_')
        FUZZ_REACHED("lines of a log");
    FUZZ_CHECK(n <= len);
    check_again(data, len, text, text_len);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct stream stream;
    int r = open_stream(&stream, data, len);

    if (r < 0) {
        FUZZ_CHECK(r == -EPROTONOSUPPORT && memchr(data, '{', len));
        FUZZ_REACHED("JSON");
    } else {
        check_entries(&stream, data, len);
    }
    close_stream(&stream);
    return 0;
}

/* Some kilobytes of each are enough. */
static void seed_journals(fuzz_seed_func seed)
{
    glob_t found;

    FUZZ_CHECK(glob(SOURCE_DIR "/tests/journals/*.export", 0, NULL, &found) == 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        size_t len;
        char *text = read_whole_file(found.gl_pathv[i], &len);

        seed(text, len < 4000 ? len : 4000);
        free(text);
    }
    globfree(&found);
}

void fuzz_make_seeds(fuzz_seed_func seed)
{
#define SEED(text)                                                                                 \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }
    static const struct {
        const char *text;
        size_t len;
    } seeds[] = {
        SEED(""),
        SEED("\n\n"),
        SEED("Nov 22 09:17:33 host popa3d[123]: Authentication passed for anna\n"
             "2026-11-22T09:17:33.123456+01:00 host imapd: LOGIN, user=anna, ip=[192.0.2.10]\n"
             "only a message\n"),
        SEED("Nov 22 09:17:33 host [: x\nNov 22 09:17:33 host a[1: x\nNov 22 09:17:33 host\n"),
        SEED("__CURSOR=1\nMESSAGE\n\x03\0\0\0\0\0\0\0a\nb\n\n__CURSOR=2\nMESSAGE=x\n"),
        SEED("__CURSOR=1\nMESSAGE\n\x03\0\0\0\0\0\0\0ab"),
        SEED("__CURSOR=1\nMESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xff"
             "ab"),
        SEED("__CURSOR=1\nnot a name=1\n"),
        SEED("{\n\"__CURSOR\" : \"1\"\n}\n"),
        SEED("{\"PRIORITY\":\"6\",\"MESSAGE\":\"x\"}\n"),
        SEED("6026-11-22T09:17:33.123456+01:00 host imapd: LOGIN\n"), /* a time of 18 digits */
        SEED("__CURSOR=1\n__REALTIME_TIMESTAMP=99999999999999999\n_PID=1\n_PID=2\n"),
    };

    seed_journals(seed);
    for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
        seed(seeds[i].text, seeds[i].len);
}
