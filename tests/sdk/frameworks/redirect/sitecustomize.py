"""Lets Box's host names lead to the Boxwood server under test, as an entry in /etc/hosts would, so that clients that name
them need no change. Python imports this module at its start because its folder stands in PYTHONPATH.

Only the address changes: TLS still names and checks api.box.com against the server's own CA (REQUESTS_CA_BUNDLE). Any
other host that is not loopback is refused, so that a run never leaves this machine.
"""

import os
import socket

BOX_HOSTS = {"api.box.com", "upload.box.com", "account.box.com"}
HOST, _, PORT = os.environ["BOXWOOD_SDK_HTTPS"].rpartition(":")
LOOPBACK = {"localhost", "127.0.0.1", "::1", None}

resolve = socket.getaddrinfo


def resolve_to_boxwood(host, port, *given, **named):
    """`socket.getaddrinfo`, but Box's hosts are the server under test."""
    if host in BOX_HOSTS:
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (HOST, int(PORT)))]
    if host not in LOOPBACK:
        raise socket.gaierror(socket.EAI_NONAME, f"a test may not leave this machine: {host}")
    return resolve(host, port, *given, **named)


socket.getaddrinfo = resolve_to_boxwood
