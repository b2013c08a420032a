# Two commands on a fresh machine: `make train` and `make test`.
# Everything is set up in .venv here; nothing global is touched.
PYTHON ?= python3
RECIPE ?= digits_mlp
# The versions of Keras that recipes can use.
KERAS ?= 3.13 3.14 3.15
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := install --quiet --disable-pip-version-check

PICTURES := schedule_piecewise schedule_exponential schedule_polynomial schedule_one_cycle \
	schedule_cosine_restarts schedule_cyclic schedule_warmup_stable_decay schedule_plateau \
	layer_wise_rates

# What the tests need; those of exported files and of the documentation site are left out where the
# extras `export` and `docs` are missing, as in `test-lowest`.
EXTRAS := dev,export,docs

# Two processes, each with whole files: fixtures are shared within a file.
PYTEST := -m pytest -n 2 --dist loadfile

.PHONY: pictures techniques train test test-slow test-newest test-lowest test-keras lint bench \
	docs linkcheck generate constraints clean

train: $(STAMP)
	$(BIN)/keras-recipes train $(RECIPE)

test: $(STAMP)
	$(BIN)/python $(PYTEST)

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow

# With the newest release of every package, whatever constraints.txt says.
test-newest:
	$(call venv,.venv-newest)
	.venv-newest/bin/python -m pip $(PIP) --upgrade --upgrade-strategy eager -e '.[$(EXTRAS)]'
	.venv-newest/bin/python $(PYTEST)

# With the oldest release of every package that pyproject.toml admits.
test-lowest: .venv-lowest/.installed
	.venv-lowest/bin/python $(PYTEST)

# With each version of Keras; `make test-keras KERAS=3.14` with one.
test-keras: $(KERAS:%=$(VENV)/keras-%)
	for version in $(KERAS); do \
		PYTHONPATH=$(CURDIR)/$(VENV)/keras-$$version $(BIN)/python $(PYTEST) || exit 1; done

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

bench: $(STAMP)
	$(BIN)/python benchmarks/training_speed.py
	$(BIN)/python benchmarks/command_line.py

# The documentation site: build/docs/index.html opens from disk.
docs: $(STAMP)
	$(BIN)/python -m sphinx -q -W --keep-going -b html -d build/doctrees docs build/docs

# Asks the network whether the addresses that the site links to are there.
linkcheck: $(STAMP)
	$(BIN)/python -m sphinx -q -W --keep-going -b linkcheck -d build/doctrees docs build/linkcheck

# The pictures of docs/schedules.md.
pictures: $(STAMP)
	for recipe in $(PICTURES); do $(BIN)/keras-recipes plot $$recipe --out docs/pictures/$$recipe.png; done
	$(BIN)/keras-recipes find-lr digits_mlp --out docs/pictures/find_lr.png

# The numbers and pictures of docs/techniques.
techniques: $(STAMP)
	$(BIN)/python docs/techniques/make.py

# What is generated: the table of names and arguments that `validate` reads instead of importing
# Keras, from each version of it, the tables of docs/recipe.md, and docs/gallery.md.
generate: $(KERAS:%=$(VENV)/keras-%)
	for version in $(KERAS); do \
		PYTHONPATH=$(CURDIR)/$(VENV)/keras-$$version \
		$(BIN)/python -m keras_recipes.recipes.build.catalog || exit 1; done
	$(BIN)/python -m keras_recipes.recipes.spec.docs docs/recipe.md
	$(BIN)/python docs/gallery.py

# One version of Keras beside the others; a folder on PYTHONPATH comes before what is installed.
$(VENV)/keras-%: | $(STAMP)
	$(BIN)/python -m pip $(PIP) --no-deps --target $@ 'keras==$*.*'

# The newest releases, to install with: `make test-newest` says whether they work. They are those of
# the oldest Python, which packages leave behind first.
constraints:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "the file is made with Python 3.11: make constraints PYTHON=python3.11")'
	rm -rf .venv-constraints
	$(call venv,.venv-constraints)
	.venv-constraints/bin/python -m pip $(PIP) --upgrade -e '.[$(EXTRAS)]'
	echo '# What the targets of the Makefile install; `make constraints` renews it.' \
		> .venv-constraints/pins.txt
	.venv-constraints/bin/python -m pip list --disable-pip-version-check --format freeze \
		--exclude-editable --exclude pip >> .venv-constraints/pins.txt
	mv .venv-constraints/pins.txt constraints.txt
	rm -rf .venv-constraints

# A virtual environment, where there is none yet.
define venv
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "keras-recipes needs Python 3.11 or newer; name one: make PYTHON=python3.12 ...")'
	test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
endef

# The package with what its tests need, by a file of constraints. setuptools comes first and builds
# the package, so that it is the one of the constraints too.
define installed
	$(1)/bin/python -m pip $(PIP) -c $(2) setuptools
	$(1)/bin/python -m pip $(PIP) -c $(2) --no-build-isolation -e '.[$(3)]'
	touch $(1)/.installed
endef

$(STAMP): pyproject.toml constraints.txt
	$(call venv,$(VENV))
	$(call installed,$(VENV),constraints.txt,$(EXTRAS))

.venv-lowest/.installed: pyproject.toml tests/lowest.py
	$(call venv,.venv-lowest)
	.venv-lowest/bin/python tests/lowest.py > .venv-lowest/lowest.txt
	$(call installed,.venv-lowest,.venv-lowest/lowest.txt,dev)

clean:
	rm -rf $(VENV) .venv-* build dist *.egg-info
