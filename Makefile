PYTHON ?= python3
DATA ?=
# parameters of notebooks, e.g. SET="fast=True person_id=4"
SET ?=
NOTEBOOKS ?= 0[1-5]
# for the tests of neural networks; TORCH= leaves them out
TORCH ?= torch==2.13.0
VENV := .venv
COLAB := .venv-colab
STAMP := .facesom-installed

# 3.13 as on Colab where it can be found, else the same python as for everything
PYTHON313 = $(shell python3.13 -c 'print("python3.13")' 2>/dev/null || \
	ls $(HOME)/.pyenv/versions/3.13*/bin/python 2>/dev/null | tail -n 1)

.DEFAULT_GOAL := help
.PHONY: help install run test test-colab book format stamp zip clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

install: $(VENV)/$(STAMP)  ## make .venv and install facesom into it

run: install  ## run notebooks 01-05 into outputs/; others, own files: make run NOTEBOOKS=08 DATA=path SET=seed=1
	$(VENV)/bin/python notebooks/run.py $(patsubst %,"%",$(NOTEBOOKS)) $(if $(DATA),--data "$(DATA)") $(foreach s,$(SET),--set "$(s)")

# two tests at a time, each on one thread, so that they do not wait for each other
test: export OMP_NUM_THREADS = 1
test: export OPENBLAS_NUM_THREADS = 1
test: $(VENV)/$(STAMP)-test  ## check style, run all tests and every notebook on small data
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/python -m pytest -n 2 --dist worksteal

book: $(VENV)/$(STAMP)-book  ## run all notebooks and make a site of them: dist/book/index.html
	$(VENV)/bin/python notebooks/run.py
	$(VENV)/bin/python notebooks/book/build.py dist/book

test-colab: $(COLAB)/$(STAMP)  ## run all tests with the library versions of Google Colab
	$(COLAB)/bin/python -m pytest

format: $(VENV)/$(STAMP)-test  ## format code and notebooks
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

stamp: install  ## write the repository's address and the setup cell into every notebook
	$(VENV)/bin/python notebooks/stamp.py

zip:  ## pack the last commit as dist/facesom.zip, for Colab
	mkdir -p dist
	git archive --format=zip --prefix=facesom/ --output=dist/facesom.zip HEAD
	@echo "dist/facesom.zip: upload it where the notebooks ask for it"

clean:  ## remove outputs, packages and caches; the environments stay
	rm -rf outputs dist build *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

$(VENV)/$(STAMP): requirements.txt pyproject.toml
	@echo "Installing into $(VENV): about a minute"
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bin/python -m pip install --editable '.[notebooks]'
	@touch $@

$(VENV)/$(STAMP)-%: $(VENV)/$(STAMP)
	@echo "Installing what make $* needs beside: about a minute"
	$(VENV)/bin/python -m pip install --editable '.[$*]' $(TORCH)
	@touch $@

$(COLAB)/$(STAMP): requirements.txt pyproject.toml constraints-colab.txt
	test -x $(COLAB)/bin/python || $(or $(PYTHON313),$(PYTHON)) -m venv $(COLAB)
	$(COLAB)/bin/python -m pip install --quiet --upgrade pip
	$(COLAB)/bin/python -m pip install --constraint constraints-colab.txt --editable '.[test]'
	@touch $@
