#include "format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "duration.h"

const char *
format_grouped(char text[FORMAT_GROUPED], uint64_t number)
{
    char digits[FORMAT_GROUPED];
    int count = snprintf(digits, sizeof digits, "%" PRIu64, number);
    char *to = text;

    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            *to++ = ',';
        }
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}

void
format_column(double us)
{
    char text[FORMAT_DURATION];

    printf("%10s", format_duration(us, text));
}

const char *
format_escaped(char text[FORMAT_SHOWN], const char *from, size_t most)
{
    size_t used = 0;

    for (; *from != '\0' && used + 4 + strlen("...") <= most; from++) {
        unsigned char byte = (unsigned char)*from;

        if (byte >= ' ' && byte < 0x7f && byte != '\\') {
            text[used++] = *from;
        } else {
            used += (size_t)snprintf(text + used, FORMAT_SHOWN - used, "\\x%02x", byte);
        }
    }
    snprintf(text + used, FORMAT_SHOWN - used, "%s", *from != '\0' ? "..." : "");
    return text;
}

void
format_paragraph(const char *text)
{
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

const char *
format_plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}
