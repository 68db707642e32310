/*
 * duration - how durations are written for people: three digits or four, in the unit that fits.
 */
#ifndef CLIENT_REPORT_DURATION_H
#define CLIENT_REPORT_DURATION_H

/* To be printed as "%.*f %s". */
struct duration {
    double number;
    int decimals;
    const char *unit; /* us, ms or s */
};

struct duration duration_of(double us);

enum { FORMAT_DURATION = 24 };

/* The same as text: "1.23 ms". */
const char *format_duration(double us, char text[FORMAT_DURATION]);

#endif
