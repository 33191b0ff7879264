"""schemathesis over the native API, from the document that the server itself serves. Usage: openapi.py CREDENTIALS

It runs with an operator's key, so that every operation can be reached.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from harness import Report, load_credentials, new_client

LIMIT = 240.0
CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "missing_required_header", "unsupported_method",
    "ignored_auth",
]
# The business may well refuse what the schema allows, so positive_data_acceptance is not among them.


def main() -> None:
    credentials = load_credentials(sys.argv[1])
    base_url, key = credentials["base_url"], credentials["operator_key"]
    report = Report("openapi")
    with new_client(base_url) as client:
        response = client.get("/openapi.json")
    document = response.json() if response.is_success else {}
    operations = sum(len(path) for path in document.get("paths", {}).values())
    report.check("the server serves its document", operations, f"{response.status_code} {response.text}")
    if operations:
        run_schemathesis(report, base_url, key, operations)
    report.finish()


def run_schemathesis(report: Report, base_url: str, key: str, operations: int) -> None:
    command = [
        Path(sys.executable).with_name("schemathesis"), "run", f"{base_url}/openapi.json",
        "--header", f"Authorization: Bearer {key}", "--checks", ",".join(CHECKS),
        "--phases", "examples,coverage,fuzzing", "--max-examples", "25", "--workers", "1",
        "--rate-limit", "150/s", "--request-timeout", "10", "--seed", "907", "--generation-database", "none",
        "--continue-on-failure", "--no-color",
    ]
    # In a folder of its own: it leaves notes in the working directory, and reads a configuration from there.
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LIMIT, check=False)
        except subprocess.TimeoutExpired as problem:
            report.check("schemathesis ends in time", False, problem)
            return
    if not report.check(f"schemathesis finds nothing wrong with {operations} operations", done.returncode == 0,
                        f"status {done.returncode}, see its output"):
        print(done.stdout + done.stderr, flush=True)


if __name__ == "__main__":
    main()
