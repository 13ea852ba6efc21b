# Everything from a clean clone. Needs git and Python >= 3.12; takes uv from PATH, else installs its own in var/uv.
# Options go through ARGS: make up ARGS="--port 9000", make test ARGS="-k ingest".
.POSIX:
.PHONY: up test lint typecheck env dev-env

up: env
	@exec .venv/bin/python manage.py up $(ARGS)

# On every core; the tests of a file stay in one process, for some share their servers. Files go in their order:
# by their numbers of tests, those with few and long ones would come last and leave cores idle.
test: dev-env
	@exec .venv/bin/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

lint: dev-env
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	find templates -name '*.html' -exec .venv/bin/djade --check --target-version 6.1 {} +
	.venv/bin/lint-imports

typecheck: dev-env
	.venv/bin/mypy .

# `up` leaves what developers have installed beside its own packages.
env:
	@$(UV); $(SYNC) --no-dev --inexact || $(NO_ENV)

dev-env:
	@$(UV); $(SYNC) || $(NO_ENV)

# uv needs some Python only; outside this directory, for .python-version may name one that pyenv lacks.
UV = uv=$$(command -v uv || echo var/uv/bin/uv); \
	[ -x "$$uv" ] || command -v python3 >/dev/null \
		|| { echo 'Python is missing: install Python 3.12 or newer' >&2; exit 1; }; \
	[ -x "$$uv" ] || (cd / && python3 -m venv "$$OLDPWD/var/uv") >/dev/null \
		|| { rm -rf var/uv; echo 'python3 -m venv fails: install python3-venv, or install uv' >&2; exit 1; }; \
	[ -x "$$uv" ] || var/uv/bin/python -m pip install --quiet --disable-pip-version-check uv \
		|| { rm -rf var/uv; echo 'uv could not be installed: check the network, or install uv' >&2; exit 1; }

# 3.12 where there is one, as .python-version says; any newer one will do.
SYNC = UV_PROJECT_ENVIRONMENT=.venv "$$uv" sync --quiet --frozen \
	--python "$$("$$uv" python find 3.12 2>/dev/null || echo '>=3.12')"

NO_ENV = { echo 'The environment could not be made: it needs Python 3.12 or newer and the package index' >&2; exit 1; }
