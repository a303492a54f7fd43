#!/usr/bin/python3
"""Refuses the promotion of a member when another one has followed a later primary. Patroni runs it between the lock and the promotion (pre_promote).

A primary that dies seconds after its own promotion may have acknowledged writes before Patroni recorded its timeline. The primary before it comes back, and its
crash recovery adds to its log: by position alone it is then ahead of a replica that has the acknowledged writes, on an earlier timeline. Patroni 4.1 counts that
replica's answer as a vote. Here timelines count first. An acknowledged write is on a member that voted, so asking those that answer is enough.

Patroni's answer alone is not: while this member has the lock, another one takes its remembered timeline for the present one if it equals this member's. So
PostgreSQL is asked, too.
"""

import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import urllib.parse

# Seconds. Patroni gives the others as long to answer before it counts votes.
CONNECT = 1
ANSWER = 2
OWN = 10

CERTIFICATES = "/etc/postgres-tls"


def ask(url, answer):
    """What a member answers, whatever its state is: with PostgreSQL down it answers 503 with the same content."""
    # Certificates have names of Services, not addresses of pods, which are those of Patroni's own records. Nothing secret is sent.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    address = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname, address.port)
    # A member whose node is lost accepts no connection; one that runs does at once, however busy it is.
    connection.sock = socket.create_connection((address.hostname, address.port), CONNECT)
    connection.sock.settimeout(answer)
    connection.sock = context.wrap_socket(connection.sock)
    try:
        connection.request("GET", address.path)
        return json.load(connection.getresponse())
    finally:
        connection.close()


def identify(member):
    """The timeline that the PostgreSQL of a member writes or follows."""
    # As Patroni connects: the name in the certificate is not that of the pod.
    parameters = {
        "host": member["host"],
        "port": member["port"],
        "user": "replicator",
        "replication": "yes",
        "connect_timeout": CONNECT + 1,
        "sslmode": "verify-ca",
        "sslcert": CERTIFICATES + "/tls.crt",
        "sslkey": CERTIFICATES + "/tls.key",
        "sslrootcert": CERTIFICATES + "/ca-bundle.crt",
    }
    command = ["psql", "-XAtqwc", "IDENTIFY_SYSTEM", " ".join("%s=%s" % one for one in parameters.items())]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=CONNECT + 2 * ANSWER)
    return int(answer.stdout.split("|")[1])


def main():
    own = "https://" + os.environ["MEMBER_ADDRESS"]
    me = os.environ["MEMBER_NAME"]
    members = ask(own + "/cluster", OWN)["members"]
    timelines = {}

    def read(member, url, limit):
        try:
            told = ask(url, limit).get("timeline") or 0
        except (OSError, ValueError, http.client.HTTPException):
            # It does not run, so it did not vote either.
            return
        timelines[member["name"]] = told
        try:
            timelines[member["name"]] = max(told, identify(member))
        except (OSError, ValueError, KeyError, IndexError, subprocess.SubprocessError):
            # Its PostgreSQL does not answer.
            pass

    threads = []
    for member in members:
        mine = member["name"] == me
        url = own + "/patroni" if mine else member.get("api_url")
        if url:
            threads.append(threading.Thread(target=read, args=(member, url, OWN if mine else ANSWER), daemon=True))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(CONNECT + 2 * OWN)
    timelines = dict(timelines)
    mine = timelines.pop(me, None)
    later = {name: timeline for name, timeline in timelines.items() if mine and timeline > mine}
    if later:
        print("Not promoted: on timeline %s, while %s" % (mine, ", ".join("%s is on %s" % one for one in sorted(later.items()))), file=sys.stderr)
        return 1
    return 0


try:
    sys.exit(main())
except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
    # Without it, Patroni decides alone, as it did before it asked.
    print("Timelines could not be compared: %s" % error, file=sys.stderr)
