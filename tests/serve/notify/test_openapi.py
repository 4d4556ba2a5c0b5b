"""The interface is what its OpenAPI document says, whatever is asked."""

import subprocess
import sys
from pathlib import Path

import pytest

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_request_makes_an_error_of_the_server_or_an_answer_that_is_not_in_the_document(serving, tmp_path):
    # Streams end at once, else each one would last.
    with serving(max_duration_s=0.01) as url:
        done = subprocess.run(
            [
                SCHEMATHESIS, "run", f"{url}/openapi.json", "--max-examples", "40", "--seed", "1",
                "--checks", ",".join(CHECKS),
                "--request-timeout", "20", "--no-color",
            ],
            cwd=tmp_path, capture_output=True, text=True, timeout=280,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:]
