#include "format.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PARAGRAPH = 1024, /* room for the longest */
    PROSE = 79,       /* columns of a line of it */
    PROSE_LEAST = 49
};

struct number_text
format_grouped(uint64_t number)
{
    struct number_text grouped = {""};
    char digits[FORMAT_NUMBER], *to = grouped.text;
    int count = snprintf(digits, sizeof digits, "%" PRIu64, number);

    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            *to++ = ',';
        }
        *to++ = digits[i];
    }
    *to = '\0';
    return grouped;
}

struct number_text
format_rate(double rate)
{
    struct number_text text = format_grouped((uint64_t)(rate + 0.5));

    if (rate < 99.95 && rate > 0) {
        snprintf(text.text, sizeof text.text, "%.*f", rate < 9.995 ? 2 : 1, rate);
    }
    return text;
}

struct duration
format_split(double us)
{
    if (us < 999.5) {
        return (struct duration){us, us < 9.95 ? 1 : 0, "us", 0};
    }
    if (us < 999.5e3) {
        return (struct duration){us / 1e3, us < 9.995e3 ? 2 : us < 99.95e3 ? 1 : 0, "ms", 3};
    }
    return (struct duration){us / 1e6, us < 99.995e6 ? 2 : 0, "s", 6};
}

struct number_text
format_duration(double us)
{
    struct duration duration = format_split(us);
    struct number_text text, number = format_grouped((uint64_t)(duration.number + 0.5));

    if (duration.decimals > 0) {
        snprintf(number.text, sizeof number.text, "%.*f", duration.decimals, duration.number);
    }
    snprintf(text.text, sizeof text.text, "%.24s %s", number.text, duration.unit);
    return text;
}

struct escaped_text
format_bytes(const char *from, size_t length, size_t most)
{
    struct escaped_text escaped = {""};
    char *text = escaped.text;
    size_t used = 0, i = 0;

    for (; i < length && used + 4 + strlen("...") <= most; i++) {
        unsigned char byte = (unsigned char)from[i];

        if (byte >= ' ' && byte < 0x7f && byte != '\\') {
            text[used++] = from[i];
        } else {
            used += (size_t)snprintf(text + used, FORMAT_ESCAPED - used, "\\x%02x", byte);
        }
    }
    snprintf(text + used, FORMAT_ESCAPED - used, "%s", i < length ? "..." : "");
    return escaped;
}

struct escaped_text
format_escaped(const char *from, size_t most)
{
    return format_bytes(from, strlen(from), most);
}

size_t
format_utf8(const char *text)
{
    static const uint32_t least[] = {0, 0, 0xa0, 0x800, 0x10000};
    unsigned char first = (unsigned char)*text;
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 0;
    uint32_t point = first & (0x7fu >> length);

    for (size_t i = 1; i < length; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80) {
            return 0;
        }
        point = point << 6 | ((unsigned char)text[i] & 0x3f);
    }
    return point >= least[length] && point <= 0x10ffff && point >> 11 != 0xd800 >> 11 ? length : 0;
}

const char *
format_plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

void
format_column(double us)
{
    printf("%10s", format_duration(us).text);
}

void
format_absent(void)
{
    printf("%10s", "-");
}

/* In a shell whose COLUMNS is exported, one less than that; the last column of a terminal is left
 * free. */
size_t
format_prose(void)
{
    const char *columns = getenv("COLUMNS");
    long most = columns ? strtol(columns, NULL, 10) - 1 : 0;

    return most >= PROSE_LEAST && most <= FORMAT_COLUMNS ? (size_t)most : PROSE;
}

void
format_paragraph(const char *format, ...)
{
    size_t most = format_prose();
    char paragraph[PARAGRAPH];
    const char *text = paragraph;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(paragraph, sizeof paragraph, format, arguments);
    va_end(arguments);
    while (strlen(text) > most) {
        size_t end = most;

        while (end > 1 && (text[end] != ' ' || text[end + 1] == '(' ||
                           strchr("0123456789x", text[end - 1]))) { /* "x 3,000 bytes (-b)" */
            end--;
        }
        end = end > 1 ? end : most; /* a word that alone is longer */
        printf("%.*s\n", (int)end, text);
        text += end + (text[end] == ' ');
    }
    puts(text);
}

void
format_bar(uint64_t value, uint64_t most, unsigned columns)
{
    uint64_t length = most > 0 ? (uint64_t)((double)value / (double)most * columns + 0.5) : 0;

    if (length > 0) {
        printf("  ");
    }
    for (uint64_t i = 0; i < length; i++) {
        putchar('#');
    }
    putchar('\n');
}
