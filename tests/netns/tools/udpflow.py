#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A numbered UDP stream. Each end writes (number, CLOCK_MONOTONIC ns) pairs when it is ended.

    udpflow.py send ADDRESS PORT PPS SIZE FILE     until SIGINT
    udpflow.py recv PORT FILE                      until a line "COUNT SECONDS" on standard input:
                                                   then for so long, or until so many have come
Both print a line when they are ready. The sender keeps to an absolute schedule: a late packet is
followed by an early one, so that the rate holds. A failing send (no route, link down) counts as
sent: the number is used up.
"""

import array
import os
import select
import signal
import socket
import struct
import sys
import time

SO_RCVBUFFORCE = 33
# A frame of XDP counts with a whole page: this is room for seconds of what a busy machine does not
# let this process read. SO_RCVBUF alone is cut to net.core.rmem_max, which holds some hundred frames.
BUFFER = 32 << 20

ended = False


def stop(*_):
    """A packet that is noted is also sent: nothing is interrupted."""
    global ended
    ended = True


def send(address, port, pps, size, out):
    log = array.array("Q")
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setblocking(False)
    to = (address, int(port))
    period, pad = 10**9 // int(pps), bytes(max(0, int(size) - 8))
    print("ready", flush=True)
    n, start = 0, time.monotonic_ns()
    while not ended:
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
    with open(out, "wb") as f:
        log.tofile(f)


def recv(port, out):
    log = array.array("Q")
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    s.bind(("::", int(port)))
    events = select.poll()
    events.register(s, select.POLLIN)
    events.register(0, select.POLLIN)
    print("ready", flush=True)
    seen, count, end = set(), 0, None
    while not ended and (end is None or len(seen) < count and time.monotonic() < end):
        for fd, _ in events.poll(500 if end is None else 10):
            if fd == 0:
                words = os.read(0, 100).split() or (0, 0)
                count, end = int(words[0]), time.monotonic() + float(words[1])
                events.unregister(0)
                continue
            data = s.recv(2048)
            now = time.monotonic_ns()
            if len(data) >= 8:
                n, = struct.unpack_from("!Q", data)
                log.extend((n, now))
                seen.add(n)
    with open(out, "wb") as f:
        log.tofile(f)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    {"send": send, "recv": recv}[sys.argv[1]](*sys.argv[2:])
