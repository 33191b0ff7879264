# Two commands do all the set-up: `make demo` and `make test`. CI runs the second.

CREDENTIALS ?= credentials.json
PYTHON ?= python3
VENV := .venv

.PHONY: demo order test check unit conformance bench fuzz clean

demo:
	cargo build --release --locked -p feiqian
	target/release/feiqian demo $(ARGS)

# Places an order with an unmodified SDK against the running demo; prints its code_url.
order: $(VENV)/ready
	@$(VENV)/bin/python conformance/first_order.py $(CREDENTIALS)

test: check unit conformance

# One profile for all, so that the C code of the cryptography is compiled once.
check:
	cargo fmt --all --check
	cargo clippy --release --locked --workspace --all-targets -- -D warnings

unit:
	cargo test --release --locked --workspace

conformance: $(VENV)/ready
	cargo build --release --locked -p feiqian
	conformance/run target/release/feiqian

$(VENV)/ready: conformance/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r conformance/requirements.txt
	touch $@

bench:
	cargo build --release --locked -p feiqian
	target/release/feiqian bench payments
	target/release/feiqian bench http

# Ten minutes for each target; `make test` runs each for two seconds. See docs/FUZZING.md.
fuzz:
	FUZZ_SECONDS=600 cargo test --release --locked -p feiqian-fuzz --test fuzz -- --nocapture $(TARGET)

clean:
	cargo clean
	rm -rf $(VENV)
