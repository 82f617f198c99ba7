# What a person does with a checkout. `make help` lists it; .ci/run calls the same targets.
VENV    ?= .venv
PYTHON  ?= python3
# pytest's processes for the tests that share nothing; 0 runs them in one.
WORKERS ?= auto
# The same for tests with a cluster of their own each, which mostly wait for it.
CLUSTER_WORKERS ?= 3
# More words for the command of `run`, `test`, `e2e` and `bench`: make test ARGS="-k packer"
ARGS    ?=
# Where `make cluster` listens.
ADDRESS ?= 127.0.0.1

BIN     := $(VENV)/bin
PIP     := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
WITH_NODE = PATH="$$(.ci/node $(VENV)):$$PATH"
PYTEST  := $(BIN)/pytest --durations=10
# Words that choose tests may leave a whole kind without any, which is pytest's 5.
CHOSEN  := $(ARGS)$(if $(ARGS), || test $$? -eq 5)

INSTALLED := $(VENV)/.installed
PACKAGES  := web/node_modules/.installed
PAGES     := moroccron/api/static/app.js
WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -type f -print 2>/dev/null)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install run test test-cluster cluster cluster-down mesos check e2e bench web wheel clean
.PHONY: needs needs-cluster

help: ## This list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-13s %s\n", $$1, $$2 }'

install: $(INSTALLED) ## The environment in .venv, with everything that development needs

# pymesos requires http-parser: ours, which no compiler is needed for, has to be there first.
$(INSTALLED): pyproject.toml constraints.txt $(wildcard packages/http-parser/*.toml packages/http-parser/*/*.py)
	.ci/venv $(VENV) $(PYTHON)
	$(PIP) hatchling editables setuptools
	$(PIP) --no-build-isolation ./packages/http-parser
	$(PIP) --no-build-isolation --editable '.[dev,mesos]'
	@touch $@

web: $(PAGES) ## The pages' scripts and styles, from web/ into moroccron/api/static

$(PACKAGES): web/package.json web/package-lock.json web/.npmrc | $(INSTALLED)
	$(WITH_NODE) npm --prefix web ci --no-audit --no-fund --loglevel=error
	@touch $@

$(PAGES): $(WEB_SOURCES) $(PACKAGES)
	$(WITH_NODE) npm --prefix web run --silent build -- --logLevel warn
	@touch $@

run: install web ## All of moroccron on this machine: dags/, pages on http://127.0.0.1:8650
	$(BIN)/moroccron standalone $(ARGS)

check: install $(PACKAGES) ## Style, types and the dependency rule
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(WITH_NODE) npm --prefix web run --silent types
	$(WITH_NODE) npm --prefix web run --silent lint

# Without these programs the tests that want them are skipped, and say so; CI lets none skip.
needs:
	@.ci/apt initdb=postgresql chromium=chromium || test -z "$$CI"

test: install web needs mesos ## Every test: unit, property, contract, integration, end to end, on a real Mesos
	$(WITH_NODE) npm --prefix web run --silent test
	$(PYTEST) -m "not e2e and not browser and not cluster" -n $(WORKERS) $(CHOSEN)
	$(PYTEST) -m "(e2e or browser) and not cluster" $(CHOSEN)
	$(PYTEST) -m cluster -n $(CLUSTER_WORKERS) $(CHOSEN)

needs-cluster:
	@.ci/apt initdb=postgresql java=default-jre-headless /usr/share/java/zookeeper.jar=zookeeper \
	    g++=g++ libapr-1.so.0=libapr1 libsasl2.so.2=libsasl2-2 libsvn_delta-1.so.1=libsvn1 \
	    || test -z "$$CI"

mesos: install needs-cluster ## A real Mesos for tests, in ~/.cache/moroccron
	@$(BIN)/python -m tests.mesos.build || test -z "$$CI"

test-cluster: install web needs mesos ## Only the tests that need a real Mesos
	$(PYTEST) -m cluster -n $(CLUSTER_WORKERS) $(ARGS)

cluster: install web mesos ## ZooKeeper, Mesos with three agents, PostgreSQL, moroccron, in .cluster
	$(BIN)/python -m tests.cluster up .cluster $(ADDRESS)

cluster-down: ## End what `make cluster` started
	$(BIN)/python -m tests.cluster down .cluster

e2e: install web needs ## Only the tests that act as a user would
	$(PYTEST) -m "(e2e or browser) and not cluster" $(ARGS)

bench: install web mesos ## The benchmarks, each figure beside its floor
	$(BIN)/python -m benchmarks $(ARGS)

wheel: install web ## The wheel, in dist/
	$(BIN)/python -m build --wheel --no-isolation --outdir dist

clean: ## Remove what was built and cached; the environment stays (rm -r .venv)
	rm -rf build dist moroccron/api/static web/node_modules test-results
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find moroccron tests migrations dags -name __pycache__ -type d -prune -exec rm -rf {} +
