# SPDX-License-Identifier: GPL-2.0-or-later
#
# pmipd - Proxy Mobile IPv6 at XDP speed. `make help` lists the targets.
#
# Sources are found by place: user/<layer>/*.c becomes lib<layer>.a, tests/unit/<layer>/test_*.c
# a program of its own that links that layer and the ones below it. Nothing is listed twice.

SHELL := /bin/bash
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules
# all at once, but not `make clean all`
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS))$(filter clean,$(MAKECMDGOALS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

BUILD   ?= build
FLAVOUR ?= release
PREFIX  ?= /usr/local
DESTDIR ?=
SEEDS   ?= 10000
KEEP    ?= 0
O       := $(BUILD)/$(FLAVOUR)

# bpftool is in /usr/sbin, which only root searches
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin

# ---- what the machine has: probed once, named when missing
ifneq ($(filter-out help deps clean demo demo-stop test bench,$(or $(MAKECMDGOALS),all)),)
include $(BUILD)/config.mk
endif

$(BUILD)/config.mk: scripts/probe.sh scripts/packages.txt
	@scripts/probe.sh $@

# ---- flags
CC ?= cc
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
CPPFLAGS += -D_GNU_SOURCE -Iuser -Iinclude -I$(BUILD)/include $(PROBE_CFLAGS)
CFLAGS_COMMON := -std=gnu11 -g -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wformat=2 -Wno-unused-parameter -Wno-missing-field-initializers \
	-fno-strict-aliasing -fno-common
CFLAGS_release  := -O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
CFLAGS_asan     := -Og -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
CFLAGS_coverage := -O0 --coverage
LDFLAGS_release  := -pie -Wl,-z,relro,-z,now
LDFLAGS_asan     := -fsanitize=address,undefined
LDFLAGS_coverage := --coverage
ALL_CFLAGS  = $(CFLAGS_COMMON) $(CFLAGS_$(FLAVOUR)) $(CFLAGS)
ALL_LDFLAGS = $(LDFLAGS_$(FLAVOUR)) $(LDFLAGS)

CLANG     ?= clang
BPFTOOL   ?= bpftool
BPF_CFLAGS := -g -O2 -target bpf -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter \
	-Wno-address-of-packed-member -Iinclude $(PROBE_BPF_CFLAGS)

# ---- layers, lowest first; each may use those to its left (scripts/check-layers.sh is stricter)
LAYERS := base wire core store lma mag access net dataplane config control daemon cli

BELOW_base      :=
BELOW_wire      := base
BELOW_core      := wire base
BELOW_store     := core wire base
BELOW_lma       := core wire base
BELOW_mag       := core wire base
BELOW_access    := mag lma core wire base
BELOW_net       := core wire base
BELOW_dataplane := core wire base
BELOW_config    := access mag lma core wire base
BELOW_control   := access mag lma core wire base
BELOW_daemon    := control config dataplane net access mag lma store core wire base
BELOW_cli       := base

LIBS_base      :=
LIBS_config    := -lcyaml -lyaml
LIBS_control   := -ljansson
LIBS_cli       := -ljansson
LIBS_store     := -llmdb -lz
LIBS_net       := -lmnl
LIBS_access    :=
LIBS_dataplane := -lbpf -lelf -lz -lmnl
LIBS_daemon    := -lev -lcap-ng -lsystemd

objs = $(patsubst %.c,$(O)/%.o,$(wildcard user/$(1)/*.c))
libs_of = $(foreach l,$(1),$(O)/lib/lib$(l).a)
extern_of = $(foreach l,$(1),$(LIBS_$(l)))

PMIPD_LAYERS := daemon $(BELOW_daemon)
CLI_LAYERS   := cli $(BELOW_cli)

.PHONY: all
all: ## build pmipd, pmipctl and the BPF programs
all: $(O)/pmipd $(O)/pmipctl

define LAYER_template
$(O)/lib/lib$(1).a: $$(call objs,$(1))
	@mkdir -p $$(@D); rm -f $$@
	$$(Q)ar rcs $$@ $$^
endef
$(foreach l,$(LAYERS),$(eval $(call LAYER_template,$(l))))

Q := $(if $(V),,@)
$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)echo "CC      $<"; $(CC) $(CPPFLAGS) $(ALL_CFLAGS) -DPMIP_VERSION='"$(VERSION)"' -MMD -MP -c $< -o $@

# What --version says is compiled into these, and must not be that of an earlier build.
VERSIONED := user/daemon/daemon.o user/daemon/main.o user/cli/main.o
$(VERSIONED:%=$(O)/%): $(BUILD)/version
$(BUILD)/version: always
	@mkdir -p $(@D); echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' >$@
.PHONY: always

$(O)/pmipd: $(call libs_of,$(PMIPD_LAYERS))
	$(Q)echo "LD      $@"; $(CC) $(ALL_LDFLAGS) -o $@ -Wl,--whole-archive $(call libs_of,daemon) \
		-Wl,--no-whole-archive $(call libs_of,$(PMIPD_LAYERS)) $(call extern_of,$(PMIPD_LAYERS))

$(O)/pmipctl: $(call libs_of,$(CLI_LAYERS))
	$(Q)echo "LD      $@"; $(CC) $(ALL_LDFLAGS) -o $@ -Wl,--whole-archive $(call libs_of,cli) \
		-Wl,--no-whole-archive $(call libs_of,$(CLI_LAYERS)) $(call extern_of,$(CLI_LAYERS))

# ---- BPF: one object per hook from one source tree, a skeleton from each
BPF_SRC  := $(wildcard bpf/*.bpf.c)
BPF_SKEL := $(patsubst bpf/%.bpf.c,$(BUILD)/include/%.skel.h,$(BPF_SRC))

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h) include/pmip/abi.h
	@mkdir -p $(@D)
	$(Q)echo "BPF     $<"; $(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(BUILD)/include/%.skel.h: $(BUILD)/bpf/%.bpf.o
	@mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen skeleton $< name $* > $@.tmp && mv $@.tmp $@

.PHONY: bpf
bpf: $(BPF_SKEL) ## build the BPF programs and their skeletons only
$(filter-out $(O)/user/dataplane/dp_fake%,$(call objs,dataplane)): | $(BPF_SKEL)

# ---- tests
include tests/tests.mk

# ---- everything else
.PHONY: deps
deps: ## install the Debian packages that are missing (needs root)
	@scripts/install-deps.sh

.PHONY: demo demo-stop
demo: ## a node roams between two MAGs while iperf3 runs (needs root); KEEP=1 leaves it running
	@scripts/install-deps.sh && $(MAKE) --no-print-directory all && scripts/demo.py run --keep $(KEEP) --bin $(O)
demo-stop: ## remove the demo's namespaces and daemons
	@scripts/demo.py stop

.PHONY: docs
docs: $(O)/pmipd ## write the generated parts of docs/ anew
	@scripts/gen-docs.sh $(O)/pmipd

.PHONY: install
install: all ## install under DESTDIR/PREFIX
	install -D -m 0755 $(O)/pmipd $(DESTDIR)$(PREFIX)/sbin/pmipd
	install -D -m 0755 $(O)/pmipctl $(DESTDIR)$(PREFIX)/bin/pmipctl
	install -D -m 0644 scripts/pmipctl.bash-completion $(DESTDIR)$(PREFIX)/share/bash-completion/completions/pmipctl
	install -D -m 0644 scripts/pmipd.service $(DESTDIR)$(PREFIX)/lib/systemd/system/pmipd.service
	sed -i 's#/usr/local/#$(PREFIX)/#' $(DESTDIR)$(PREFIX)/lib/systemd/system/pmipd.service
	install -d $(DESTDIR)$(PREFIX)/share/doc/pmipd/examples
	install -m 0644 README.md docs/*.md $(DESTDIR)$(PREFIX)/share/doc/pmipd/
	sed -i 's#\([[(]\)docs/#\1#g' $(DESTDIR)$(PREFIX)/share/doc/pmipd/README.md
	install -m 0644 docs/examples/*.yaml $(DESTDIR)$(PREFIX)/share/doc/pmipd/examples/

.PHONY: clean
clean: ## remove build/
	rm -rf $(BUILD)

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' Makefile tests/tests.mk | sort -u | \
		awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

-include $(shell find $(O) -name '*.d' 2>/dev/null)
