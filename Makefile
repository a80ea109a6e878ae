# Segue: build, run, test. `make help` lists the targets.
#
# Sources are found by folder, so a new .c needs no line here:
#   build/segue         edge/*.c edge/*/*.c segments/*.c
#   build/segue-media   segments/helper/*.c segments/*.c edge/base/*.c   (the only program with libav*)
#   build/tests/unit/   one program a tests/unit/*/test_*.c
#   build/fuzz/         one program a tests/fuzz/fuzz_*.c
#   build/bench/        one program a tests/bench/bench_*.c
#   build/listeners     tools/listeners/*.c edge/base/*.c, a load program
# Another build beside the usual one: make BUILD=build/asan SANITIZE=address,undefined

BUILD    ?= build
SANITIZE ?=
PREFIX   ?= /usr/local
SYSCONFDIR ?= /etc
DESTDIR  ?=
LISTEN   ?= 127.0.0.1:8080
MEDIA    ?= media
FUZZ     ?=
FUZZ_SECONDS ?= 60
MUTATIONS ?= 1000
NO_UI    ?=
CC       := $(if $(filter default,$(origin CC)),gcc,$(CC))
CLANG    ?= clang
CLANG_FORMAT ?= clang-format
VERSION  := 0.1.0
export NO_UI

WARN   := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Werror
HARDEN := -fstack-protector-strong -fstack-clash-protection -fPIE
LINK_HARDEN := -pie -Wl,-z,relro,-z,now,-z,noexecstack
ifeq ($(SANITIZE),)
HARDEN += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
OPT    ?= -O2
# The programs are optimised across files; objects hold plain code as well (fat), so that tests
# link in a moment.
LTO    := $(if $(findstring gcc,$(CC)),-flto=auto -ffat-lto-objects)
else
OPT    ?= -O1
WARN   := -w # gcc sees ghosts in instrumented code; the plain build has looked
HARDEN += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer -DSEGUE_AUDIT
LINK_HARDEN += -fsanitize=$(SANITIZE)
endif

# Asked anew for each command, never once at the start: `make run` on a fresh machine installs
# pkg-config and the libraries first.
EDGE_PKGS  := libevent_core libevent_pthreads hiredis openssl libxxhash yaml-0.1 jansson zlib libbrotlienc
MEDIA_PKGS := libavformat libavcodec libavutil libseccomp libxxhash
LOAD_PKGS  := libevent_core libxxhash
FUZZ_PKGS  := openssl libxxhash yaml-0.1 jansson
# Their headers are not held to our warnings, wherever they lie.
pkg_flags   = $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(1)))
pkg_libs    = $(shell pkg-config --libs $(1))

CFLAGS_ALL = -std=c17 $(OPT) -g -D_GNU_SOURCE -DSEGUE_VERSION='"$(VERSION)"' -I. -I$(BUILD)/gen \
             $(WARN) $(HARDEN) $(LTO) $(CFLAGS)

EDGE_SRC   := $(wildcard edge/*.c edge/*/*.c)
SEG_SRC    := $(wildcard segments/*.c)
HELPER_SRC := $(wildcard segments/helper/*.c)
# What makes segments is the server's part; the helpers need no OpenSSL.
MEDIA_SEG_SRC := $(filter-out segments/crypt.c segments/segment.c segments/playlist.c,$(SEG_SRC))
BASE_SRC   := $(wildcard edge/base/*.c)

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
EDGE_OBJ   := $(call obj,$(EDGE_SRC) $(SEG_SRC)) $(BUILD)/obj/gen/player_assets.o
MEDIA_OBJ  := $(call obj,$(HELPER_SRC) $(MEDIA_SEG_SRC) $(BASE_SRC))
LIB_OBJ    := $(filter-out $(BUILD)/obj/edge/main.o,$(EDGE_OBJ))
MEDIA_LIB_OBJ := $(filter-out $(BUILD)/obj/segments/helper/main.o,$(MEDIA_OBJ))

LISTENERS_OBJ := $(call obj,$(wildcard tools/listeners/*.c) $(BASE_SRC))

UNIT_SRC   := $(wildcard tests/unit/*/test_*.c)
UNIT_BIN   := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(UNIT_SRC))

# V=1 shows the commands, otherwise there is one short line each.
Q   := $(if $(V),,@)
say  = $(if $(V),:,printf '%-5s %s\n' $(1) $@)
# Targets that install packages or need a second build call make again: in parallel, unless the
# caller said how many jobs.
AGAIN = +$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all run test check demo asan tsan fuzz format clean install help deps unit wire \
        unit-programs fuzz-programs bench-sign mutate k6 k6-types listeners crowd compare compare-quick guard FORCE

all: $(BUILD)/segue $(BUILD)/segue-media ## build the server and its media helper

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.* ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12
	@echo 'variables: NO_UI=1 (build without Node and player), LISTEN=HOST:PORT, MEDIA=DIR, V=1,'
	@echo '           BUILD=DIR, SANITIZE=LIST, PREFIX=DIR, DESTDIR=DIR, FUZZ=NAME, FUZZ_SECONDS=N,'
	@echo '           MUTATIONS=N'

# Building

$(BUILD)/segue: $(EDGE_OBJ)
	@$(call say,LINK)
	$(Q)$(CC) $(OPT) $(LTO) $(LINK_HARDEN) -o $@ $^ $(call pkg_libs,$(EDGE_PKGS)) -lpthread $(LDFLAGS)

$(BUILD)/segue-media: $(MEDIA_OBJ)
	@$(call say,LINK)
	$(Q)$(CC) $(LINK_HARDEN) -o $@ $^ $(call pkg_libs,$(MEDIA_PKGS)) -lm $(LDFLAGS)

$(BUILD)/listeners: $(LISTENERS_OBJ)
	@$(call say,LINK)
	$(Q)$(CC) $(LINK_HARDEN) -o $@ $^ $(call pkg_libs,$(LOAD_PKGS)) $(LDFLAGS)

listeners: $(BUILD)/listeners ## build the load program of many listeners (tools/listeners)

crowd: all listeners ## ten thousand listeners on one worker for a minute: stalls, first bytes, memory
	@tools/listeners/ten-thousand --build $(BUILD)

k6: ## find k6 or install it, for the scenarios of tools/k6
	@tools/install-k6

$(BUILD)/bench_sign: tests/bench/bench_sign.c $(BUILD)/libsegue.a
	@$(call say,CC)
	$(Q)$(CC) $(CFLAGS_ALL) -fno-lto -MMD -MP $(LINK_HARDEN) -o $@ $^ $(call pkg_libs,$(EDGE_PKGS)) -lpthread

bench-sign: $(BUILD)/bench_sign ## signatures made and checked a second on one core
	@$(BUILD)/bench_sign

$(BUILD)/libsegue.a: $(LIB_OBJ)
	@$(call say,AR)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/libsegue-media.a: $(MEDIA_LIB_OBJ)
	@$(call say,AR)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/obj/segments/helper/%.o: segments/helper/%.c $(BUILD)/flags
	@mkdir -p $(@D) && $(call say,CC)
	$(Q)$(CC) $(CFLAGS_ALL) $(call pkg_flags,$(MEDIA_PKGS)) -MMD -MP -c -o $@ $<

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D) && $(call say,CC)
	$(Q)$(CC) $(CFLAGS_ALL) $(call pkg_flags,$(EDGE_PKGS)) -MMD -MP -c -o $@ $<

# What encoded segments depend on beside their source: it is part of the version in their URLs.
ENCODER = $(shell pkg-config --modversion libavcodec)/$(shell $(CC) -dumpmachine)
$(BUILD)/obj/edge/recipe.o: private CFLAGS += -DSEGUE_ENCODER='"$(ENCODER)"'

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c $(BUILD)/flags
	@mkdir -p $(@D) && $(call say,CC)
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# Other flags, other objects: this file changes only when they do.
FLAGS_NOW = $(CC) $(CFLAGS_ALL) $(LINK_HARDEN) $(LDFLAGS)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(call quoted,$(FLAGS_NOW)) | cmp -s - $@ || \
	    printf '%s\n' $(call quoted,$(FLAGS_NOW)) >$@
quoted = '$(subst ','\'',$(1))'

# The player page: our own files and hls.js as npm's lock file pins it, as one table of bytes.
# npm works in build/npm, so that the sources stay as they are.
PLAYER_DIR := edge/serve/player
PLAYER_OWN := $(wildcard $(PLAYER_DIR)/*.html $(PLAYER_DIR)/*.js $(PLAYER_DIR)/*.css $(PLAYER_DIR)/*.svg)
HLS_JS     := build/npm/node_modules/hls.js/dist/hls.light.min.js

ifeq ($(NO_UI),)
PLAYER_FILES := $(PLAYER_OWN) $(HLS_JS)
endif

$(BUILD)/gen/player_assets.c: $(PLAYER_FILES) $(BUILD)/gen/player_files tools/embed
	@$(call say,EMBED)
	$(Q)tools/embed $@ $(PLAYER_FILES)

$(BUILD)/gen/player_files: FORCE
	@mkdir -p $(@D)
	@echo '$(PLAYER_FILES)' | cmp -s - $@ || echo '$(PLAYER_FILES)' >$@

$(HLS_JS): $(PLAYER_DIR)/package.json $(PLAYER_DIR)/package-lock.json
	@command -v npm >/dev/null || { echo 'The player page needs npm (make deps installs it);' \
	    'make NO_UI=1 builds without the page.' >&2; exit 1; }
	@$(call say,NPM)
	$(Q)mkdir -p build/npm && cp $^ build/npm/
	$(Q)cd build/npm && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null
	$(Q)touch $@

# Running

deps: ## install the Debian packages that are missing
	@tools/install-deps

demo: ## make the demo library in ./media
	@tools/install-deps run
	@tools/demo-library $(MEDIA)

run: ## install what is missing, build, make the demo library, serve it
	@tools/install-deps build run
	@$(AGAIN) all
	@tools/demo-library $(MEDIA)
	@echo && echo 'Ctrl-C ends the server.'
	@exec tools/serve $(BUILD)/segue serve -r $(MEDIA) -l $(LISTEN)

install: all ## copy the programs, the configuration and the systemd unit (DESTDIR, PREFIX)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(SYSCONFDIR)/segue \
	    $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)/var/lib/segue/media
	install -m 755 $(BUILD)/segue $(BUILD)/segue-media $(DESTDIR)$(PREFIX)/bin/
	test -e $(DESTDIR)$(SYSCONFDIR)/segue/segue.yaml || \
	    install -m 644 conf/segue.yaml $(DESTDIR)$(SYSCONFDIR)/segue/
	sed 's,@PREFIX@,$(PREFIX),g; s,@SYSCONFDIR@,$(SYSCONFDIR),g' conf/segue.service \
	    >$(DESTDIR)$(PREFIX)/lib/systemd/system/segue.service

clean: ## remove everything that was built
	rm -rf build

# Testing

test: ## install what is missing, build, run every test
	@tools/install-deps
	@tools/install-k6 >/dev/null || true
	@$(AGAIN) all listeners unit-programs fuzz-programs build/floor
	@tests/run --build $(BUILD)

unit: unit-programs ## the unit tests alone
	@tests/run --build $(BUILD) unit

guard: ## instructions per request, held to limits (tests/guard)
	@tools/install-deps
	@$(AGAIN) all
	@tests/run --build $(BUILD) guard

wire: all listeners build/floor ## the tests of the running server alone (WIRE='-k range' chooses)
	@tests/run --build $(BUILD) wire $(if $(WIRE),--pytest '$(WIRE)')

asan: ## unit and wire tests in a build with AddressSanitizer and UBSan
	@tools/install-deps
	@$(AGAIN) BUILD=build/asan SANITIZE=address,undefined all listeners unit-programs
	@tests/run --build build/asan unit wire

tsan: ## unit and wire tests in a build with ThreadSanitizer
	@tools/install-deps
	@$(AGAIN) BUILD=build/tsan SANITIZE=thread all listeners unit-programs
	@tests/run --build build/tsan unit wire

mutate: ## a thousand mutations of each media fixture, under AddressSanitizer (MUTATIONS=N)
	@tools/install-deps
	@$(AGAIN) BUILD=build/asan SANITIZE=address,undefined all
	@SEGUE_BUILD=build/asan SEGUE_MUTATIONS=$(MUTATIONS) /usr/bin/python3 -m pytest -q -s \
	    -p no:cacheprovider tests/wire/test_hls_damage.py

fuzz: ## fuzz for FUZZ_SECONDS a target (0: until Ctrl-C), FUZZ=head: one alone
	@tools/install-deps
	@$(AGAIN) fuzz-programs
	@tests/run fuzz --seconds $(FUZZ_SECONDS) $(if $(FUZZ),--only $(FUZZ))

unit-programs: $(UNIT_BIN)

$(BUILD)/tests/unit/%: tests/unit/%.c $(BUILD)/libsegue.a
	@mkdir -p $(@D) && $(call say,CC)
	$(Q)$(CC) $(CFLAGS_ALL) -fno-lto -Itests/unit $(call pkg_flags,$(EDGE_PKGS)) -MMD -MP $(LINK_HARDEN) \
	    -o $@ $< $(BUILD)/libsegue.a $(call pkg_libs,$(EDGE_PKGS)) -lcmocka -lbrotlidec -lpthread

$(BUILD)/tests/unit/helper/%: tests/unit/helper/%.c $(BUILD)/libsegue-media.a
	@mkdir -p $(@D) && $(call say,CC)
	$(Q)$(CC) $(CFLAGS_ALL) -fno-lto -Itests/unit $(call pkg_flags,$(MEDIA_PKGS)) -MMD -MP $(LINK_HARDEN) \
	    -o $@ $< $(BUILD)/libsegue-media.a $(call pkg_libs,$(MEDIA_PKGS)) -lm -lcmocka -lpthread

# Programs of tests/bench: make build/bench/bench_eviction, and run it.
$(BUILD)/bench/%: tests/bench/%.c $(BUILD)/libsegue.a
	@mkdir -p $(@D) && $(call say,CC)
	$(Q)$(CC) $(CFLAGS_ALL) -fno-lto $(call pkg_flags,$(EDGE_PKGS)) -MMD -MP $(LINK_HARDEN) \
	    -o $@ $< $(BUILD)/libsegue.a $(call pkg_libs,$(EDGE_PKGS)) -lm -lpthread

# What the fuzzers reach: the floors that take bytes from outside, and the configuration.
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BIN := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(FUZZ_SRC))
FUZZ_LIB_SRC := $(BASE_SRC) $(wildcard edge/http/*.c edge/guard/*.c) $(SEG_SRC) \
                edge/store/redis_url.c edge/store/redis_record.c edge/store/purge.c \
                $(filter-out edge/main.c edge/server.c edge/worker.c,$(wildcard edge/*.c))
FUZZ_OBJ := $(patsubst %.c,build/fuzz/obj/%.o,$(FUZZ_LIB_SRC))
FUZZ_FLAGS = -std=c17 -O1 -g -D_GNU_SOURCE -DSEGUE_VERSION='"$(VERSION)"' -DSEGUE_AUDIT -I. \
             -DSEGUE_ENCODER='""' \
             -Wall -Wextra -fno-omit-frame-pointer -fno-sanitize-recover=all

fuzz-programs: $(FUZZ_BIN)

build/fuzz/obj/%.o: %.c
	@mkdir -p $(@D) && $(call say,CC)
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined \
	    $(call pkg_flags,$(FUZZ_PKGS)) -MMD -MP -c -o $@ $<

build/fuzz/fuzz.a: $(FUZZ_OBJ)
	@$(call say,AR)
	$(Q)rm -f $@ && ar rcs $@ $^

build/fuzz/fuzz_%: tests/fuzz/fuzz_%.c build/fuzz/fuzz.a
	@mkdir -p $(@D) && $(call say,CC)
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined -MMD -MP -o $@ $< \
	    build/fuzz/fuzz.a $(call pkg_libs,$(FUZZ_PKGS)) -lpthread

# Beside nginx: nginx-compare/README.md

build/floor: nginx-compare/floor.c
	@mkdir -p $(@D) && $(call say,CC)
	$(Q)$(CC) -std=c17 -O2 -D_GNU_SOURCE $(WARN) -o $@ $<

compare: deps ## nginx and Segue on the same work, in turn: a table; fails where a budget is missed
	@$(AGAIN) all build/floor
	@/usr/bin/python3 nginx-compare/compare.py --out nginx-compare/results $(COMPARE)

compare-quick: deps ## three cases of it in under a minute; nothing is judged
	@$(AGAIN) all build/floor
	@/usr/bin/python3 nginx-compare/compare.py --quick $(COMPARE)

# Checking

FORMATTED = $(wildcard edge/*.[ch] edge/*/*.[ch] segments/*.[ch] segments/helper/*.[ch] \
            tests/unit/*/*.[ch] tests/unit/*.[ch] tests/fuzz/*.[ch] tests/bench/*.[ch] \
            tools/listeners/*.[ch] nginx-compare/*.c)

check: all k6-types ## layers, shape, formatting, scripts, configuration, hardening
	@tools/check --build $(BUILD) $(FORMATTED)

# The k6 scripts against k6's own types, as npm's lock file pins them; k6 itself needs none of it.
K6_TSC := build/k6/node_modules/.bin/tsc

k6-types: ## check the types of the k6 scripts
	@if [ -n '$(NO_UI)' ] || ! command -v npm >/dev/null; then \
	    echo 'k6-types: NOT CHECKED: that needs npm'; \
	else $(MAKE) -s --no-print-directory $(K6_TSC) && $(K6_TSC) -p tools/k6 && \
	    echo 'k6-types: the scripts of tools/k6 keep to their types'; fi

$(K6_TSC): tools/k6/package.json tools/k6/package-lock.json
	@mkdir -p build/k6 && cp $^ build/k6/ && $(call say,NPM)
	$(Q)cd build/k6 && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null
	$(Q)touch $@

format: ## apply .clang-format
	@$(CLANG_FORMAT) -i $(FORMATTED)

-include $(shell find $(BUILD)/obj $(BUILD)/tests build/fuzz -name '*.d' 2>/dev/null)
