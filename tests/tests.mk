# SPDX-License-Identifier: GPL-2.0-or-later
# Test programs and the targets that run them. Included by the top Makefile.

TESTLIB_OBJ := $(patsubst %.c,$(O)/%.o,$(wildcard tests/lib/*.c))

unit_bins = $(patsubst tests/unit/$(1)/%.c,$(O)/tests/unit/$(1)/%,$(wildcard tests/unit/$(1)/test_*.c))

define UNIT_template
$(O)/tests/unit/$(1)/%: $(O)/tests/unit/$(1)/%.o $(TESTLIB_OBJ) $$(UNIT_EXTRA_$(1)) $$(call libs_of,$(1) $(BELOW_$(1)))
	$$(Q)echo "LD      $$@"; $$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(call extern_of,$(1) $(BELOW_$(1))) -lcunit
endef
# These let memory run out (tests/lib/oom.h).
OOM_TESTS := base/test_htable core/test_bce core/test_pool4 lma/test_lma_oom mag/test_fho_oom \
	mag/test_mag_oom
$(OOM_TESTS:%=$(O)/tests/unit/%): LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
# The simulated data plane is an object of its own: tests of the roles need no BPF to link it.
DP_FAKE := $(O)/user/dataplane/dp_fake.o $(O)/user/dataplane/dp_fake_ask.o
STORE_FAKE := $(O)/user/store/store_fake.o
UNIT_EXTRA_core := $(DP_FAKE) $(STORE_FAKE)
UNIT_EXTRA_lma := $(DP_FAKE) $(STORE_FAKE)
UNIT_EXTRA_mag := $(DP_FAKE) $(STORE_FAKE)
UNIT_EXTRA_access := $(DP_FAKE)
UNIT_EXTRA_control := $(DP_FAKE)
UNIT_LAYERS := base wire core store lma mag access net config control cli
$(foreach l,$(UNIT_LAYERS),$(eval $(call UNIT_template,$(l))))
UNIT_BINS := $(foreach l,$(UNIT_LAYERS),$(call unit_bins,$(l)))

$(O)/tests/%.o: CPPFLAGS += -Itests
# Test programs are compiled more often than they are run; what they test is optimised as ever.
ifeq ($(FLAVOUR),asan)
$(O)/tests/unit/%.o: CFLAGS += -O0
endif

SIM_LAYERS := lma mag core wire base
SIM_OBJ := $(patsubst %.c,$(O)/%.o,$(wildcard tests/sim/*.c))
$(O)/tests/sim/sim: $(SIM_OBJ) $(DP_FAKE) $(STORE_FAKE) $(TESTLIB_OBJ) $(call libs_of,$(SIM_LAYERS))
	$(Q)echo "LD      $@"; $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call extern_of,$(SIM_LAYERS)) -lcunit

BPF_TEST_LAYERS := dataplane core wire base
BPF_TEST_BINS := $(patsubst tests/bpf/%.c,$(O)/tests/bpf/%,$(wildcard tests/bpf/test_*.c))
BPF_TEST_LIB := $(patsubst %.c,$(O)/%.o,$(filter-out $(wildcard tests/bpf/test_*.c),$(wildcard tests/bpf/*.c)))
$(O)/tests/bpf/%: $(O)/tests/bpf/%.o $(BPF_TEST_LIB) $(TESTLIB_OBJ) $(call libs_of,$(BPF_TEST_LAYERS))
	$(Q)echo "LD      $@"; $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call extern_of,$(BPF_TEST_LAYERS)) -lcunit -lpthread
$(patsubst tests/bpf/%.c,$(O)/tests/bpf/%.o,$(wildcard tests/bpf/*.c)): | $(BPF_SKEL)

KERNEL_TEST_BINS := $(patsubst %.c,$(O)/%,$(wildcard tests/kernels/test_*.c))
$(O)/tests/kernels/%: $(O)/tests/kernels/%.o $(O)/tests/bpf/dp_env.o $(TESTLIB_OBJ) $(call libs_of,$(BPF_TEST_LAYERS))
	$(Q)echo "LD      $@"; $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call extern_of,$(BPF_TEST_LAYERS)) -lcunit
$(patsubst %.c,$(O)/%.o,$(wildcard tests/kernels/*.c)): | $(BPF_SKEL)

# Latency of the control plane's operations, and what a packet costs in the data plane.
BENCH_BINS := $(patsubst %.c,$(O)/%,$(wildcard tests/bench/bench_*.c))
$(BENCH_BINS): $(O)/tests/bench/%: $(O)/tests/bench/%.o $(call libs_of,store $(SIM_LAYERS))
	$(Q)echo "LD      $@"; $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call extern_of,store $(SIM_LAYERS))
BENCH_FORWARD := $(O)/tests/bench/forward/bench_forward
BENCH_FORWARD_OBJ := $(patsubst %.c,$(O)/%.o,$(filter-out %.bpf.c,$(wildcard tests/bench/forward/*.c)))
BENCH_SKEL := $(patsubst tests/bench/forward/%.bpf.c,$(BUILD)/include/%.skel.h,$(wildcard tests/bench/forward/*.bpf.c))
$(BUILD)/bpf/bench_%.bpf.o: tests/bench/forward/bench_%.bpf.c tests/bench/forward/bench_abi.h
	@mkdir -p $(@D)
	$(Q)echo "BPF     $<"; $(CLANG) $(BPF_CFLAGS) -c $< -o $@
$(BENCH_FORWARD_OBJ): | $(BENCH_SKEL)
$(BENCH_FORWARD): $(BENCH_FORWARD_OBJ) $(O)/tests/bpf/dp_env.o $(call libs_of,$(BPF_TEST_LAYERS))
	$(Q)echo "LD      $@"; $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call extern_of,$(BPF_TEST_LAYERS)) -lm

# Programs that the namespace tests run.
TOOL_BINS := $(patsubst %.c,$(O)/%,$(wildcard tests/tools/*.c))
$(TOOL_BINS): $(O)/tests/tools/%: $(O)/tests/tools/%.o $(call libs_of,core wire base)
	$(Q)echo "LD      $@"; $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call extern_of,core wire base)
# What they preload into daemons.
PRELOADS := $(patsubst %.c,$(O)/%.so,$(wildcard tests/tools/preload/*.c))
$(PRELOADS): $(O)/tests/tools/preload/%.so: tests/tools/preload/%.c
	@mkdir -p $(@D)
	$(Q)echo "LD      $@"; $(CC) $(CPPFLAGS) $(ALL_CFLAGS) -fPIC -shared -o $@ $<
.PHONY: test-tools
test-tools: $(TOOL_BINS) $(PRELOADS)

FUZZ_BINS := $(patsubst tests/fuzz/%.c,$(O)/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
# The same targets, linked with a driver that replays the corpus instead of libFuzzer.
FUZZ_LAYERS := control config net access mag lma store core wire base
$(O)/tests/fuzz/%: $(O)/tests/fuzz/%.o $(O)/tests/fuzz/replay.o $(DP_FAKE) $(call libs_of,$(FUZZ_LAYERS))
	$(Q)echo "LD      $@"; $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call extern_of,$(FUZZ_LAYERS))

.SECONDARY: # keep the objects of test programs

.PHONY: unit-bins
unit-bins: $(UNIT_BINS)

.PHONY: lint
lint: ## layers, tables, licences, shell scripts
	@scripts/check-layers.sh
	@scripts/lint.sh

# How many test programs run at once, and those that need the processor: they have real links,
# sockets and clocks.
JOBS ?= $(shell nproc)
ALONE_TESTS := net/test_net_ns net/test_routes
ALONE_BINS := $(ALONE_TESTS:%=$(O)/tests/unit/%)

.PHONY: check-run
check-run: $(UNIT_BINS) $(O)/tests/sim/sim $(FUZZ_BINS)
	@scripts/run-tests.sh --out $(BUILD)/results-check --jobs $(JOBS) \
		"$(O)/tests/sim/sim --quick --seeds 120 --jobs 2" $(filter-out $(ALONE_BINS),$(UNIT_BINS)) $(FUZZ_BINS) \
		tests/unit/wire/witness_tshark.py tests/unit/control/completion.sh --alone $(ALONE_BINS)

.PHONY: check
check: ## everything that needs no root and no BPF: lint, unit tests and simulation under ASan and UBSan
	@$(MAKE) --no-print-directory FLAVOUR=asan lint check-run

.PHONY: sim
sim: ## the simulation with SEEDS=10000 random seeds
	@$(MAKE) --no-print-directory FLAVOUR=release sim-run
.PHONY: sim-run
sim-run: $(O)/tests/sim/sim
	@$< --seeds $(SEEDS) --jobs $(JOBS)

.PHONY: bench
bench: ## what a packet costs, against a bare redirect and the kernel (needs root, 8 minutes); BENCH_QUICK=1 for a glance
	@scripts/install-deps.sh
	@$(MAKE) --no-print-directory FLAVOUR=release bench-forward-run
.PHONY: bench-forward bench-forward-run
bench-forward: $(BENCH_FORWARD)
bench-forward-run: $(BENCH_FORWARD)
	@scripts/bench.sh $< $(BUILD)/bench

BINDINGS ?= 1000000
.PHONY: bench-control
bench-control: ## latency of single operations with BINDINGS=1000000 of them, and memory per binding
	@$(MAKE) --no-print-directory FLAVOUR=release bench-control-run
.PHONY: bench-control-run
bench-control-run: $(BENCH_BINS)
	@for b in $^; do echo "$${b##*/}:"; $$b $(BINDINGS) || exit 1; done

.PHONY: fuzz
fuzz: ## libFuzzer on every parser for FUZZ_SECONDS=60 each (needs clang)
	@scripts/fuzz.sh

.PHONY: check-bpf
check-bpf: $(BPF_TEST_BINS) ## packet tests of the BPF programs (needs root)
	@scripts/run-tests.sh --out $(BUILD)/results-bpf $(BPF_TEST_BINS)

# Most of a namespace test is waiting, and half of the rest the verifier: several files at once, but
# alone those that assert how long something takes.
NETNS_JOBS ?= $(shell n=$$(nproc); echo $$((n > 5 ? 4 : n > 1 ? n - 1 : 1)))
NETNS_ALONE := test_handover test_bench test_crash_lma test_fast_handover
NETNS_RUN = $(patsubst %,"scripts/netns-tests.sh $(O) $(BUILD)/asan $(BUILD)/pytest-cache tests/netns/%.py",$(1))
NETNS_FILES := $(patsubst tests/netns/%.py,%,$(wildcard tests/netns/test_*.py))

.PHONY: check-netns
check-netns: all $(BENCH_FORWARD) $(TOOL_BINS) $(PRELOADS) ## real daemons and hosts in network namespaces (needs root)
	@rm -rf $(BUILD)/pytest-cache
	@scripts/run-tests.sh --out $(BUILD)/results-netns --jobs $(NETNS_JOBS) \
		$(call NETNS_RUN,$(filter-out $(NETNS_ALONE),$(NETNS_FILES))) \
		--alone $(call NETNS_RUN,$(NETNS_ALONE))

.PHONY: coverage
coverage: ## line coverage per directory: of make check, and as root of all tests
	@$(MAKE) --no-print-directory FLAVOUR=coverage all
	@find $(BUILD)/coverage -name '*.gcda' -delete
	+@status=0; make="$(MAKE) --no-print-directory FLAVOUR=coverage"; \
		$$make check-run || status=1; \
		[ $$(id -u) -ne 0 ] || $$make check-bpf || status=1; \
		[ $$(id -u) -ne 0 ] || $$make check-netns || status=1; \
		scripts/coverage.sh $(BUILD)/coverage && exit $$status

.PHONY: check-kernels
check-kernels: ## the data plane and a small domain on Debian's kernels 6.1 and 6.12, emulated (needs root)
	@scripts/install-deps.sh packages-kernels.txt
	@$(MAKE) --no-print-directory check-kernels-run
.PHONY: check-kernels-run
check-kernels-run: all $(KERNEL_TEST_BINS) $(BPF_TEST_BINS) $(call unit_bins,net)
	@scripts/check-kernels.sh --bin $(O) --out $(BUILD)/kernels

.PHONY: test
test: ## install what is missing, build, run every test (needs root)
	@scripts/install-deps.sh
	+@scripts/test-all.sh
