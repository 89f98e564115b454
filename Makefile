# `make` lists the targets. Everything is installed into .venv, nothing into the system.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=

BIN := $(VENV)/bin
DONE := $(VENV)/setup
LOGS := build/setup
LINT := build/lint
LOWEST := build/lowest
PARALLEL := -n auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder
# What is left of the tests where there are neither TensorRT, PyTorch and Ray nor a network of ROS.
ARRAYS := -m 'not (build or compile or fleet or gpu or ros or torch)'
UV := $(BIN)/uv
STEP = @$(PYTHON) tools/step.py

# The wheels in .venv are a ROS 2 of their own: a sourced distribution must not mix with them.
unexport PYTHONPATH PYTHONHOME AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH
unexport RMW_IMPLEMENTATION
# Tests start hundreds of interpreters: each would compile anew what it imports.
unexport PYTHONDONTWRITEBYTECODE
ifdef ROS_DISTRO
unexport LD_LIBRARY_PATH ROS_DISTRO ROS_VERSION ROS_PYTHON_VERSION
endif
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test quick lowest lint benchmark models gpu-report clean
.DELETE_ON_ERROR:
.NOTPARALLEL:

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  PYTHON=python3.12 chooses the interpreter of .venv; ARGS="..." are passed on, as in'
	@echo '  make demo ARGS="--frames 40"  or  make test ARGS="-k grouping".'

setup: $(DONE)/byte_code $(DONE)/test  ## make .venv with all that the other targets need
	@echo '$(VENV) is ready: make demo, make test, or source $(BIN)/activate'

demo: $(DONE)/demo  ## recorded drive in, panoptic images and objects out, over DDS
	@$(BIN)/python -m panoptic_ros.cli.demo $(ARGS)

test: $(DONE)/demo $(DONE)/test  ## run every test
	@$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

quick: $(DONE)/byte_code  ## run the tests that are worth it at every save, within a minute
	@$(BIN)/python -m pytest $(PARALLEL) --quick $(ARGS)

lowest: $(LOWEST)/setup  ## run the tests of arrays and files with the lowest versions that are allowed
	@$(LOWEST)/bin/python -m pytest $(PARALLEL) $(ARRAYS) -p no:cacheprovider $(ARGS)

lint: $(LINT)/setup  ## run ruff and mypy, in pinned versions
	@$(LINT)/bin/ruff check
	@$(LINT)/bin/mypy

benchmark: $(DONE)/demo $(DONE)/test  ## measure grouping, segmenter and renderer side by side with their rivals
	@for name in evaluation grouping segmenter streets; do \
	  $(BIN)/python -m panoptic_ros.cli.benchmark $$name --json build/benchmark/$$name.json \
	  || exit 1; done

models: $(DONE)/test  ## export, convert and build every network, write docs/models.md
	@$(BIN)/python tools/models_report.py $(ARGS)

# PyCUDA is built against a CUDA toolkit; where that fails the report says what is missing.
gpu-report: $(DONE)/test  ## test and measure the GPU path on this machine, write docs/gpu.md
	@$(BIN)/python -c 'import pycuda.driver' 2> /dev/null || ! command -v nvidia-smi > /dev/null || \
	  $(PYTHON) tools/step.py 'PyCUDA (compiled here)' $(LOGS)/pycuda.log $(UV) pip install \
	  --python $(BIN)/python pycuda -r requirements/gpu.txt || true
	@$(BIN)/python -m panoptic_ros.cli.benchmark gpu --json build/gpu/gpu.json \
	  --document docs/gpu.md $(ARGS)

clean:  ## remove .venv, the demo's recordings and everything built
	rm -rf $(VENV) build demo install log *.egg-info .mypy_cache .pytest_cache .ruff_cache

# ---- the set-up, step by step; a step is done again when what it depends on has changed ----

$(DONE)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 10) <= sys.version_info < (3, 15) else \
	  "Python %d.%d.%d: panoptic_ros needs 3.10 to 3.14; name one: make PYTHON=python3.12 ..." \
	  % sys.version_info[:3])'
	@$(PYTHON) -c 'import ensurepip, venv' || { \
	  echo 'On Debian and Ubuntu: sudo apt-get install python3-venv'; exit 1; }
	$(STEP) 'Virtual environment $(VENV)' $(LOGS)/venv.log $(PYTHON) -m venv $(VENV)
	$(STEP) 'Installer uv' $(LOGS)/uv.log $(BIN)/python -m pip install uv
	@mkdir -p $(@D) && touch $@

$(DONE)/runtime: $(DONE)/uv requirements/runtime.txt requirements/ros.txt
	$(STEP) 'ROS 2 and the runtime' $(LOGS)/runtime.log $(UV) pip install --python $(BIN)/python \
	  -r requirements/runtime.txt -r requirements/ros.txt
	@touch $@

$(DONE)/vision_msgs: $(DONE)/runtime requirements/ros_build.txt interfaces/build.py \
    $(shell find interfaces/vision_msgs -type f)
	$(STEP) 'vision_msgs (compiled here)' $(LOGS)/vision_msgs_build.log \
	  $(BIN)/python interfaces/build.py $(UV) requirements build/wheels
	$(STEP) 'vision_msgs (installed)' $(LOGS)/vision_msgs.log $(UV) pip install \
	  --python $(BIN)/python --no-deps --reinstall "$$(tail -n 1 $(LOGS)/vision_msgs_build.log)"
	@touch $@

$(DONE)/package: $(DONE)/runtime setup.py setup.cfg pyproject.toml
	$(STEP) 'panoptic_ros (editable)' $(LOGS)/package.log $(UV) pip install \
	  --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(DONE)/demo: $(DONE)/runtime $(DONE)/vision_msgs $(DONE)/package
	@touch $@

# pip, as its configuration may name a place with smaller builds of torch.
$(DONE)/train: $(DONE)/runtime requirements/train.txt
	@$(PYTHON) tools/step.py 'PyTorch, for training and its tests' $(LOGS)/train.log \
	  $(BIN)/python -m pip install -r requirements/train.txt || { \
	  grep -q 'No matching distribution found for torch' $(LOGS)/train.log && \
	  echo 'torch has no wheel for this Python: training and its tests are left out'; }
	@touch $@

# TensorRT-RTX and NVRTC need no GPU to build and compile.
$(DONE)/gpu: $(DONE)/runtime requirements/gpu.txt
	@$(PYTHON) tools/step.py 'TensorRT-RTX and NVRTC, for the tests of the GPU path' $(LOGS)/gpu.log \
	  $(BIN)/python -m pip install -r requirements/gpu.txt || { \
	  grep -q 'No matching distribution found' $(LOGS)/gpu.log && \
	  echo 'no wheels of TensorRT-RTX or NVRTC for this Python: some tests are left out'; }
	@touch $@

# No test needs a network: cluster and object store are on this machine.
$(DONE)/fleet: $(DONE)/runtime requirements/fleet.txt
	@$(PYTHON) tools/step.py 'Ray, for the tests of labelling on a cluster' $(LOGS)/fleet.log \
	  $(UV) pip install --python $(BIN)/python -r requirements/fleet.txt || { \
	  grep -qi 'no wheels with a matching\|No solution found' $(LOGS)/fleet.log && \
	  echo 'Ray has no wheel for this Python: the tests of clusters are left out'; }
	@touch $@

# The kernels are kept beside their sources: whichever test came first would wait for them.
$(DONE)/quick: $(DONE)/package requirements/quick.txt
	$(STEP) 'Tools of the tests' $(LOGS)/quick.log $(UV) pip install --python $(BIN)/python \
	  -r requirements/quick.txt
	$(STEP) 'Kernels of the processor (compiled here)' $(LOGS)/kernels.log $(BIN)/python -c \
	  'from panoptic_ros import evaluation, families, streets, tracking; \
	  evaluation.warm_up(); streets.warm_up(); tracking.warm_up(); \
	  [families.find(name).warm_up() for name in families.names()]'
	@touch $@

$(DONE)/byte_code: $(DONE)/demo $(DONE)/quick
	$(STEP) 'Byte code of the tests (compiled here)' $(LOGS)/byte_code.log $(BIN)/python -m pytest \
	  --quick --collect-only -q -p no:cacheprovider
	@touch $@

$(DONE)/test: $(DONE)/quick $(DONE)/train $(DONE)/gpu $(DONE)/fleet requirements/test.txt
	$(STEP) 'colcon, for the tests of packaging' $(LOGS)/test.log $(UV) pip install \
	  --python $(BIN)/python -r requirements/test.txt
	@touch $@

# The pinned versions need Python 3.11; what they leave out, such as torch's types, is in $(VENV).
$(LINT)/setup: $(DONE)/uv requirements/lint.txt
	$(STEP) 'Linters, in an environment of their own' $(LOGS)/lint.log sh -c ' \
	  $(UV) venv --quiet --clear --python "$$($(BIN)/python -c "import sys; \
	  print(sys.executable if sys.version_info >= (3, 11) else 3.12)")" $(LINT) && \
	  $(UV) pip install --python $(LINT)/bin/python -r requirements/lint.txt && \
	  $(BIN)/python -c "import sysconfig; print(sysconfig.get_path(\"purelib\"))" > \
	  $$(echo $(LINT)/lib/python*/site-packages)/runtime.pth'
	@touch $@

# The direct requirements only: what they need in turn is as new as it may be.
$(LOWEST)/setup: $(DONE)/vision_msgs requirements/runtime.txt requirements/ros.txt
	$(STEP) 'The lowest versions of the runtime' $(LOGS)/lowest.log sh -c ' \
	  $(UV) venv --quiet --clear --python $(BIN)/python $(LOWEST) && \
	  $(UV) pip install --python $(LOWEST)/bin/python --resolution lowest-direct \
	  -r requirements/runtime.txt -r requirements/ros.txt && \
	  $(UV) pip install --python $(LOWEST)/bin/python -r requirements/quick.txt && \
	  $(UV) pip install --python $(LOWEST)/bin/python --no-deps --no-build-isolation --editable . && \
	  $(UV) pip install --python $(LOWEST)/bin/python --no-deps \
	  "$$($(BIN)/python interfaces/build.py $(UV) requirements build/wheels | tail -n 1)"'
	@touch $@
