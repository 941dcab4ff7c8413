#!/usr/bin/env python3
"""Makes tests/unit/aws/endpoint_cases.json from botocore's source distribution (Apache License 2.0), unpacked at the folder
that is given: the endpoints that AWS's own rules give for a region, with and without FIPS and IPv6."""
import json
import sys
from pathlib import Path

SERVICES = ("sts", "cloudformation", "sso", "s3")
PLAIN = {"Region", "UseFIPS", "UseDualStack", "Endpoint", "Bucket"}


def cases(folder: Path, service: str):
    for case in json.loads((folder / f"tests/functional/endpoint-rules/{service}/endpoint-tests-1.json").read_text())["testCases"]:
        given, expected = case.get("params"), case["expect"]
        # A region is always given here; STS's endpoint for all regions is not used.
        if not given or "Region" not in given or given["Region"] == "aws-global" or given.get("UseGlobalEndpoint"):
            continue
        # Of S3 no kinds of buckets but the ordinary ones, no acceleration, and with an endpoint of one's own the bucket is in the path.
        bucket = given.get("Bucket", "")
        if any(given.get(key) for key in given.keys() - PLAIN) or ":" in bucket or "--" in bucket or bucket and "Endpoint" in given:
            continue
        if service == "s3" and ("url" not in expected.get("endpoint", {}) or given["Region"] == "snow"):
            continue
        yield {"service": service, "region": given["Region"], "fips": given.get("UseFIPS", False), "dualStack": given.get("UseDualStack", False), "bucket": bucket,
               "endpoint": given.get("Endpoint", ""), "url": expected.get("endpoint", {}).get("url", "")}


def main() -> None:
    folder = Path(sys.argv[1])
    out = Path(__file__).parent.parent / "unit/aws/endpoint_cases.json"
    lines = [json.dumps(case) for service in SERVICES for case in cases(folder, service)]
    out.write_text("[\n" + ",\n".join(lines) + "\n]\n")


main()
