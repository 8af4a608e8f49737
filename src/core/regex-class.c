/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Escapes and classes of pcre2pattern(3), for byte mode and the C locale, which is what patterns
 * are compiled for. */

#include "regex-class.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void put(struct regex_set *set, unsigned char byte)
{
    set->bits[byte / 64] |= UINT64_C(1) << byte % 64;
}

void regex_set_add(struct regex_set *set, unsigned char byte, const struct regex_flags *flags)
{
    put(set, byte);
    if (flags->caseless && byte < 0x80 && isalpha(byte))
        put(set, byte ^ 0x20);
}

void regex_set_add_dot(struct regex_set *set, const struct regex_flags *flags)
{
    for (unsigned byte = 0; byte < 256; byte++)
        if (flags->dot_all || byte != '\n')
            put(set, (unsigned char)byte);
}

static void add_where(struct regex_set *set, int (*is)(int), bool negated)
{
    for (int byte = 0; byte < 256; byte++)
        if ((byte < 0x80 && is(byte)) != negated)
            put(set, (unsigned char)byte);
}

static int is_word(int c)
{
    return isalnum(c) || c == '_';
}

static int is_horizontal(int c)
{
    return c == '\t' || c == ' ';
}

static int is_vertical(int c)
{
    return c >= '\n' && c <= '\r';
}

static int is_not_newline(int c)
{
    return c != '\n';
}

static int is_ascii(int c)
{
    return 1;
}

/* \d and its like; the capital letter is the opposite. \N has none. */
static bool add_type(char letter, struct regex_set *set)
{
    static const struct {
        char letter;
        int (*is)(int);
        unsigned char high; /* what is beyond ASCII, and in it */
    } types[] = {
        { 'd', isdigit, 0 },          { 's', isspace, 0 },        { 'w', is_word, 0 },
        { 'h', is_horizontal, 0xa0 }, { 'v', is_vertical, 0x85 },
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (tolower((unsigned char)letter) != types[i].letter)
            continue;
        for (int byte = 0; byte < 256; byte++) {
            bool in = byte < 0x80 ? types[i].is(byte) != 0 : byte == types[i].high;

            if (in == (letter == types[i].letter))
                put(set, (unsigned char)byte);
        }
        return true;
    }
    if (letter != 'N')
        return false;
    add_where(set, is_not_newline, false);
    for (int byte = 0x80; byte < 256; byte++)
        put(set, (unsigned char)byte);
    return true;
}

static size_t read_digits(const char *text, const char *digits, int base, size_t most,
                          unsigned *ret)
{
    char number[8] = "";
    size_t len = strspn(text, digits);

    if (len > most)
        len = most;
    memcpy(number, text, len);
    *ret = (unsigned)strtoul(number, NULL, base);
    return len;
}

#define OCTAL "01234567"
#define HEX   "0123456789abcdefABCDEF"

/* "{" DIGITS "}" behind \x or \o. */
static size_t read_braced(const char *text, const char *digits, int base, unsigned *ret)
{
    size_t len = read_digits(text + 3, digits, base, 6, ret);

    return len > 0 && text[3 + len] == '}' && *ret < 256 ? len + 4 : 0;
}

/* An escape that stands for one byte. Numbers that could be a group's are not read. */
static size_t read_byte(const char *text, bool in_class, unsigned *ret)
{
    static const char letters[] = "aefnrt", bytes[] = "\a\033\f\n\r\t";
    const char *letter = text[1] ? strchr(letters, text[1]) : NULL;

    if (letter) {
        *ret = (unsigned char)bytes[letter - letters];
        return 2;
    }
    if (in_class && text[1] == 'b') {
        *ret = '\b';
        return 2;
    }
    if (text[1] == '0')
        return 1 + read_digits(text + 1, OCTAL, 8, 3, ret);
    if (text[1] == 'x' && text[2] == '{')
        return read_braced(text, HEX, 16, ret);
    if (text[1] == 'x')
        return 2 + read_digits(text + 2, HEX, 16, 2, ret);
    if (text[1] == 'o' && text[2] == '{')
        return read_braced(text, OCTAL, 8, ret);
    if (text[1] == 'c' && isprint((unsigned char)text[2])) {
        *ret = (unsigned char)toupper((unsigned char)text[2]) ^ 0x40;
        return 3;
    }
    return 0;
}

static bool is_plain_escape(char c)
{
    return c && !isalnum((unsigned char)c);
}

size_t regex_escape(const char *text, const struct regex_flags *flags, struct regex_set *set,
                    bool *ret_is_literal)
{
    unsigned byte = 0;
    size_t len;

    if (is_plain_escape(text[1])) {
        *ret_is_literal = true;
        regex_set_add(set, (unsigned char)text[1], flags);
        return 2;
    }
    if (text[1] && add_type(text[1], set))
        return text[1] == 'N' && text[2] == '{' ? 0 : 2;
    len = read_byte(text, false, &byte);
    if (len > 0)
        regex_set_add(set, (unsigned char)byte, flags);
    return len;
}

/* "[:name:]" or "[:^name:]". */
static size_t read_posix(const char *text, const struct regex_flags *flags, struct regex_set *set)
{
    static const struct {
        const char *name;
        int (*is)(int);
    } classes[] = {
        { "alnum", isalnum }, { "alpha", isalpha },   { "ascii", is_ascii }, { "blank", isblank },
        { "cntrl", iscntrl }, { "digit", isdigit },   { "graph", isgraph },  { "lower", islower },
        { "print", isprint }, { "punct", ispunct },   { "space", isspace },  { "upper", isupper },
        { "word", is_word },  { "xdigit", isxdigit },
    };
    bool negated = text[2] == '^';
    const char *name = text + 2 + negated, *end = strstr(name, ":]");

    for (size_t i = 0; end && i < sizeof(classes) / sizeof(classes[0]); i++) {
        int (*is)(int) = classes[i].is;

        if (strlen(classes[i].name) != (size_t)(end - name) ||
            strncmp(classes[i].name, name, (size_t)(end - name)) != 0)
            continue;
        if (flags->caseless && (is == islower || is == isupper))
            is = isalpha;
        add_where(set, is, negated);
        return (size_t)(end + 2 - text);
    }
    return 0;
}

/* One byte of a class, as it is or escaped. */
static size_t read_member(const char *text, unsigned *ret)
{
    if (*text != '\\') {
        *ret = (unsigned char)*text;
        return *text ? 1 : 0;
    }
    if (is_plain_escape(text[1])) {
        *ret = (unsigned char)text[1];
        return 2;
    }
    /* No group's number can stand in a class. */
    if (text[1] >= '1' && text[1] <= '7')
        return 1 + read_digits(text + 1, OCTAL, 8, 3, ret);
    return read_byte(text, true, ret);
}

static size_t read_range(const char *text, const struct regex_flags *flags, struct regex_set *set)
{
    unsigned first = 0, last;
    size_t len = read_member(text, &first), more;

    if (len == 0 || first > 255)
        return 0;
    last = first;
    if (text[len] == '-' && text[len + 1] && text[len + 1] != ']') {
        more = read_member(text + len + 1, &last);
        /* "[a-\d]": the "-" is one of the members. */
        if (more == 0)
            last = first;
        else
            len += 1 + more;
    }
    for (unsigned byte = first; byte <= last && byte < 256; byte++)
        regex_set_add(set, (unsigned char)byte, flags);
    return len;
}

static size_t read_members(const char *text, const struct regex_flags *flags, struct regex_set *set)
{
    if (text[0] == '[' && text[1] == ':' && strstr(text, ":]"))
        return read_posix(text, flags, set);
    if (text[0] == '\\' && strchr("QERXNpPB", text[1]))
        return 0;
    if (text[0] == '\\' && add_type(text[1], set))
        return 2;
    return read_range(text, flags, set);
}

size_t regex_class(const char *text, const struct regex_flags *flags, struct regex_set *set)
{
    struct regex_set members = { 0 };
    bool negated = text[1] == '^';
    size_t at = 1 + negated;

    do {
        size_t len = text[at] ? read_members(text + at, flags, &members) : 0;

        if (len == 0)
            return 0;
        at += len;
    } while (text[at] != ']');
    for (size_t i = 0; i < 4; i++)
        set->bits[i] |= negated ? ~members.bits[i] : members.bits[i];
    return at + 1;
}
