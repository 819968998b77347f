# The front door. `make` alone says what there is.
PRESET ?= dev
PREFIX ?= /usr/local
PYTHON ?= /usr/bin/python3
JOBS ?= $(shell nproc)
# The longest tests wait for most of their time.
TESTS_AT_ONCE ?= $(shell expr $(JOBS) + 1)
BUILD = build/$(PRESET)

.PHONY: help build test check asan demo bench bench-jobs bench-recovery bench-moves bench-warm test-monitoring soak chaos outside durability test-long simulate mutants fuzz conformance install portable test-portable format clean

help:
	@echo "make demo      one copy of a real model under 17 web workers, measured"
	@echo "make test      every test of the development build (PRESET=asan, tsan: under sanitizers)"
	@echo "make check     format, lint, docs/coverage.md, names in documents, clang-tidy"
	@echo "make build     only build; PRESET=dev, asan, tsan or release"
	@echo "make bench     what a request costs, beside a server with the model inside (docs/benchmarks.md)"
	@echo "make bench-jobs  what jobs cost: beside the disk, the store alone and beanstalkd; with a million of them waiting"
	@echo "make bench-recovery  how long a worker that hangs in its driver keeps the next request waiting (emulator)"
	@echo "make bench-moves  what it costs to move weights, beside a new process; how late idle timers are; what 1,000 idle models cost (emulator)"
	@echo "make bench-warm  how much sooner a model answers whose process is on standby (PyTorch on the CPU)"
	@echo "make soak      32 clients, hangs, crashes, reloads; HOURS=1 or MINUTES=2"
	@echo "make chaos     32 clients while workers, drivers and emulated GPUs break; MINUTES=10, SEED=n plays the same again"
	@echo "make outside   100,000 random calls, moves and kills at the public API; CALLS=n, SEED=n"
	@echo "make durability  the daemon is killed while clients hand over jobs, and torn images of its disk; KILLS=1000, IMAGES=5000, SEED=n"
	@echo "make test-long all that takes longer than a change may: two hours"
	@echo "make simulate  one simulated world after another until stopped, each find made small; SEED=n, MINUTES=n, LIFE=3600 (virtual seconds with faults)"
	@echo "make mutants   every deliberate bug of the engine, and what finds it: measures all, writes docs/mutants.md"
	@echo "make fuzz      TARGET=frames, host_frames, json, http, configuration, recording; MINUTES=30. Finds go to build/fuzz/corpus, crashes to build/fuzz"
	@echo "make conformance  what Windlass relies on in GPU drivers, checked on the emulator (docs/emulator.md)"
	@echo "make test-monitoring  the dashboard's queries and the alert rules on a real Prometheus (docs/monitoring.md)"
	@echo "make install   into PREFIX=$(PREFIX)"
	@echo "make portable  build/portable/windlass, a folder that runs from anywhere, and its archive"
	@echo "make test-portable  that folder, and the Python wheel that carries it"
	@echo "make format    rewrite the sources as clang-format wants them"

build:
	@./setup
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build $(BUILD) -j $(JOBS)

test: build
	@ctest --test-dir $(BUILD) -j $(TESTS_AT_ONCE) --output-on-failure

check:
	@./setup
	@tools/format.sh --check
	@$(PYTHON) tools/lint.py
	@$(PYTHON) tools/scenarios.py --check
	@$(PYTHON) tools/promises.py
	@$(PYTHON) tools/doc_names.py
	@cmake --preset dev >/dev/null
	@$(PYTHON) tools/tidy.py $(TIDY)

demo: PRESET = release
demo: build
	@$(PYTHON) examples/demo/demo.py $(BUILD)/bin/windlass $(if $(KEEP),--keep)

bench: PRESET = release
bench:
	@./setup
	@cmake --preset $(PRESET) -DWINDLASS_BENCH=ON >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target bench
	@$(PYTHON) bench/run.py $(BUILD)/bin $(BENCH)
	@$(MAKE) bench-jobs bench-moves bench-warm BENCH=

bench-jobs bench-recovery bench-moves bench-warm: PRESET = release
bench-jobs:
	@./setup
	@cmake --preset $(PRESET) -DWINDLASS_BENCH=ON >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target bench
	@$(PYTHON) bench/jobs.py $(BUILD)/bin $(BENCH)

bench-recovery: build
	@$(PYTHON) bench/recovery.py $(BUILD)/bin $(BENCH)

bench-moves: build
	@$(PYTHON) bench/moves.py $(BUILD)/bin $(BENCH)
	@$(PYTHON) bench/idle.py $(BUILD)/bin $(IDLE)

bench-warm: build
	@$(PYTHON) bench/warm_starts.py $(BUILD)/bin $(BENCH)

soak: PRESET = release
soak:
	@./setup
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target windlass windlass-echo-worker
	@$(PYTHON) tests/soak/soak.py $(BUILD)/bin/windlass \
	    --seconds $(if $(HOURS),$$(($(HOURS) * 3600)),$$(($(or $(MINUTES),2) * 60)))

chaos: PRESET = release
chaos:
	@./setup
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target windlass windlass-echo-worker windlass-emulator
	@$(PYTHON) tests/chaos/chaos.py $(BUILD)/bin/windlass --seconds $$(($(or $(MINUTES),10) * 60)) \
	    $(if $(SEED),--seed $(SEED)) $(if $(filter asan tsan,$(PRESET)),--sanitized)

outside: PRESET = release
outside:
	@./setup
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target windlass windlass-witness-worker windlass-emulator
	@$(PYTHON) tests/outside/outside.py $(BUILD)/bin/windlass $(if $(CALLS),--calls $(CALLS)) \
	    $(if $(SEED),--seed $(SEED))

durability:
	@./setup
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target windlass wl_store_sqlite_test
	@WINDLASS_IMAGES=$(or $(IMAGES),5000) $(BUILD)/bin/wl_store_sqlite_test --source-file='*job_disk_test.cpp'
	@$(PYTHON) tests/durability/kills.py $(BUILD)/bin/windlass --kills $(or $(KILLS),1000) \
	    $(if $(SEED),--seed $(SEED))

# Some two hours; docs/durability.md has the last figures.
test-long:
	@$(MAKE) durability
	@$(MAKE) outside
	@$(MAKE) chaos MINUTES=10
	@$(MAKE) soak HOURS=1
	@$(MAKE) test-monitoring

simulate:
	@./setup
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target wl_simulate
	@$(BUILD)/bin/wl_simulate $(if $(SEED),--from $(SEED)) $(if $(MINUTES),--seconds $$(($(MINUTES) * 60))) \
	    $(if $(LIFE),--life $(LIFE))

mutants:
	@./setup
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target wl_core_mutants wl_simulation_mutants wl_exploration_mutants
	@$(PYTHON) tests/mutants/mutants.py $(BUILD)/bin --all $(MUTANTS)

fuzz: PRESET = fuzz
fuzz:
	@./setup
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target wl_fuzz_$(TARGET)
	@mkdir -p $(BUILD)/corpus/$(TARGET)
	@$(BUILD)/bin/wl_fuzz_$(TARGET) -max_total_time=$$(($(or $(MINUTES),30) * 60)) -timeout=10 \
	    -rss_limit_mb=1024 -max_len=4096 -artifact_prefix=$(BUILD)/$(TARGET)- \
	    $(BUILD)/corpus/$(TARGET) tests/fuzz/corpus/$(TARGET)

conformance: build
	@tests/conformance/on_emulator $(BUILD)

test-monitoring: build
	@WINDLASS_BINARY=$(BUILD)/bin/windlass PYTHONPATH=python $(PYTHON) -m pytest -q -p no:cacheprovider tests/monitoring

install: PRESET = release
install: build
	@cmake --install $(BUILD) --prefix $(PREFIX)

portable:
	@./setup
	@cmake --preset portable >/dev/null
	@cmake --build --preset portable -j $(JOBS)
	@$(PYTHON) packaging/portable/assemble.py build/portable build/portable/windlass

test-portable: portable
	@WINDLASS_PORTABLE=$(CURDIR)/build/portable/windlass \
	    $(PYTHON) -m pytest -q -p no:cacheprovider tests/portable

format:
	@tools/format.sh

clean:
	rm -rf build
