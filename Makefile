# Everything lives in .venv/ of the checkout; nothing is installed twice, and nothing needs the network after that.
PYTHON ?= python3
STAMP := .venv/installed
# brian2cuda requires one Brian2 exactly (1.0a7: 2.8.0, 1.0b1: 2.10.1), so as an extra it would replace the newest Brian2 by an
# older one. Without its requirements the newest stays; docs/versions.md says what was tried.
BRIAN2CUDA := 'brian2cuda==1.0a7; python_version < "3.12"' 'brian2cuda==1.0b1; python_version >= "3.12"'

.PHONY: setup demo test quick test-extras test-browser lint docs site mutants bench claims gpu-check clean

setup: $(STAMP)

$(STAMP): setup.cfg pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "fena_sim needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --editable '.[test,nvcc]'
	.venv/bin/python -m pip install --quiet --no-deps $(BRIAN2CUDA)
	.venv/bin/python -c 'from importlib.metadata import version as v; print("installed: Brian2", v("brian2") + ", NumPy", v("numpy") + ", brian2cuda", v("brian2cuda"))'
	touch $@

demo: $(STAMP)
	.venv/bin/python demo.py

test: $(STAMP)
	.venv/bin/python -m pytest -n 2 --dist loadgroup

# The fast tests alone: below two minutes, no compiler, something of every package.
quick: $(STAMP)
	.venv/bin/python -m pytest -n 2 --dist loadgroup -m "not (compile or slow or browser or cluster)"

# What `make test` skips without the packages of these extras, or without a browser.
test-extras: .venv/extras
	.venv/bin/python -m pytest tests/show/export tests/study/sweep tests/test_data_page.py

.venv/extras: $(STAMP)
	.venv/bin/python -m pip install --quiet --editable '.[nwb,neo,mne,sweep]' nwbinspector bids-validator-deno
	touch $@

test-browser: $(STAMP)
	.venv/bin/python -m pytest tests/show/report tests/show/watch

# Style, layout and types. Settings are in pyproject.toml.
lint: .venv/lint
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

.venv/lint: $(STAMP)
	.venv/bin/python -m pip install --quiet --editable '.[lint]'
	touch $@

# The reference, from docstrings and --help texts. The gallery is written by `fena figures --gallery docs/gallery.md`.
docs: $(STAMP)
	.venv/bin/python docs/make.py

# docs/ as a website with search, in build/site/. A link that leads nowhere is an error.
site: .venv/docs
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict

.venv/docs: $(STAMP)
	.venv/bin/python -m pip install --quiet --editable '.[docs]'
	touch $@

# Planted defects, each of which a test must catch; writes the table in docs/mutants.md.
mutants: $(STAMP)
	.venv/bin/python tests/mutants.py --jobs 2 --page docs/mutants.md

# The article's claims over ten networks each, docs/claims.md written from them (most of an hour on two cores). The networks
# trained by backpropagation need PyTorch.
claims: .venv/claims
	.venv/bin/fena claims --json docs/claims.json --page docs/claims.md

.venv/claims: $(STAMP)
	.venv/bin/python -m pip install --quiet --editable '.[claims]'
	touch $@

# For a machine with an NVIDIA card: builds, certifies, times, and prints what to send back.
gpu-check: $(STAMP)
	.venv/bin/python benchmarks/gpu_check.py

# The peers that speed is compared with are large (PyTorch among them), so they come only here.
bench: .venv/bench
	.venv/bin/fena bench speed --quick --json speed.json

.venv/bench: $(STAMP)
	.venv/bin/python -m pip install --quiet --editable '.[bench]'
	touch $@

clean:
	rm -rf .venv .test_builds
