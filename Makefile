# Two commands matter: `make run` (set up everything, show the main job, leave the server running) and `make test`.

SHELL := /bin/bash
export CARGO_TARGET_DIR ?= $(HOME)/.cache/boxwood/target
export BOXWOOD_CACHE ?= $(HOME)/.cache/boxwood
BOXWOOD := $(CARGO_TARGET_DIR)/release/boxwood
# The engine's C++ build writes much; cargo's own progress is enough.
CARGO := cargo

.PHONY: run stop test lint build setup setup-tests bench eval eval-quick help clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

setup: ## install what a build needs (cmake, clang), telling so
	@scripts/setup.sh build

setup-tests: setup ## install what the tests need as well (Node.js)
	@scripts/setup.sh tests

build: setup ## build the program (GPU=cuda: the local engine can use NVIDIA GPUs; needs the CUDA toolkit)
	$(CARGO) build --release --workspace --bins $(if $(GPU),--features boxwood/$(GPU))
	$(CARGO) build --release --manifest-path crates/boxwood-calculate/Cargo.toml

run: build ## set up everything, answer a question about a sample, leave the server running (ONCE=1: stop it)
	@BOXWOOD=$(BOXWOOD) scripts/first_run.py $(if $(ONCE),--once)

stop: ## stop the server that `make run` left running
	@scripts/first_run.py --stop

models: build
	$(BOXWOOD) models pull

# The engine's own tests use the smallest model.
test: setup-tests models lint ## pass all tests
	$(BOXWOOD) models pull boxwood__smollm2_135m_instruct
	$(CARGO) test --release --workspace --lib --bins --tests
	$(CARGO) test --release --manifest-path crates/boxwood-calculate/Cargo.toml

lint: ## format, lints, documentation
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path crates/boxwood-calculate/Cargo.toml --check
	$(CARGO) xtask tidy
	$(CARGO) clippy --release --workspace --all-targets -- -D warnings
	$(CARGO) clippy --release --manifest-path crates/boxwood-calculate/Cargo.toml --all-targets -- -D warnings

bench: build models ## measure: engine, ingestion, server overhead, memory
	@scripts/bench.sh $(BOXWOOD)

eval-quick: build models ## measure quality on a few rows of several sets (at most 15 minutes)
	@scripts/evaluate.sh $(BOXWOOD) quick

eval: build models ## measure quality on all sets at every effort (overnight)
	@scripts/evaluate.sh $(BOXWOOD) full

clean: ## remove what was built (models and data stay)
	$(CARGO) clean
