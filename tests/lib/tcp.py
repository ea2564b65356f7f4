# SPDX-License-Identifier: GPL-2.0-or-later
"""TCP between two namespaces, with both ends in this process."""

import hashlib
import random
import socket
import threading
import time

from netns import PATIENCE, TopoError

CHUNK = 1 << 16


def carry(src, dst, addr, amount, source=None, during=None, timeout=20):
    """Sends octets from `src` to the address `addr` of `dst` over one connection: for as long as
    `during()` runs, and then `amount` more. Returns the seconds that those took until the last had
    arrived. What arrives is what was sent, or TopoError."""
    family = socket.AF_INET6 if ":" in addr else socket.AF_INET
    data = random.Random(1).randbytes(CHUNK)
    got = hashlib.sha256()
    sent = hashlib.sha256()
    failed = []

    def receive():
        try:
            while octets := into.recv(CHUNK):
                got.update(octets)
        except OSError as e:
            failed.append(e)

    def send(n):
        out.sendall(data[:n])
        sent.update(data[:n])

    def send_until(stop):
        try:
            while not stop.is_set():
                send(CHUNK)
        except OSError as e:
            failed.append(e)

    with (dst.socket(family, socket.SOCK_STREAM) as listener,
          src.socket(family, socket.SOCK_STREAM) as out):
        for s in (listener, out):
            s.settimeout(timeout * PATIENCE)
        listener.bind((addr, 0))
        listener.listen(1)
        if source:
            out.bind((source, 0))
        out.connect((addr, listener.getsockname()[1]))
        into, _ = listener.accept()
        with into:
            into.settimeout(timeout * PATIENCE)
            receiver = threading.Thread(target=receive, daemon=True)
            receiver.start()
            if during:
                stop = threading.Event()
                sender = threading.Thread(target=send_until, args=(stop,), daemon=True)
                sender.start()
                try:
                    during()
                finally:
                    stop.set()
                    sender.join(timeout * PATIENCE)
            began = time.monotonic()
            for at in range(0, amount, CHUNK):
                send(min(CHUNK, amount - at))
            out.shutdown(socket.SHUT_WR)
            receiver.join(timeout * PATIENCE)
            took = time.monotonic() - began
    if failed or receiver.is_alive() or got.digest() != sent.digest():
        raise TopoError(f"TCP from {src.name} to {dst.name} {addr}: not what was sent: {failed}")
    return took
