# Two commands on a fresh machine: `make demo` trains a small GAN, `make test` checks everything.
# Both build the environment in .venv first, and again only when pyproject.toml changes.
#
#   PYTHON    the interpreter to build .venv with (3.11 or newer)
#   PIP_ARGS  more arguments for pip; for the smaller CPU-only PyTorch on Linux:
#             make demo PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"
#   SET       overrides for every run of the comparisons, such as SET=trainer.precision=bf16-mixed
#   IMAGES    real images that every discriminator of `make compare-all`, `compare-conditional` and `compare-cifar10` sees
#             (256000; 384000; 128000)
#   SEEDS     their training seeds
#   LIVE      empty leaves live samplers out of the documentation site, which take minutes and npm the first time

PYTHON ?= python3
PIP_ARGS ?=
SET ?=
IMAGES ?= 256000
SEEDS ?= 0
LIVE ?= 1

VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check $(PIP_ARGS)

.PHONY: help demo test test-slow lint format guard docs docs-check docs-serve compare compare-all compare-conditional compare-cifar10 gallery lab clean

help:
	@echo "make demo      train WGAN-GP on scikit-learn's digits: no download of data"
	@echo "make test      style, imports, types, documentation and tests: what CI runs"
	@echo "make test-slow the tests that take minutes, which make test leaves out"
	@echo "make lint      style, imports and types only"
	@echo "make format    rewrite the code in the house style"
	@echo "make docs      the documentation site, in site/; LIVE= without samplers in the pages"
	@echo "make docs-serve"
	@echo "               the same while you write, on http://127.0.0.1:8000/"
	@echo "make guard     fail if a training step costs over 1.10 of a hand-written one"
	@echo "make compare   DCGAN, WGAN and WGAN-GP on MNIST, three seeds each (hours)"
	@echo "make compare-all, compare-conditional"
	@echo "               all MNIST recipes without, and with labels, one seed each"
	@echo "make compare-cifar10"
	@echo "               small networks on CIFAR-10, one seed each (hours)"
	@echo "make lab       every objective on points in the plane (an hour)"
	@echo "make gallery   gallery.html, and with Chromium its picture in docs/"
	@echo "make clean     remove environment and caches; runs and data stay"
	@echo
	@echo "They work in .venv, which they build: .venv/bin/ganzoo --help has the rest."

demo: $(VENV)/.installed
	$(BIN)/ganzoo fit --recipe wgan_gp_digits

test: lint docs-check
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

# What `make test` leaves out: minutes each, on processes, environments and benchmarks of their own.
test-slow: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy

# A banner about MkDocs 2, below which pyproject.toml keeps.
docs docs-serve docs-check: export NO_MKDOCS_2_WARNING = 1

# What pages draw in the browser is exported first, into build/site: only what a checkpoint has changed of.
docs: $(VENV)/.installed-dev
	$(if $(LIVE),cd docs && ../$(BIN)/python -m website.live)
	$(BIN)/mkdocs build --strict

docs-serve: $(VENV)/.installed-dev
	$(BIN)/mkdocs serve

# Pages that do not build, links that lead nowhere, a guide without a place in the navigation.
docs-check: $(VENV)/.installed-dev
	$(BIN)/mkdocs build --strict --quiet --site-dir build/docs-check

guard: $(VENV)/.installed
	$(BIN)/python benchmarks/throughput.py dcgan_mnist --guard 1.10

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Equal numbers of real images for all three: a Wasserstein critic sees five batches per generator update. Learning rates
# stay constant, as in the study; the recipes' own decay suits their longer runs.
compare: $(VENV)/.installed
	$(BIN)/ganzoo compare dcgan_mnist wgan_mnist wgan_gp_mnist --seeds 0 1 2 --steps 5000 1000 1000 \
	    --out docs/comparison --readme README.md --beside docs/comparison/study.csv --set model.init_args.lr_factor=null $(SET)

# A recipe has conditional networks where it learns from labels. Runs stand apart from the trio's, whose critics
# do not see exactly as many images. Fast recipes are for few images, and stay out. Learning rates follow the recipes,
# whose schedules stretch over whatever the budget is.
MNIST = $(filter-out %_fast,$(basename $(notdir $(shell grep -l 'ganzoo\.data\.MNIST$$' recipes/*.yaml))))
LABELLED = $(basename $(notdir $(shell grep -l 'networks\.conditional\.' recipes/*.yaml)))
EQUALLY = --images $(IMAGES) --seeds $(SEEDS) --runs runs/compared --readme docs/comparison.md $(if $(SET),--set $(SET))

compare-all: $(VENV)/.installed
	$(BIN)/ganzoo compare $(filter-out $(LABELLED),$(MNIST)) --table all --out docs/comparison/all $(EQUALLY)

compare-conditional: IMAGES = 384000
compare-conditional: $(VENV)/.installed
	$(BIN)/ganzoo compare $(filter $(LABELLED),$(MNIST)) --table conditional --out docs/comparison/conditional $(EQUALLY)

# By the features of the classifier of CIFAR-10, and by ImageNet's.
CIFAR10 = $(addsuffix _cifar10_small,dcgan sngan projection_gan sagan biggan progan stylegan2 diffusion_gan gansformer vitgan transgan ddgan r3gan)
compare-cifar10: IMAGES = 128000
compare-cifar10: $(VENV)/.installed
	$(BIN)/ganzoo compare $(CIFAR10) --table cifar10 --out docs/comparison/cifar10 --features imagenet $(EQUALLY)

# The page, and the picture of it in docs/checkpoints.md: CHROMIUM is the browser that takes it.
CHROMIUM ?= chromium
gallery: $(VENV)/.installed
	$(BIN)/ganzoo gallery -o gallery.html
	$(CHROMIUM) --headless --no-sandbox --hide-scrollbars --window-size=1280,840 --screenshot=docs/gallery.png gallery.html

# One figure of every method on every data set, one seed; and a table of what cures mode collapse, five seeds.
lab: $(VENV)/.installed
	$(BIN)/ganzoo lab -o docs/lab
	$(BIN)/ganzoo lab --methods cures --data ring --seeds 0 1 2 3 4 -o docs/lab/cures --readme docs/lab.md

clean:
	rm -rf $(VENV) build dist site .mypy_cache .pytest_cache .ruff_cache
	find ganzoo tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@command -v $(PYTHON) > /dev/null || { echo "there is no $(PYTHON); name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	    "ganzoo needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	@echo "Creating $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	    echo "$(PYTHON) -m venv failed; if its venv module is missing (Debian, Ubuntu): apt install python3-venv" >&2; exit 1; }

# A stamp is touched only when pip has succeeded, so that an interrupted install is done again.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(INSTALL) -e .
	@touch $@

# The development install contains the plain one.
$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(INSTALL) -e '.[dev]'
	@touch $(VENV)/.installed $@
