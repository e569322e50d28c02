# Each target is self-sufficient: on a bare machine with Python >= 3.11 it installs what it needs first, and is quick when
# nothing changed. `make help` lists them.

SHELL := /bin/sh
VENV := .venv
RUN := $(VENV)/bin
PYTEST := $(RUN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile
# One worker more than cores where real parts are tested: those tests mostly wait.
WORKERS = $$(( $$(getconf _NPROCESSORS_ONLN) + 1 ))

.DEFAULT_GOAL := help
.PHONY: help setup parts peers demo test test-quick test-faults check audit format bench deploy-files lock clean

help: ## what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make .venv from the lock (needs only Python >= 3.11)
	@.ci/venv $(VENV) requirements/dev.txt

parts: setup ## install the real parts that tests use: Kafka jars, Prometheus, Alertmanager
	@$(RUN)/python -m tests.parts.provision
	@.ci/venv .parts/dashboards requirements/dashboards.txt
	@.ci/venv .parts/peers requirements/reports.txt

peers: ## an environment of its own with Evidently, for reports and for make bench to compare with
	@.ci/venv .parts/peers requirements/reports.txt

demo: setup ## a real model going wrong in real data: broker, agent, incident
	@$(RUN)/python -m deploy.demo

test: setup parts ## every test, those against real Kafka, Prometheus and Alertmanager too
	@PYTEST_XDIST_AUTO_NUM_WORKERS=$(WORKERS) $(PYTEST)

test-quick: setup ## tests that need neither Java nor a server, within 60 s
	@$(PYTEST) -m "not slow and not parts"

test-faults: setup parts ## every fault in its long form, figures at the end; docs/guarantees.md says how to make it longer
	@WACHTER_FAULTS_SCALE=$${WACHTER_FAULTS_SCALE:-20} WACHTER_TEST_KILLS=$${WACHTER_TEST_KILLS:-200} \
		WACHTER_TEST_MUTATIONS=$${WACHTER_TEST_MUTATIONS:-10000} \
		$(RUN)/python -m pytest -q tests/faults tests/exporters/evidence tests/parts/test_pipeline_kafka.py

check: setup ## lint, format, types, direction of imports
	@$(RUN)/ruff check .
	@$(RUN)/ruff format --check .
	@$(RUN)/mypy
	@$(RUN)/lint-imports

audit: setup ## bandit, known weaknesses of what we depend on, and a bill of materials in dist/
	@.ci/venv .parts/audit requirements/audit.txt
	@.ci/audit $(VENV) .parts/audit

format: setup ## let ruff repair what it can
	@$(RUN)/ruff check --fix .
	@$(RUN)/ruff format .

bench: setup parts ## ratios against the floor, on Apache Kafka
	@$(RUN)/python -m bench

deploy-files: setup ## write what is shipped in deploy/ anew from its declarations
	@$(RUN)/python -m deploy.build.rules
	@.ci/venv .parts/dashboards requirements/dashboards.txt
	@PYTHONPATH=$$(echo .parts/dashboards/lib/python*/site-packages) $(RUN)/python -m deploy.build.dashboards
	@$(RUN)/python -m deploy.build.chart

lock: setup ## write requirements/*.txt anew from pyproject.toml
	@.ci/lock $(VENV)

clean: ## remove what the targets made, not what you wrote
	rm -rf $(VENV) .parts .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache demo-data
