# Two commands on a fresh machine: `make train` and `make test`.
# Everything is set up in .venv here; nothing global is touched.
PYTHON ?= python3
RECIPE ?= digits_mlp
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

PICTURES := schedule_piecewise schedule_exponential schedule_polynomial schedule_one_cycle \
	schedule_cosine_restarts schedule_cyclic schedule_warmup_stable_decay schedule_plateau \
	layer_wise_rates

.PHONY: pictures train test test-slow lint bench catalog clean

train: $(STAMP)
	$(BIN)/keras-recipes train $(RECIPE)

# Two processes, each with whole files: fixtures are shared within a file.
test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

bench: $(STAMP)
	$(BIN)/python benchmarks/training_speed.py
	$(BIN)/python benchmarks/command_line.py

# The pictures of docs/schedules.md.
pictures: $(STAMP)
	for recipe in $(PICTURES); do $(BIN)/keras-recipes plot $$recipe --out docs/pictures/$$recipe.png; done
	$(BIN)/keras-recipes find-lr digits_mlp --out docs/pictures/find_lr.png

# The tables of names and arguments that `validate` reads instead of importing Keras.
catalog: $(STAMP)
	$(BIN)/python -m keras_recipes.recipes.build.catalog

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "keras-recipes needs Python 3.11 or newer; name one: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
