# SPDX-License-Identifier: Apache-2.0
"""Adds up what ctest reported: count.py [--no-skips] [--may-skip TEST]... [--broken STEP]...
    REPORT.xml...

Names each test that failed or was skipped, with its reason, and ends in one line,
"N passed, N failed, N skipped". A STEP that broke before it could test counts as one
failure. With --no-skips a skipped test has failed, but for one whose reason is the machine
(--may-skip). Exit code 1 when anything failed.
"""
import argparse
import sys
import xml.etree.ElementTree as ET
from pathlib import Path


def last_line(text):
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def kind_of(case):
    if case.get("status") == "run":
        return "passed"
    # A program that is not there was not run either: only exit code 77 is a skip.
    skipped = case.find("skipped")
    if skipped is not None and "SKIP" in (skipped.get("message") or "").upper():
        return "skipped"
    return "failed"


def read_report(path):
    """Yields (kind, name, last line of output) for each test of one ctest run."""
    for case in ET.parse(path).getroot().iter("testcase"):
        name = f"{Path(path).stem}: {case.get('name')}"
        yield kind_of(case), name, last_line(case.findtext("system-out"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--no-skips", action="store_true")
    parser.add_argument("--may-skip", action="append", default=[])
    parser.add_argument("--broken", action="append", default=[])
    parser.add_argument("reports", nargs="*")
    args = parser.parse_args()

    results = [("failed", step, "could not be done") for step in args.broken]
    for report in args.reports:
        results += read_report(report)
    if args.no_skips:
        results = [("failed" if k == "skipped" and n.split(": ")[1] not in args.may_skip else k,
                    n, r) for k, n, r in results]
    for kind, name, reason in results:
        if kind != "passed":
            print(f"{kind}: {name}: {reason}")
    counts = {kind: sum(r[0] == kind for r in results)
              for kind in ("passed", "failed", "skipped")}
    print(", ".join(f"{n} {kind}" for kind, n in counts.items()))
    return 1 if counts["failed"] or not counts["passed"] else 0


sys.exit(main())
