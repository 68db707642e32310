#ifndef COMMON_VERSION_H
#define COMMON_VERSION_H

#define VERSION "0.1.0"

#endif
