#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A web server on 127.0.0.1 that misbehaves as its paths say, for the tests of `models pull`.

    http_server.py FOLDER LOG_FILE

prints its port once it listens, and writes one line "METHOD PATH RANGE STATUS" a request to LOG_FILE. /MODE/NAME gives
FOLDER/NAME:

    plain      with ranges                    norange    answers every range with the whole file
    truncate   promises all, sends the first half, closes; ranges likewise
    drop       the first request of a file is cut in the middle, the others are whole
    drip       every request brings 1000 bytes and is cut
    short      Content-Length of one byte too few (the file arrives cut, without any sign)
    long       Content-Length of 1000 bytes too many
    stall      sends the first half, prints a line, then nothing until the other side goes away
    chunked    no Content-Length, cut in the middle of a chunk
    badrange   answers a range with another one   lie        answers a range with other bytes
    redirect   to plain       loop     to itself         ftp       redirects to ftp://
    404, 500, 503 ...          that status
    busy       503 to the first request of a file, then as plain (Retry-After: 0)
"""

import http.server
import pathlib
import sys

FOLDER, LOG_FILE = (pathlib.Path(p) for p in sys.argv[1:3])
seen = set()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def record(self, status):
        with LOG_FILE.open("a") as log:
            log.write(f"{self.command} {self.path} {self.headers.get('Range', '-')} {status}\n")

    def begin(self, status, length=None, **headers):
        self.record(status)
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Connection", "close")
        self.close_connection = True
        self.end_headers()

    def first_time(self):
        new = self.path not in seen
        seen.add(self.path)
        return new

    def range_start(self, size):
        text = self.headers.get("Range", "")
        return int(text[6:].rstrip("-")) if text.startswith("bytes=") else None

    def send_part(self, data, start=None, stop=None, said=None):
        """data[start:stop]; as a range when start is given; the promised length is that of data[start:]."""
        length = len(data) - (start or 0) if said is None else said
        if start is None:
            self.begin(200, length)
        else:
            self.begin(206, length, Content_Range=f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.wfile.write(data[start:stop])

    def do_GET(self):
        mode, _, name = self.path[1:].partition("/")
        if mode.isdigit():
            return self.begin(int(mode), 0)
        if mode == "loop":
            return self.begin(302, 0, Location=self.path)
        if mode == "redirect":
            return self.begin(302, 0, Location="/plain/" + name)
        if mode == "ftp":
            return self.begin(302, 0, Location="ftp://127.0.0.1/" + name)
        data = (FOLDER / name).read_bytes()
        start = self.range_start(len(data))
        if start is not None and start >= len(data):
            return self.begin(416, 0, Content_Range=f"bytes */{len(data)}")
        rest = len(data) - (start or 0)
        if mode == "plain":
            self.send_part(data, start)
        elif mode == "norange":
            self.send_part(data)
        elif mode == "truncate":
            self.send_part(data, start, (start or 0) + rest // 2)
        elif mode == "drop":
            self.send_part(data, start, len(data) // 2 if self.first_time() else None)
        elif mode == "drip":
            self.send_part(data, start, (start or 0) + 1000)
        elif mode == "short":
            self.send_part(data, start, said=rest - 1)
        elif mode == "long":
            self.send_part(data, start, said=rest + 1000)
        elif mode == "stall":
            self.send_part(data, start, len(data) // 2)
            self.wfile.flush()
            print("stalled", flush=True)
            self.rfile.read(1)
        elif mode == "chunked":
            self.begin(200, None, Transfer_Encoding="chunked")
            self.wfile.write(b"%x\r\n" % len(data) + data[: len(data) // 2])
        elif mode == "badrange" and start is not None:
            self.send_part(data, start - 7)
        elif mode == "badrange":
            self.send_part(data, None, len(data) // 2 if self.first_time() else None)
        elif mode == "lie" and start is not None:
            self.send_part(bytes(len(data)), start)
        elif mode == "lie":
            self.send_part(data, None, len(data) // 2 if self.first_time() else None)
        elif mode == "busy" and self.first_time():
            self.begin(503, 0, Retry_After="0")
        else:
            self.send_part(data, start)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
