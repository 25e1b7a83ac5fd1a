# SPDX-License-Identifier: GPL-3.0-or-later
#
# The door. The build itself is meson's: see meson.build and meson_options.txt.
# `make help` lists what there is.

BUILD    ?= build
prefix   ?= /usr/local
SECONDS  ?= 60
BENCH    ?=
COMPARE  ?=
ATTACKS  ?=
SOAK     ?=
FAULTS   ?=
TUNNELS  ?=
SETUP    ?=
PYTHON   := /usr/bin/python3
SANITIZE := -Db_lundef=false -Dabort_on_bug=true -Dbuildtype=debugoptimized
JOBS     := $(if $(JOBS),-j$(JOBS))
# So that one terminal shows the whole of a failing test, and no other.
MESON_TEST := meson test --no-rebuild --print-errorlogs

.DEFAULT_GOAL := all
.PHONY: all help run test check asan tsan fuzz lint format bench lab compare compare-rpz attacks storm tunnels engine soak faults \
	install uninstall clean deps \
	$(BUILD) build-asan build-tsan build-fuzz
.NOTPARALLEL:

all: $(BUILD)

help:
	@echo 'make                      build into $(BUILD)/ (the program is $(BUILD)/weir)'
	@echo 'make run                  build and start a Weir on the loopback address'
	@echo 'make lab                  a private internet on this machine, with Weir in front'
	@echo 'make test [T=NAME]        all tests, or one'
	@echo 'make asan [T=NAME]        unit tests and corpora under ASan and UBSan (build-asan/)'
	@echo 'make tsan [T=NAME]        unit tests under TSan (build-tsan/)'
	@echo 'make fuzz T=NAME [SECONDS=60]   run a fuzz target (build-fuzz/); without T: list them'
	@echo 'make lint                 style, layers, headers, clang-tidy; ONLY=NAME for one check'
	@echo 'make format               clang-format over all C files'
	@echo 'make bench [BENCH=ARGS]   side by side with other resolvers'
	@echo 'make compare [COMPARE=ARGS]   the same questions to Weir and three other resolvers'
	@echo 'make compare-rpz [COMPARE=ARGS]   policy zones in Weir, BIND, PowerDNS Recursor and Unbound'
	@echo 'make attacks [ATTACKS=ARGS]   what an attacking question costs Weir and the others'
	@echo 'make faults [FAULTS=ARGS]   every system call of downloading, loading and writing fails once'
	@echo 'make storm [STORM=ARGS]   10,000 incidents at once, receivers that are away, a full disk'
	@echo 'make tunnels [TUNNELS=ARGS]   real tunnels and slow senders; what reaches the attacker'
	@echo 'make engine [ENGINE=REPORT]   recorded and made traffic through the detectors, offline'
	@echo 'make soak [SOAK=ARGS]     half an hour of mixed load while name servers fail and return'
	@echo 'make install [DESTDIR=] [prefix=/usr/local]'
	@echo 'make clean                remove all build folders'

# ---- building ----

$(BUILD)/build.ninja:
	@tools/deps build
	meson setup $(BUILD) --prefix=$(prefix) --sysconfdir=/etc --localstatedir=/var $(SETUP)

$(BUILD): $(BUILD)/build.ninja
	@ninja $(JOBS) -C $(BUILD)

# The program alone, without the tests.
.PHONY: weir
weir: $(BUILD)/build.ninja
	@ninja $(JOBS) -C $(BUILD) weir

build-asan:
	@test -e $@/build.ninja || meson setup $@ -Db_sanitize=address,undefined $(SANITIZE)
	@ninja $(JOBS) -C $@

build-tsan:
	@test -e $@/build.ninja || meson setup $@ -Db_sanitize=thread $(SANITIZE)
	@ninja $(JOBS) -C $@

build-fuzz:
	@test -e $@/build.ninja || CC=clang-14 meson setup $@ -Dfuzzer=true -Dwerror=true \
		-Db_sanitize=address,undefined $(SANITIZE)
	@ninja $(JOBS) -C $@ $(if $(T),tests/fuzz/$(T)_fuzz)

# ---- using ----

run:
	@tools/deps build run
	@$(MAKE) --no-print-directory weir
	@tools/run $(BUILD)/weir

lab:
	@tools/deps build run test
	@$(MAKE) --no-print-directory weir
	@$(PYTHON) tests/lab/lab.py --weir $(BUILD)/weir $(LAB)

# A build folder keeps the prefix it was made with until another one is asked for.
install: $(BUILD)
	$(if $(filter command environment,$(firstword $(origin prefix))),\
		@meson configure $(BUILD) -Dprefix=$(prefix) && ninja $(JOBS) -C $(BUILD))
	@meson install --no-rebuild -C $(BUILD)

uninstall:
	@ninja -C $(BUILD) uninstall

# ---- testing ----

test check:
	@tools/deps build test
	@$(MAKE) --no-print-directory $(BUILD)
	@$(MESON_TEST) -C $(BUILD) $(T)

asan: build-asan
	@tools/sanitized $(MESON_TEST) -C $< $(if $(T),$(T),--suite unit --suite corpus --suite scenario)

tsan: build-tsan
	@tools/sanitized $(MESON_TEST) -C $< $(if $(T),$(T),--suite unit)

fuzz:
	@if [ -z '$(T)' ]; then echo 'make fuzz T=NAME, where NAME is one of:'; \
		ls tests/fuzz/*_fuzz.c | sed 's|.*/|  |; s|_fuzz.c||'; exit 2; fi
	@$(MAKE) --no-print-directory build-fuzz T=$(T)
	@tools/fuzz $(T) $(SECONDS)

bench:
	@tools/deps build bench
	@$(MAKE) --no-print-directory $(BUILD)
	@$(PYTHON) tests/bench/run.py $(BENCH)

compare:
	@tools/deps build test
	@$(MAKE) --no-print-directory weir
	@WEIR=$(BUILD)/weir $(PYTHON) -B tests/lab/compare.py $(COMPARE)

compare-rpz:
	@tools/deps build test
	@$(MAKE) --no-print-directory weir
	@WEIR=$(BUILD)/weir $(PYTHON) -B tests/rpz/compare.py $(COMPARE)

attacks:
	@tools/deps build test
	@$(MAKE) --no-print-directory weir
	@WEIR=$(BUILD)/weir $(PYTHON) -B tests/attack/attacks.py $(ATTACKS)

faults:
	@tools/deps build test
	@$(MAKE) --no-print-directory weir
	@ninja $(JOBS) -C $(BUILD) tests/fault/fault
	@WEIR=$(BUILD)/weir FAULT=$(BUILD)/tests/fault/fault $(PYTHON) -B tests/fault/faults.py $(FAULTS)

storm:
	@tools/deps build test
	@$(MAKE) --no-print-directory weir
	@WEIR=$(BUILD)/weir $(PYTHON) -B tests/alerts/storm.py $(STORM)

# About 25 minutes; as root. --write tests/detect/results-live.txt keeps the tables.
tunnels:
	@tools/deps build test
	@$(MAKE) --no-print-directory weir
	@ninja $(JOBS) -C $(BUILD) tests/detect/slow tests/detect/evade
	@WEIR=$(BUILD)/weir $(PYTHON) -B tests/detect/live/matrix.py $(TUNNELS)

engine:
	@tools/deps build test
	@$(MAKE) --no-print-directory $(BUILD)/build.ninja
	@ninja $(JOBS) -C $(BUILD) tests/detect/engine/engine
	@tests/detect/engine/run $(BUILD)/tests/detect/engine/engine $(ENGINE)

soak:
	@tools/deps build test
	@$(MAKE) --no-print-directory weir
	@WEIR=$(BUILD)/weir $(PYTHON) -B tests/lab/soak.py $(SOAK)

# ---- the look of the code ----

lint:
	@tools/deps build lint
	@tools/lint $(ONLY)

format:
	@git ls-files '*.c' '*.h' | xargs clang-format-14 -i

clean:
	rm -rf $(BUILD) build-asan build-tsan build-fuzz build-clang build-gcc
