/* ring_semaphore_test - ring_test, as it is where the system has no futex. */
#define SLEEPER_SEMAPHORE
#include "../../common/sleeper_linux.c"

#include "ring_test.c"
