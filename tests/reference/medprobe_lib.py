# SPDX-License-Identifier: BSD-3-Clause
"""medprobe's functions, called from Python."""
import ctypes
import functools
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release"))
if not BUILD.is_absolute():
    BUILD = ROOT / BUILD


class Error(ctypes.Structure):
    """struct mdp_error"""
    _fields_ = [("status", ctypes.c_int), ("message", ctypes.c_char * 1024)]


@functools.cache
def lib():
    return ctypes.CDLL(str(BUILD / "libmedprobe_test.so"))
