# Short names for what start.py does; it knows the steps and installs what they need.
PYTHON ?= python3

.PHONY: check test outside docs

check:    ## lint, types, floors and the fast tests: before every commit
	$(PYTHON) start.py check

test:     ## every test
	$(PYTHON) start.py test

outside:  ## compare with torch, JAX and scikit-learn
	$(PYTHON) start.py outside

docs:     ## the manual, into site/
	$(PYTHON) start.py docs
