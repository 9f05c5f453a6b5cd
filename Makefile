# What can be done here; `make` alone prints this list. No target looks at an ambient KUBECONFIG: only
# ARK_TEST_KUBECONFIG (with ARK_TEST_S3_URL, ARK_TEST_S3_ACCESS_KEY, ARK_TEST_S3_SECRET_KEY, ARK_TEST_IMAGE) points
# the tests at a cluster that is not their own.
unexport KUBECONFIG
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
CLUSTER := $(PYTHON) -m tests.cluster
WITH_CLUSTER = $(CLUSTER) exec

.PHONY: help venv lint unit test test-heavy interop bench demo cluster-up cluster-csi cluster-down image krew clean

help:  ## Print this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r a b; do printf '%-14s %s\n' "$$a" "$$b"; done

venv: $(VENV)/done  ## Make the virtual environment with everything that tests and linters need

$(VENV)/done: setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "error: Python 3.10 or newer is needed")'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "installing python3-venv"; apt-get update -q >/dev/null && apt-get install -y -q python3-venv >/dev/null; }
	@echo "making the virtual environment in $(VENV)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[runner,dev]'
	@touch $@

lint: venv  ## flake8, mypy --strict and the layer rules
	$(BIN)/flake8 kubectl_ark tests
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache | tail -n 4

unit: venv  ## The fast tests, which need no cluster
	$(BIN)/pytest -m 'not api and not node and not heavy'

test: venv  ## All set-up, then every test: unit, against the API server, end to end on the node with S3
	@mkdir -p build; $(MAKE) --no-print-directory lint >build/lint.log 2>&1 & lint=$$!; \
	  $(MAKE) --no-print-directory cluster-up cluster-csi krew; ready=$$?; \
	  wait $$lint; linted=$$?; cat build/lint.log; [ $$ready$$linted = 00 ]
	$(WITH_CLUSTER) $(BIN)/python -m tests.suite

test-heavy: lint cluster-up krew  ## What is too long for every run
	$(WITH_CLUSTER) $(BIN)/pytest -m heavy

interop: venv cluster-up krew  ## Both ways with a running Velero, built from its Go modules the first time
	$(WITH_CLUSTER) $(BIN)/pytest -m heavy tests/e2e/interop

bench: venv cluster-up  ## Speed and memory, as ratios to bare programs in one run; wants an otherwise idle machine
	$(WITH_CLUSTER) $(BIN)/python -m tests.bench

demo: venv cluster-up krew  ## Set up a cluster, back up a shop, lose it, get it back
	$(WITH_CLUSTER) $(BIN)/python -m tests.demo

cluster-up:  ## Bring up a one-node Kubernetes with S3 and the runner image (about 20 s once built)
	@$(CLUSTER) up

cluster-csi: cluster-up  ## Give that cluster volumes with snapshots (a CSI driver, snapshot-controller)
	@$(CLUSTER) csi

cluster-down:  ## Take it down again
	@$(CLUSTER) down

image:  ## Build the runner image for every architecture that can be built here
	@$(CLUSTER) image --all

krew: venv  ## Build the plugin's archive and krew-manifest.yaml
	$(BIN)/python .ci/krew.py

clean:  ## Remove what was built in this folder
	rm -rf build dist $(VENV) .mypy_cache .pytest_cache *.egg-info
