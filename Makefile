# The map: every program of the suite, and what it is for. `make help` lists the targets.

PREFIX = /usr/local
CC = cc
CFLAGS = -O2 -g
# The suite is POSIX.1-2008 with XSI; files named *_linux.c ask for more themselves.
STANDARD = -std=c11 -D_XOPEN_SOURCE=700
WARNINGS = -pedantic -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wformat=2 -Wvla
# For example WERROR=-Werror, as `make strict` does.
WERROR =
LDLIBS = -pthread
BIN = bin
BUILD = build
COMPILE = $(CC) $(STANDARD) $(WARNINGS) $(WERROR) $(CFLAGS) $(CPPFLAGS)

# --- the programs ------------------------------------------------------------------------------

# A server is a folder serverNN_name with a program of that name, made of the folder's *.c files:
#   server00_iterative       one process, one client at a time: start reading here
#   server01_fork            a child per connection
#   server02_select          one process serves all clients at once
#   server03_prefork_accept  children share one listening socket
#   server04_fdpass          the parent accepts and passes the descriptor to a child
SERVERS := $(sort $(patsubst %/,%,$(wildcard server[0-9][0-9]_*/)))

# The load generator that drives all of them.
PROGRAMS := $(SERVERS) client

# What is not the lesson.
COMMON := $(patsubst %.c,$(BUILD)/%.o,$(wildcard common/*.c))

all: $(PROGRAMS:%=$(BIN)/%)

$(PROGRAMS): %: $(BIN)/%

define program
$(BIN)/$(1): $$(patsubst %.c,$(BUILD)/%.o,$$(wildcard $(1)/*.c)) $(BUILD)/libcommon.a | $(BIN)
	$$(CC) $$(CFLAGS) $$(LDFLAGS) $$(LINK_$(1)) -o $$@ $$(filter %.o,$$^) $(BUILD)/libcommon.a $$(LDLIBS)
endef
$(foreach each,$(PROGRAMS),$(eval $(call program,$(each))))

# --- how they are made -------------------------------------------------------------------------

# server01 forks once per connection, and the fork of a static program costs far less: there are fewer
# mappings to copy and fewer pages to fault in (server01_fork/README.md has the figures). Where the
# tool chain cannot link statically without a warning (sanitizers, no libc.a), it is linked as the others.
STATIC_FLAGS = -static
LINK_server01_fork = $(shell echo 'int main(void){return 0;}' | \
	$(CC) $(CFLAGS) $(LDFLAGS) $(STATIC_FLAGS) -x c -o /dev/null - 2>&1 | grep -q . || echo $(STATIC_FLAGS))

$(BUILD)/libcommon.a: $(COMMON)
	rm -f $@
	$(AR) rc $@ $^

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) -MMD -MP -c -o $@ $<

$(BIN):
	mkdir -p $@

-include $(wildcard $(BUILD)/*/*.d)

clean:
	rm -rf $(BIN) $(BUILD)

.PHONY: all clean $(PROGRAMS)
