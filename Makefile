# Everything that is done with this repository. Each target does only what is still missing.

# The tools need no package, so they start with the machine's own Python; what they make is in .venv.
TOOL := python3 -m
# What a shell needs to use the cluster and the virtual environment.
IN_VENV = eval "$$($(TOOL) tools.cluster env)" && PATH="$(CURDIR)/.venv/bin:$$PATH"
INVENTORY ?= inventories/kind
NAME ?= default

.DEFAULT_GOAL := help
.PHONY: help demo deploy test test-all lint unit sanity rendered scenario bench soak docs lock environment cluster images down python

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: python ## Bring up a cluster, deploy Airflow, run a DAG, and say where the UI is
	@$(TOOL) tools.demo

deploy: environment cluster images ## Deploy to the cluster, with INVENTORY=inventories/kind
	@$(IN_VENV) ansible-playbook -i $(INVENTORY) deploy.yml

test: python ## Run the static checks, the unit tests, and the scenarios of the main promises on a real cluster
	@$(TOOL) tools.suite

test-all: python ## Run what `make test` does, and all other scenarios
	@$(TOOL) tools.suite --all

lint: python ## Run the static checks
	@$(TOOL) tools.suite lint

unit: python ## Run the unit tests, on the oldest and the newest Python of this machine
	@$(TOOL) tools.suite unit

sanity: python ## Run ansible-test sanity
	@$(TOOL) tools.suite sanity

scenario: environment cluster images ## Run one scenario on the cluster, with NAME=default
	@$(IN_VENV) molecule --base-config .config/molecule/config.yml test --scenario-name $(NAME)

bench: environment cluster images ## Measure deploys, probes and failures against other ways, side by side
	@.venv/bin/python -m tools.bench

soak: environment cluster images ## Kill deploys, upgrades and rollbacks at many points, and see what the next run makes of it (two hours)
	@.venv/bin/python -m tools.soak interruptions --api-server
	@.venv/bin/python -m tools.soak upgrades

rendered: environment ## Write the golden manifests anew that the unit tests compare with
	@.venv/bin/python -m tools.checks.rendered

docs: environment ## Write what is generated in docs and the README.md of each role
	@PYTHONPATH=.collections .venv/bin/python -m tools.docs

lock: python ## Resolve requirements/dev.in into requirements/dev.txt
	@$(TOOL) tools.environment --lock

environment: python ## Make .venv and .collections
	@$(TOOL) tools.environment

cluster: python ## Bring up the kind cluster
	@$(TOOL) tools.cluster up

images: cluster ## Pull or build the images, and load them onto the cluster
	@$(TOOL) tools.images --load

down: python ## Remove the kind cluster
	@$(TOOL) tools.cluster down

python:
	@command -v python3 >/dev/null || { apt-get update && apt-get install --yes --no-install-recommends python3; }
