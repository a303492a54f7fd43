#!/usr/bin/python3
"""Refuses the promotion of a member when another one has followed a later primary. Patroni runs it between the lock and the promotion (pre_promote).

A primary that dies seconds after its own promotion may have acknowledged writes before Patroni recorded its timeline. The primary before it comes back, and its
crash recovery adds to its log: by position alone it is then ahead of a replica that has the acknowledged writes, on an earlier timeline. Patroni 4.1 counts that
replica's answer as a vote. Here timelines count first. An acknowledged write is on a member that voted, so asking those that answer is enough.
"""

import http.client
import json
import os
import socket
import ssl
import sys
import threading
import urllib.parse

# Seconds. Patroni gives the others as long to answer before it counts votes.
CONNECT = 1
ANSWER = 2
OWN = 10


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


def main():
    own = "https://" + os.environ["MEMBER_ADDRESS"]
    me = os.environ["MEMBER_NAME"]
    mine = ask(own + "/patroni", OWN).get("timeline")
    others = [member for member in ask(own + "/cluster", OWN)["members"] if member["name"] != me and member.get("api_url")]
    answers = {}

    def read(member):
        try:
            answers[member["name"]] = ask(member["api_url"], ANSWER)
        except (OSError, ValueError, http.client.HTTPException):
            # It does not run, so it did not vote either.
            pass

    threads = [threading.Thread(target=read, args=(member,), daemon=True) for member in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(CONNECT + 2 * ANSWER)
    later = {name: answer["timeline"] for name, answer in list(answers.items()) if answer.get("timeline") and mine and answer["timeline"] > mine}
    if later:
        print("Not promoted: on timeline %s, while %s" % (mine, ", ".join("%s is on %s" % one for one in sorted(later.items()))), file=sys.stderr)
        return 1
    return 0


try:
    sys.exit(main())
except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
    # Without it, Patroni decides alone, as it did before it asked.
    print("Timelines could not be compared: %s" % error, file=sys.stderr)
