# One entry for everything. `cargo build`, `cargo run` and `cargo test` work without it: what they need beyond cargo is a C
# compiler, and the tests of the C interface clang, valgrind and abigail-tools, and those of
# `/openapi.json` Python with what tests/admin/openapi/requirements.txt names, which `make setup` installs where they are absent.

CARGO        ?= cargo
PREFIX       ?= /usr/local
# Seconds each fuzz target runs.
FUZZ_SECONDS ?= 60
# How long `make soak` runs; the last third counts.
SOAK_MINUTES ?= 30
# What `make run` hands to the server, for example ARGS="--memory --workers 2".
ARGS         ?=

# Worlds of `make sim`, steps of each, and seconds after which it stops between two; it goes on there the next time.
SEEDS        ?= 100000
STEPS        ?= 1000
SECONDS      ?= 0
# How the simulation is built: release, or dev for a quick look.
SIM_PROFILE  ?= release
SIM          := $(CARGO) run --quiet --locked --profile $(SIM_PROFILE) --features sim --bin chatroom-sim --

.PHONY: help setup run test coverage-of-mission bench crowd soak fuzz sim sim-bugs install ci

help:
	@echo "make setup    install the tools the tests need and that are absent"
	@echo "make run      start the server (ARGS=... for flags)"
	@echo "make test     install what is absent, then run every test, those of the C interface included"
	@echo "make coverage-of-mission  print which rows of the mission which tests name, and which none does"
	@echo "make bench    run the benchmarks"
	@echo "make crowd    measure a delivery in one room of as many members as this machine's files allow"
	@echo "make soak     let 2,000 connections come and go for SOAK_MINUTES=$(SOAK_MINUTES) and print the slope of the server's memory"
	@echo "make fuzz     run each fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS)"
	@echo "make sim      run simulated worlds up to seed SEEDS=$(SEEDS) of STEPS=$(STEPS) steps; goes on where it stopped, for one commit"
	@echo "make sim-bugs plant fourteen bugs, one after the other, and see the simulation find each"
	@echo "make install  install chatroomd, chatroom, libchatroom, headers and chatroom.pc under PREFIX=$(PREFIX)"
	@echo "make ci       everything a change has to pass: tests, format, lints, documentation, fuzz smoke"

setup:
	@tools/setup

run:
	$(CARGO) run --release --bin chatroomd -- $(ARGS)

test: setup
	$(CARGO) test --locked

coverage-of-mission:
	@$(CARGO) test --quiet --locked --test house mission every_row_of_what_is_built -- --nocapture

bench:
	$(CARGO) bench --locked

crowd:
	$(CARGO) bench --locked --bench crowd

soak:
	SOAK_MINUTES=$(SOAK_MINUTES) $(CARGO) bench --locked --bench soak

# Stable compilers refuse the sanitizers' flags without RUSTC_BOOTSTRAP.
fuzz:
	@tools/setup --fuzz
	CHATROOM_BLESS=1 $(CARGO) test --quiet --locked --test wire corpus
	@set -e; for target in $$(RUSTC_BOOTSTRAP=1 $(CARGO) fuzz list); do \
		echo "fuzz $$target, $(FUZZ_SECONDS) s"; \
		RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run $$target -- -max_total_time=$(FUZZ_SECONDS) -print_final_stats=0; \
	done

sim:
	@mkdir -p target
	@$(SIM) --seeds 0..$(SEEDS) --steps $(STEPS) --jobs $$(nproc) --account target/sim.account \
		--commit "$$(git rev-parse HEAD)$$(git diff --quiet HEAD || echo -changed)" \
		$(if $(filter-out 0,$(SECONDS)),--seconds $(SECONDS))

sim-bugs:
	@$(SIM) --bugs --steps $(STEPS) --seeds 0..20000

install:
	$(CARGO) build --release --locked
	CARGO_TARGET_DIR="$(CARGO_TARGET_DIR)" tools/install "$(PREFIX)" "$(DESTDIR)"

ci:
	@.ci/run
