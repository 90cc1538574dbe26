# SPDX-License-Identifier: BSD-3-Clause
"""Prints every test as a TAP line into $MEDPROBE_TAP, which tests/run counts."""

import os

import medprobe_lib

_tap = os.environ.get("MEDPROBE_TAP")
_count = 0


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
            tap.write(f"ok {_count} - {name} # SKIP {reason}\n")
        else:
            tap.write(f"not ok {_count} - {name}\n")


def pytest_collectreport(report):
    global _count
    if _tap and report.failed:
        _count += 1
        with open(_tap, "a", encoding="utf-8") as tap:
            tap.write(f"not ok {_count} - collecting {report.nodeid}\n")
