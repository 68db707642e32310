#include "format.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PARAGRAPH = 1024 }; /* room for the longest */

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

struct duration
format_split(double us)
{
    if (us < 999.5) {
        return (struct duration){us, us < 9.95 ? 1 : 0, "us", 0};
    }
    if (us < 999.5e3) {
        return (struct duration){us / 1e3, us < 9.995e3 ? 2 : us < 99.95e3 ? 1 : 0, "ms", 3};
    }
    return (struct duration){us / 1e6, 2, "s", 6};
}

struct number_text
format_duration(double us)
{
    struct duration duration = format_split(us);
    struct number_text text = {""};

    snprintf(text.text, sizeof text.text, "%.*f %s", duration.decimals, duration.number,
             duration.unit);
    return text;
}

struct escaped_text
format_escaped(const char *from, size_t most)
{
    struct escaped_text escaped = {""};
    char *text = escaped.text;
    size_t used = 0;

    for (; *from != '\0' && used + 4 + strlen("...") <= most; from++) {
        unsigned char byte = (unsigned char)*from;

        if (byte >= ' ' && byte < 0x7f && byte != '\\') {
            text[used++] = *from;
        } else {
            used += (size_t)snprintf(text + used, FORMAT_ESCAPED - used, "\\x%02x", byte);
        }
    }
    snprintf(text + used, FORMAT_ESCAPED - used, "%s", *from != '\0' ? "..." : "");
    return escaped;
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
format_paragraph(const char *format, ...)
{
    char paragraph[PARAGRAPH];
    const char *text = paragraph;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(paragraph, sizeof paragraph, format, arguments);
    va_end(arguments);
    while (strlen(text) > FORMAT_COLUMNS) {
        size_t length = FORMAT_COLUMNS;

        while (length > 1 && text[length] != ' ') {
            length--;
        }
        printf("%.*s\n", (int)length, text);
        text += length + 1;
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
