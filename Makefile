# Two commands do all the set-up: `make demo` and `make test`. CI runs the second.

CREDENTIALS ?= credentials.json
PYTHON ?= python3
VENV := .venv

# The apps, embedded in the binary.
WEB := web/dist/wallet/index.html
CHROMIUM ?= /usr/bin/chromium

.PHONY: demo order test check unit simulate conformance e2e pictures bench bench-growth bench-compare fuzz clean

demo: $(WEB)
	cargo build --release --locked -p feiqian
	target/release/feiqian demo $(ARGS)

# Places an order with an unmodified SDK against the running demo; prints its code_url.
order: $(VENV)/ready
	@$(VENV)/bin/python conformance/first_order.py $(CREDENTIALS)

# What `unit` built is what the simulator and conformance run.
test: $(WEB) check unit $(VENV)/ready $(CHROMIUM)
	target/release/feiqian-sim --ci
	cargo test --release --locked -p feiqian-sim --features planted --test seeds
	conformance/run target/release/feiqian
	cd web && CHROMIUM=$(CHROMIUM) node e2e/run.mjs ../target/release/feiqian

web/node_modules/ready: web/package-lock.json
	cd web && npm ci --no-progress
	touch $@

$(WEB): web/node_modules/ready $(shell find web/src web/public web/wallet web/till web/console -type f) web/vite.config.ts
	cd web && npm run build

# A real browser: Debian's, unless there is one.
/usr/bin/chromium:
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk

# One profile for all, so that the C code of the cryptography is compiled once.
check:
	cargo fmt --all --check
	cargo clippy --release --locked --workspace --all-targets -- -D warnings

unit:
	cargo test --release --locked --workspace

# 200 fixed seeds and 20 fresh ones; then the bugs that it must find, in a build of their own.
simulate:
	cargo run --release --locked -p feiqian-sim -- --ci
	cargo test --release --locked -p feiqian-sim --features planted --test seeds

conformance: $(WEB) $(VENV)/ready
	cargo build --release --locked -p feiqian
	conformance/run target/release/feiqian

# The apps in a real browser; `pictures` keeps what README and docs show.
e2e: $(WEB) $(CHROMIUM)
	cargo build --release --locked -p feiqian
	cd web && CHROMIUM=$(CHROMIUM) node e2e/run.mjs ../target/release/feiqian

pictures: $(WEB) $(CHROMIUM)
	cargo build --release --locked -p feiqian
	mkdir -p docs/pictures
	cd web && PICTURES=../docs/pictures CHROMIUM=$(CHROMIUM) node e2e/run.mjs ../target/release/feiqian

$(VENV)/ready: conformance/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r conformance/requirements.txt
	touch $@

# Every line of docs/BENCHMARKS.md; takes half an hour. BENCH is a folder with 30 GB of room.
BENCH ?= /tmp/feiqian-bench

bench:
	cargo build --release --locked -p feiqian
	target/release/feiqian bench payments
	target/release/feiqian bench payments --merchants 1 --skip-audit
	target/release/feiqian bench payments --campaigns 50 --skip-audit
	target/release/feiqian bench refunds
	target/release/feiqian bench fill --data $(BENCH)
	target/release/feiqian bench queries --data $(BENCH)
	target/release/feiqian bench restart --data $(BENCH)
	target/release/feiqian bench audit --data $(BENCH)
	target/release/feiqian bench http

# The throughput of a small and of a large bank, and of a log that grows.
bench-growth:
	cargo build --release --locked -p feiqian
	target/release/feiqian bench payments --skip-audit --wallets 1000000
	target/release/feiqian bench payments --skip-audit --wallets 20000000
	target/release/feiqian bench payments --skip-audit --payments 50000000 --growth

# The same payment on PostgreSQL (apt-get install postgresql).
bench-compare:
	cargo build --release --locked -p feiqian
	bench/compare target/release/feiqian

# Ten minutes for each target; `make test` runs each for two seconds. See docs/FUZZING.md.
fuzz:
	FUZZ_SECONDS=600 cargo test --release --locked -p feiqian-fuzz --test fuzz -- --nocapture $(TARGET)

clean:
	cargo clean
	rm -rf $(VENV) web/dist web/node_modules
