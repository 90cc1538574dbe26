# SPDX-License-Identifier: BSD-3-Clause
"""Prints every test as a TAP line into $MEDPROBE_TAP, which tests/run counts; a failed one with what its file protects."""

import os
import pathlib
import re

import medprobe_lib

_tap = os.environ.get("MEDPROBE_TAP")
_count = 0


def protects(path):
    """The sentence "Protects: ..." of a test file's docstring, on one line."""
    head = pathlib.Path(path).read_text(encoding="utf-8").split('"""')[1]
    found = re.search(r"Protects:.*?(?:\.(?=\s)|\n\n|$)", head, re.S)
    return " ".join(found[0].split()) if found else ""


def pytest_configure(config):
    # Two cores are shared with whatever else runs; every reference is single-threaded unless a test says otherwise.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Before torchvision, which brings a libpng of the system's name: who loads first decides for the whole process.
    medprobe_lib.lib()


def pytest_runtest_logreport(report):
    global _count
    finished = report.when == "call" or (report.when == "setup" and report.outcome != "passed")
    broken_teardown = report.when == "teardown" and report.outcome == "failed"
    if not _tap or not (finished or broken_teardown):
        return
    _count += 1
    name = report.nodeid.replace("#", "")
    with open(_tap, "a", encoding="utf-8") as tap:
        if report.outcome == "passed":
            tap.write(f"ok {_count} - {name}\n")
        elif report.outcome == "skipped":
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            reason = reason.removeprefix("Skipped").removeprefix(": ").removeprefix("unconditional skip")
            tap.write(f"ok {_count} - {name} # SKIP {reason}\n")  # without a reason: a failure
        else:
            tap.write(f"not ok {_count} - {name}\n# {protects(report.fspath)}\n")


def pytest_collectreport(report):
    global _count
    if _tap and report.failed:
        _count += 1
        with open(_tap, "a", encoding="utf-8") as tap:
            tap.write(f"not ok {_count} - collecting {report.nodeid}\n")


def pytest_sessionfinish():
    if _tap:
        with open(_tap, "a", encoding="utf-8") as tap:
            tap.write(f"1..{_count}\n")
