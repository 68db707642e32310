# The map: every program of the suite, and what it is for. `make help` lists the targets.

PREFIX = /usr/local
CC = cc
CFLAGS = -O2 -g
# The suite is POSIX.1-2008 with XSI; files named *_linux.c ask for more themselves. (And off_t and
# time_t have 64 bits where long has 32: memory beyond 2 GiB, times beyond 2038. The last two: macOS
# and FreeBSD would else hide CMSG_SPACE, MSG_DONTWAIT and half of struct rusage.)
STANDARD = -std=c11 -D_XOPEN_SOURCE=700 -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 \
	-D_DARWIN_C_SOURCE -D__BSD_VISIBLE=1
WARNINGS = -pedantic -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wformat=2 -Wvla -Wno-sign-conversion
# (-Wno-sign-conversion: musl's FD_SET() mixes signs.)
# For example WERROR=-Werror, as `make strict` does.
WERROR =
LDLIBS = -pthread
BIN = bin
BUILD = build
# In this folder they have one name each, however they are given: the dependencies of objects say it.
override BIN := $(patsubst $(CURDIR)/%,%,$(BIN))
override BUILD := $(patsubst $(CURDIR)/%,%,$(BUILD))
# make V=1 shows the whole commands.
V = 0
SAY_0 = @echo "  $(1) $@";
SAY = $(SAY_$(V))
COMPILE = $(CC) $(STANDARD) $(WARNINGS) $(WERROR) $(CFLAGS) $(CPPFLAGS)

# --- the programs ------------------------------------------------------------------------------

# A server is a folder serverNN_name with a program of that name, made of the folder's *.c files:
#   server00_iterative       one process, one client at a time: start reading here
#   server01_fork            a child per connection
#   server02_select          one process serves all clients at once
#   server03_prefork_accept  children share one listening socket
#   server04_fdpass          the parent accepts and passes the descriptor to a child
#   server05_spawn_pool      a distributor, and handlers that are programs of their own
#   server06_thread          a thread per connection
#   server07_poll            one process serves thousands of clients at once
#   server08_epoll           the kernel keeps the list of clients with news: Linux alone
#   server09_prethread       threads created beforehand share one listening socket
#   server10_process_threads children, each with threads, share one listening socket
#   server11_event_workers   an event loop has the clients, worker processes do the work
#   server12_shared_memory   clients of the same machine share memory with a child
#   server13_io_uring        the kernel accepts, receives, sends and closes: Linux alone
# A folder whose program is in serverNN_name_linux.c is left out elsewhere.
LINUX_ONLY := $(if $(filter-out Linux,$(shell uname)),\
	$(sort $(dir $(wildcard server[0-9][0-9]_*/server*_linux.c))))
FOLDERS := $(filter-out $(LINUX_ONLY),$(sort $(dir $(wildcard server[0-9][0-9]_*/server*.c))))
SERVERS := $(FOLDERS:%/=%)

# The same models on one page each, serverNN_name/sketch.c, with their faults: sketchNN.
SKETCHES := $(foreach each,$(wildcard $(FOLDERS:%=%sketch.c) $(FOLDERS:%=%sketch_linux.c)),\
	$(patsubst server%,sketch%,$(firstword $(subst _, ,$(each)))))

# The handlers that server05 and server11 start, each in one file of handlers/:
#   handler_bytes            the protocol of all the servers
#   handler_echo             the reply is the request: the smallest one
#   handler_clock            JSON in, the same JSON with the time added out
#   handler_primes           factors a number: work for a processor
HANDLERS := $(sort $(patsubst %.c,%,$(notdir $(wildcard handlers/handler_*.c))))

# The load generator that drives all of them, and what this machine can do at all:
#   limits                   from bench/limits; and limits_static, the same program linked statically
PROGRAMS := $(SERVERS) $(HANDLERS) client limits

# The live page; a program of that name is on most systems, so make install calls it watch-servers:
#   watch                    serves a page that shows servers at work, and steers them

# What is not the lesson.
COMMON := $(patsubst %.c,$(BUILD)/%.o,$(wildcard common/*.c))

all: $(PROGRAMS:%=$(BIN)/%) $(SKETCHES:%=$(BIN)/%) $(BIN)/watch $(BUILD)/libhandler.a

$(PROGRAMS) $(SKETCHES): %: $(BIN)/%

define program
$(BIN)/$(1): $$(patsubst %.c,$(BUILD)/%.o,$$(filter-out %/sketch.c %/sketch_linux.c,$$(wildcard $(1)/*.c $(2)))) $(BUILD)/libcommon.a | $(BIN)
	$$(call SAY,LINK)$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) $(BUILD)/libcommon.a $$(LINK_$(1)) $$(LDLIBS)
endef
$(foreach each,$(SERVERS),$(eval $(call program,$(each))))
$(eval $(call program,client,client/*/*.c))

# A sketch is its file and nothing else. (make install leaves sketches out.)
define sketch
$(BIN)/$(1): $$(patsubst %.c,$(BUILD)/%.o,$$(wildcard $(1:sketch%=server%)_*/sketch*.c)) | $(BIN)
	$$(call SAY,LINK)$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^
endef
$(foreach each,$(SKETCHES),$(eval $(call sketch,$(each))))

# Two rows of limits are measured by limits_static; it is left out where the libc cannot do that.
$(BIN)/limits: $(patsubst %.c,$(BUILD)/%.o,$(wildcard bench/limits/*.c)) $(BUILD)/libcommon.a | $(BIN)
	$(call SAY,LINK)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
	@$(CC) $(CFLAGS) $(LDFLAGS) -static -o $@_static $^ $(LDLIBS) 2>/dev/null || rm -f $@_static

# Its page is built in, with the texts that it leads to: one file is all of it.
PAGES := $(wildcard watch/*.html watch/*.css watch/*.js watch/*.ini server[0-9][0-9]_*/README.md \
	docs/measuring.md docs/reliability.md)

$(BUILD)/watch/pages.c: watch/embed.sh Makefile $(PAGES)
	@mkdir -p $(@D)
	$(call SAY,TEXT)watch/embed.sh $(PAGES) >$@.new && mv $@.new $@

$(BUILD)/watch/pages.o: $(BUILD)/watch/pages.c Makefile
	$(call SAY,CC  )$(COMPILE) -Iwatch -MMD -MP -c -o $@ $<

$(BIN)/watch: $(patsubst %.c,$(BUILD)/%.o,$(wildcard watch/*.c)) $(BUILD)/watch/pages.o \
		$(BUILD)/libcommon.a | $(BIN)
	$(call SAY,LINK)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# A handler is linked with the library that a user's own one needs, and nothing else.
define handler
$(BIN)/$(1): $(BUILD)/handlers/$(1).o $(BUILD)/libhandler.a | $(BIN)
	$$(call SAY,LINK)$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS)
endef
$(foreach each,$(HANDLERS),$(eval $(call handler,$(each))))

# --- how they are made -------------------------------------------------------------------------

# server01 forks once per connection: link.sh finds out how to make that cheap.
LINK_server01_fork = $(shell server01_fork/link.sh '$(CC)' '$(CFLAGS) $(LDFLAGS)' $(BUILD)/server01_fork)

$(BUILD)/libcommon.a: $(COMMON)
	$(call SAY,AR  )rm -f $@ && $(AR) rc $@ $^

# The library for handlers of one's own: all that they need is in it.
$(BUILD)/libhandler.a: $(BUILD)/handlers/handler.o $(COMMON)
	$(call SAY,AR  )rm -f $@ && $(AR) rc $@ $^

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call SAY,CC  )$(COMPILE) -MMD -MP -c -o $@ $<

$(BIN):
	@mkdir -p $@

-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d)

# The tests' own tools: tests/helpers/NAME.c becomes $(BUILD)/tests/helpers/NAME; and tests in C. All
# of them have what is in tests/lib. Two include a part of servers 08 and 13; one has server11's parts.
TEST_TOOLS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/helpers/*.c tests/*/*_test.c) \
	$(if $(filter server08_epoll,$(SERVERS)),tests/servers/clients_test_linux.c) \
	$(if $(filter server11_event_workers,$(SERVERS)),tests/servers/workers_test_11.c) \
	$(if $(filter server13_io_uring,$(SERVERS)),tests/servers/ring_test_linux.c))

# What they test of the client: all of it but its main file.
CLIENT := $(patsubst %.c,$(BUILD)/%.o,$(wildcard client/*/*.c))

$(TEST_TOOLS): %: %.o $(BUILD)/libtests.a $(BUILD)/libclient.a $(BUILD)/libcommon.a
	$(call SAY,LINK)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDLIBS)

$(BUILD)/tests/servers/workers_test_11: $(patsubst %.c,$(BUILD)/%.o,$(filter-out %/sketch.c \
	%_event_workers.c,$(wildcard server11_event_workers/*.c)))

TESTS_LIB := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/lib/*.c))

$(BUILD)/libtests.a: $(TESTS_LIB)
	$(call SAY,AR  )rm -f $@ && $(AR) rc $@ $^

$(BUILD)/libclient.a: $(CLIENT)
	$(call SAY,AR  )rm -f $@ && $(AR) rc $@ $^

# Fuzz targets: each includes what it is about. They take inputs from files, as tests; tests/fuzz/run
# links them with libFuzzer in place of FUZZ_MAIN.
FUZZ_TARGETS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_MAIN = $(BUILD)/tests/fuzz/replay.o

$(FUZZ_TARGETS): %: %.o $(BUILD)/tests/fuzz/support.o $(FUZZ_MAIN) $(BUILD)/libclient.a $(BUILD)/libcommon.a
	$(call SAY,LINK)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

fuzz-programs: $(FUZZ_TARGETS)

test-programs: $(TEST_TOOLS) fuzz-programs

# --- what to do with them ----------------------------------------------------------------------

# (exec env: make passes TERM on to what it has started, and a shell in between would not.)

# What a script runs; to say what its options are, it runs none: make chaos ARGS=-h.
needs = $(if $(filter -h,$(ARGS) $(TESTS)),,$(1))

# Runs every server under the client and compares them: start here.
demo: all
	@exec env BIN=$(BIN) bench/demo

# Every model under the same loads, with a report of it all in results/; the herd; how cost grows;
# and nginx, Apache and Python's http.server beside them.
# make compare ARGS=-q is quick; bench/compare -h tells what else there is.
compare herd rivals scale: $(call needs,all)
	@exec env BIN=$(abspath $(BIN)) bench/$@ $(ARGS)

# haproxy in front of several copies, as on several machines; make cluster ARGS=-h tells the options.
cluster: $(call needs,all)
	@exec env BIN=$(abspath $(BIN)) bench/$@ $(ARGS)

# The live page, at http://127.0.0.1:2080/; make watch ARGS=-h tells the options.
watch: all
	@exec $(BIN)/watch $(ARGS)

# What attacks do to each server, and what is left when they are over; make attack ARGS=-q is quick.
attack: $(call needs,all test-programs)
	@exec env BIN=$(abspath $(BIN)) BUILD=$(abspath $(BUILD)) tests/stress/attack $(ARGS)

# All tests, or make test TESTS='contract client'; of those that are the same for each server, ONLY
# says for which: make test TESTS=contract ONLY='server02_select server05_spawn_pool'.
test: $(call needs,all test-programs)
	exec env BIN=$(abspath $(BIN)) BUILD=$(abspath $(BUILD)) CC='$(CC)' CFLAGS='$(CFLAGS)' \
		$(if $(ONLY),SERVERS='$(ONLY)') tests/run $(TESTS)

# Everything again, in a place of its own, where the compiler checks memory and arithmetic. (Not the
# scripts in bench/ and tests/, which would only run the same programs once more; not sources, which
# reads them; not sketches, which have faults.) Children that leave by _exit() are asked for leaks,
# too: tests/platforms/leave.c.
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LEAVE = $(abspath $(BUILD)/sanitize/tests/platforms/leave.o)
# And the servers with threads, where the compiler looks for data that two threads use at once.
THREADED = $(filter $(or $(ONLY),%),$(patsubst %/,%,$(wildcard server06_*/ server09_*/ server10_*/)))
THREADED_TESTS = contract $(foreach each,$(THREADED),$(firstword $(subst _, ,$(each))))
sanitize:
	$(MAKE) BUILD=$(BUILD)/sanitize CFLAGS='-O1 -g $(SANITIZE)' \
		$(BUILD)/sanitize/tests/platforms/leave.o
	$(MAKE) BIN=$(BUILD)/sanitize/bin BUILD=$(BUILD)/sanitize CFLAGS='-O1 -g $(SANITIZE)' \
		LDFLAGS='$(LDFLAGS) -Wl,--wrap=_exit $(LEAVE)' \
		NOT='attack awk calls chaos compare herd interrupted portability report rings rivals scale sizes \
			sketches \
			sources' test
	$(if $(THREADED),$(MAKE) BIN=$(BUILD)/thread/bin BUILD=$(BUILD)/thread SLOWER=3 \
		CFLAGS='-O1 -g -fsanitize=thread' ONLY='$(THREADED)' TESTS='$(THREADED_TESTS)' test)

# Children killed, stopped, replaced under load, and what the servers promise then: a minute.
# A million connections against each, and nothing grows. make chaos ARGS=-h tells the options.
chaos soak: $(call needs,all test-programs)
	@exec env BIN=$(abspath $(BIN)) BUILD=$(abspath $(BUILD)) tests/stress/$@ $(ARGS)

# Invents inputs for every parser, 300 s each: make fuzz ARGS='-t 60 fuzz_conn'; tests/fuzz/run -h.
fuzz:
	@tests/fuzz/run $(ARGS)

# The tests again under valgrind, where it can be: every process, also those that leave by _exit(),
# with its leaks and descriptors. make valgrind TESTS='contract server05'; ARGS=-q is quick.
valgrind:
	exec env BUILD=$(abspath $(BUILD)) tests/platforms/valgrind $(ARGS) $(TESTS)

# The fuzz targets include sources that are analysed by themselves; within a target, gcc 12 believes
# that bytes which memcpy() has filled are uninitialized.
$(BUILD)/tests/fuzz/%.o: override CFLAGS := $(filter-out -fanalyzer,$(CFLAGS))

# No warning from either compiler. What gcc sees depends on the level of optimisation, and once it
# follows all paths (-fanalyzer); clang warns before it optimises, so that once is enough.
strict:
	@for each in 'gcc -O0' 'gcc -O2 -fanalyzer' 'gcc -O3' 'clang -O0'; do \
		echo "  $$each"; \
		place=$(BUILD)/strict-$$(echo "$$each" | tr -d ' '); \
		$(MAKE) -s CC=$${each%% *} CFLAGS="$${each#* }" WERROR=-Werror \
			BIN=$$place/bin BUILD=$$place all test-programs || exit 1; \
	done

# Every compiler, C library and processor that can be had here; ARGS=-l lists them, ARGS=-q is quick.
portability:
	@exec env BUILD=$(BUILD) tests/platforms/portability $(ARGS)

# Every fallible call of the servers and the client fails once in a run of its own, with each error
# that its manual lists; make torture ARGS=-q is a selection, ARGS=-h tells what else there is. The
# programs are built from the same sources, under the sanitizers; that calls can fail in them is
# the linker's work: tests/torture/fault.c has a __wrap_NAME for each NAME.
TORTURE = $(BUILD)/torture
TORTURE_HOOK = $(patsubst %,$(TORTURE)/tests/torture/%.o,fault fault_linux)
# (With _FILE_OFFSET_BITS=64, glibc has other names for calls: open64, fcntl64. So not with that.)
TORTURE_AS = STANDARD='-std=c11 -D_XOPEN_SOURCE=700' CFLAGS='-O1 -g $(SANITIZE)'
TORTURE_DRIVER = $(patsubst %,$(BUILD)/tests/torture/%.o,torture run scenario judge names)

torture-hook: $(TORTURE)/wraps

$(TORTURE)/wraps: $(TORTURE_HOOK)
	@rm -rf $(TORTURE)/bin
	nm $^ | sed -n 's/.* T __wrap_/-Wl,--wrap=/p' >$@

torture-programs: $(TORTURE_DRIVER) $(BUILD)/libtests.a $(BUILD)/libcommon.a
	$(MAKE) BUILD=$(TORTURE) TORTURE=$(TORTURE) $(TORTURE_AS) torture-hook
	$(MAKE) BIN=$(TORTURE)/bin BUILD=$(TORTURE) $(TORTURE_AS) \
		LDFLAGS='$(LDFLAGS) $(TORTURE_HOOK) @$(TORTURE)/wraps' $(SERVERS) $(HANDLERS) client
	$(CC) $(CFLAGS) $(LDFLAGS) -o $(TORTURE)/torture $^ $(LDLIBS)

torture: torture-programs
	tests/torture/complete $(TORTURE)
	$(TORTURE)/torture $(ARGS)

lint: strict
	exec env BUILD=$(BUILD) tests/rules/lint

DOC = $(PREFIX)/share/doc/concurrent-servers
VERSION = $(shell sed -n 's/.*VERSION "\(.*\)".*/\1/p' common/options.c)

install: all
	mkdir -p $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	for each in $(PROGRAMS); do \
		install -m 755 $(BIN)/$$each $(DESTDIR)$(PREFIX)/bin/$$each && \
		install -m 644 man/$$each.1 $(DESTDIR)$(PREFIX)/share/man/man1/$$each.1 || exit 1; \
	done
	install -m 755 $(BIN)/watch $(DESTDIR)$(PREFIX)/bin/watch-servers
	sed 's/^\.Nm watch/&-servers/; s/^\.Dt WATCH/&-SERVERS/; s/^\.Dl watch/&-servers/' man/watch.1 \
		>$(DESTDIR)$(PREFIX)/share/man/man1/watch-servers.1
	if [ -x $(BIN)/limits_static ]; then \
		install -m 755 $(BIN)/limits_static $(DESTDIR)$(PREFIX)/bin/; \
	fi
	mkdir -p $(DESTDIR)$(DOC)
	install -m 644 README.md docs/*.md $(DESTDIR)$(DOC)/
	mkdir -p $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/share/man/man3
	install -m 644 $(BUILD)/libhandler.a $(DESTDIR)$(PREFIX)/lib/
	install -m 644 handlers/handler.h $(DESTDIR)$(PREFIX)/include/
	printf '%s\n' 'Name: libhandler' 'Version: $(VERSION)' \
		'Description: write a handler for server05_spawn_pool and server11_event_workers' \
		'Cflags: -I$(PREFIX)/include' 'Libs: -L$(PREFIX)/lib -lhandler $(LDLIBS)' \
		>$(DESTDIR)$(PREFIX)/lib/pkgconfig/libhandler.pc
	install -m 644 man/libhandler.3 $(DESTDIR)$(PREFIX)/share/man/man3/

uninstall:
	for each in $(PROGRAMS); do \
		rm -f $(DESTDIR)$(PREFIX)/bin/$$each $(DESTDIR)$(PREFIX)/share/man/man1/$$each.1; \
	done
	rm -f $(DESTDIR)$(PREFIX)/bin/limits_static $(DESTDIR)$(PREFIX)/bin/watch-servers \
		$(DESTDIR)$(PREFIX)/share/man/man1/watch-servers.1
	rm -rf $(DESTDIR)$(DOC)
	rm -f $(DESTDIR)$(PREFIX)/lib/libhandler.a $(DESTDIR)$(PREFIX)/include/handler.h \
		$(DESTDIR)$(PREFIX)/lib/pkgconfig/libhandler.pc \
		$(DESTDIR)$(PREFIX)/share/man/man3/libhandler.3

clean:
	rm -rf $(BIN) $(BUILD)

help:
	@echo 'make             build everything into $(BIN)/'
	@echo 'make demo        drive every server with the client and compare them'
	@echo 'make watch       the live page: servers at work in a browser'
	@echo 'make compare     every model under the same loads; ARGS=-q: quickly'
	@echo 'make herd        the thundering herd over 1 to 100 children'
	@echo 'make scale       how cost grows, and where each server breaks'
	@echo 'make cluster     haproxy in front of several copies: one is killed, one drained;'
	@echo '                 half a minute; ARGS=-q: ten seconds'
	@echo "make rivals      nginx, Apache and Python's http.server beside our servers; ten"
	@echo '                 minutes; ARGS=-q: two'
	@echo 'make attack      what attacks do to each server, four minutes; ARGS=-q: one'
	@echo "make test        all tests; make test TESTS='contract client' some of them;"
	@echo "                 ONLY='server02_select': of those each server has, its own;"
	@echo "                 FILTER=HUP: by their names"
	@echo '                 TIMES=yes: the longest ten tests; the times of each file'
	@echo 'make lint        strict compilers, format, static analysis, scripts, man pages'
	@echo 'make torture     every system call fails once, each in its own run; ARGS=-q'
	@echo 'make sanitize    the tests again under AddressSanitizer and UBSan; servers with'
	@echo '                 threads under ThreadSanitizer too'
	@echo 'make chaos       children killed, stopped, replaced under load; a minute'
	@echo 'make soak        a million connections against each server; ten minutes'
	@echo 'make portability all tests with other compilers, C libraries, processors;'
	@echo '                 ARGS=-l: which'
	@echo "make fuzz        fuzz the parsers, 300 s each; ARGS=-r replays the kept inputs"
	@echo 'make valgrind    the tests under valgrind: memory, leaks, descriptors; ARGS=-q'
	@echo 'make install     programs, man pages, docs, libhandler to PREFIX,'
	@echo '                 $(PREFIX), below DESTDIR'
	@echo 'make uninstall   and away again'
	@echo 'make clean       remove what was built'
	@echo 'make PROGRAM     one alone: client, $(firstword $(SERVERS)), handler_echo ...'

.PHONY: all attack chaos clean cluster compare demo fuzz fuzz-programs help herd install lint \
	portability rivals sanitize scale soak strict test test-programs torture torture-hook \
	torture-programs uninstall valgrind watch $(PROGRAMS) $(SKETCHES)
