# Every target starts from nothing but Python 3.11, pip and make: .venv is made on demand; a second run costs seconds.

PYTHON ?= python3.11
WORKERS ?= 2

# What `make demo` binds the free dimensions of the classifier's input to: 1x3x48x192.
DEMO_DIMS ?= --set-dim x.0=1 --set-dim x.2=48 --set-dim x.3=192

BIN := .venv/bin
# pip 25.1 was the first to read dependency groups, so the pinned pip comes before everything else. It is not to warn of
# conflicts because the wheels of `zoo` and `models` are there for the models inside, without what their code would need.
INSTALL := $(BIN)/python -m pip install -qq --constraint constraints.txt --no-warn-conflicts --disable-pip-version-check
INSTALL_OURS := $(INSTALL) --build-constraint constraints.txt --editable
PYTEST := $(BIN)/python -m pytest

DEMO_MODEL = $$($(BIN)/python -c "import importlib.util, pathlib; \
	wheel = pathlib.Path(importlib.util.find_spec('rapidocr_onnxruntime').origin).parent; \
	print(wheel / 'models' / 'ch_ppocr_mobile_v2.0_cls_infer.onnx')")

.PHONY: demo test check ci lint hello clean
.NOTPARALLEL:

demo: .venv/.demo
	@mkdir -p build
	$(BIN)/nnvm opt "$(DEMO_MODEL)" -o build/ppocr_cls.onnx
	$(BIN)/nnvm plan build/ppocr_cls.onnx $(DEMO_DIMS)
	$(BIN)/nnvm run build/ppocr_cls.onnx $(DEMO_DIMS) --backend numpy

test: .venv/.dev
	$(PYTEST) -n $(WORKERS)

check: lint test

ci: .venv/.peers lint hello
	$(PYTEST) -n $(WORKERS) -m ""

lint: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) --doctest-modules --doctest-ignore-import-errors --doctest-glob='*.md' src docs README.md CONTRIBUTING.md

# A stranger's plugin, built as a wheel and installed beside .venv: what the other targets see stays nnvm alone.
hello: .venv/.dev
	rm -rf build/hello build/wheels
	$(BIN)/python -m pip wheel -qq --no-deps --disable-pip-version-check --build-constraint constraints.txt \
		--wheel-dir build/wheels packages/hello
	$(BIN)/python -m pip install -qq --no-deps --no-index --disable-pip-version-check \
		--target build/hello build/wheels/nnvm_hello-*.whl
	PYTHONPATH=build/hello $(PYTEST) packages/hello/tests

clean:
	rm -rf build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.pip: constraints.txt
	$(PYTHON) -m venv .venv
	$(INSTALL) --upgrade pip
	@touch $@

.venv/.demo: .venv/.pip pyproject.toml
	$(INSTALL_OURS) '.[cli,onnx]'
	$(INSTALL) --no-deps --group zoo
	@touch $@

.venv/.dev: .venv/.demo
	$(INSTALL_OURS) '.[cli,onnx,safetensors]' --group dev
	@touch $@

.venv/.peers: .venv/.dev
	$(INSTALL) --group peers
	$(INSTALL) --no-deps --group models
	@touch $@
