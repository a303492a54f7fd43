#!/usr/bin/python3
"""Tells how full the volume of a member is, and which saved changes are on it, in annotations of its pod.

Neither Kubernetes nor PostgreSQL says to the operator how many bytes are free, least of all when PostgreSQL has ended because there is no room. patroni.sh
starts this program. It writes when the share that is used has changed by a percent, when what is left of the last percent has halved or doubled, when there are
other saved changes (saved.py), and every ten minutes in case that somebody has changed the annotations.
"""

import json
import os
import ssl
import sys
import time
import urllib.request

VOLUME = "/var/lib/postgresql/data"
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount/"
ANNOTATION = "urlshortener.dev/volume"
SAVED = "urlshortener.dev/saved-changes"
# saved.py writes them: the files, and the process that saves.
STATE = VOLUME + "/saved/.state"
RUNNING = "/run/postgresql/.saving"
INTERVAL = 10
AGAIN = 600


def read():
    """Free bytes for the user of this process, and all bytes."""
    volume = os.statvfs(VOLUME)
    return volume.f_bavail * volume.f_frsize, volume.f_blocks * volume.f_frsize


def read_saved():
    """What saved.py tells; a volume without its folder has nothing saved."""
    try:
        with open(STATE, encoding="utf-8") as file:
            told = json.load(file)
    except FileNotFoundError:
        told = {"count": 0, "files": []}
    except ValueError:
        # The operator keeps what it knows.
        return "?"
    return json.dumps({**told, **read_running()})


def read_running():
    """Whether a process saves, and why it waits. One that was killed does not."""
    try:
        with open(RUNNING, encoding="utf-8") as file:
            state = json.load(file)
        with open("/proc/%d/cmdline" % state["pid"], "rb") as file:
            if b"pg_rewind" not in file.read():
                return {}
        return {"saving": True, **({"waits": state["waits"]} if state["waits"] else {})}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def write(annotations):
    host = os.environ["KUBERNETES_SERVICE_HOST"]
    address = "[%s]" % host if ":" in host else host
    with open(ACCOUNT + "token", encoding="ascii") as file:
        token = file.read()
    request = urllib.request.Request(
        "https://%s:%s/api/v1/namespaces/%s/pods/%s"
        % (address, os.environ["KUBERNETES_SERVICE_PORT"], os.environ["PATRONI_KUBERNETES_NAMESPACE"], os.environ["PATRONI_NAME"]),
        data=json.dumps({"metadata": {"annotations": annotations}}).encode(),
        method="PATCH",
        headers={"Authorization": "Bearer " + token, "Content-Type": "application/merge-patch+json"},
    )
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ACCOUNT + "ca.crt"))
    )
    with opener.open(request, timeout=5):
        pass


def main():
    told, at = None, 0
    while True:
        free, size = read()
        saved = read_saved()
        percent = 100 * free // max(size, 1)
        share = percent if percent > 0 else -(free >> 20).bit_length()
        if (share, saved) != told or time.monotonic() - at >= AGAIN:
            try:
                write({ANNOTATION: "%d/%d" % (free, size), SAVED: saved})
                told, at = (share, saved), time.monotonic()
            except (OSError, ValueError, KeyError) as error:
                print("The state of the volume could not be told: %s" % error, file=sys.stderr, flush=True)
        time.sleep(INTERVAL)


if __name__ == "__main__":
    main()
