#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A numbered UDP stream. Each end writes (number, CLOCK_MONOTONIC ns) pairs when it is ended.

    udpflow.py send ADDRESS PORT PPS SIZE FILE     until SIGINT
    udpflow.py recv PORT FILE                      until SIGINT

Both print a line when they are ready. The sender keeps to an absolute schedule: a late packet is
followed by an early one, so that the rate holds. A failing send (no route, link down) counts as
sent: the number is used up.
"""

import array
import signal
import socket
import struct
import sys
import time


def stop(*_):
    raise KeyboardInterrupt


def send(address, port, pps, size, out):
    log = array.array("Q")
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setblocking(False)
    to = (address, int(port))
    period, pad = 10**9 // int(pps), bytes(max(0, int(size) - 8))
    print("ready", flush=True)
    n, start = 0, time.monotonic_ns()
    try:
        while True:
            wait = start + n * period - time.monotonic_ns()
            if wait > 0:
                time.sleep(wait / 1e9)
            log.append(n)
            log.append(time.monotonic_ns())
            try:
                s.sendto(struct.pack("!Q", n) + pad, to)
            except OSError:
                pass
            n += 1
    except KeyboardInterrupt:
        with open(out, "wb") as f:
            log[:len(log) & ~1].tofile(f)


def recv(port, out):
    log = array.array("Q")
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    s.bind(("::", int(port)))
    print("ready", flush=True)
    try:
        while True:
            data = s.recv(2048)
            now = time.monotonic_ns()
            if len(data) >= 8:
                log.extend((struct.unpack_from("!Q", data)[0], now))
    except KeyboardInterrupt:
        with open(out, "wb") as f:
            log[:len(log) & ~1].tofile(f)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    {"send": send, "recv": recv}[sys.argv[1]](*sys.argv[2:])
