#!/opt/patroni/bin/python3
"""Takes the right to write from a member whose region has lost it. patroni.sh starts it beside Patroni, and starts it again when it ends.

The regions of a group agree on the one that writes, in API servers that vote (docs/write-guard.md, docs/decisions/0038). This program reads them. A record that
a quorum holds under one ballot is chosen; each quorum of a later reading has a voter of every earlier decision. So a reading that shows its region as the
writer gives the right to write for 20 s from before the reading began, and no region needs to hear of a decision against it: its right runs out. It needs no
operator.

The right is PostgreSQL's parameter default_transaction_read_only, on the primary and on replicas alike, so that a failover inside the region changes nothing.
Losing it also ends the sessions that might still commit; what does not end in time is killed. Four threads beside the main one do what may wait: the voters,
the watch of the own object, the row of write_region, and the annotation of the pod. The main thread enforces, and waits for PostgreSQL alone, for a bounded
time.
"""

import errno
import http.client
import json
import math
import os
import re
import select
import signal
import ssl
import sys
import threading
import time
import urllib.parse
from typing import NamedTuple, Optional

VOLUME = "/var/lib/postgresql/data"
DATA = os.environ.get("GUARD_DATA", VOLUME + "/pgroot")
# Outside of the database: a copy or a rewind of the database must not bring that of another member.
MARKER = VOLUME + "/.topology"
# This program has set the parameter, so that it takes it back when there is no group. What somebody else has set stays. A file in the database, other than the
# marker: a copy or a rewind brings it with the parameter of the other member.
OWNER = "topology-parameter"
# The same of releases before, outside of the database.
OWNER_BEFORE = VOLUME + "/.topology-parameter"
# An earlier process of this container has learned that there is no group. It is as good as if this one had.
ALONE = "/run/postgresql/.topology-none"
SOCKETS = "/run/postgresql"
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount/"
CLUSTERS = "/etc/topology/"
ANNOTATION = "urlshortener.dev/write-guard"
DATABASE = "shortener"
# Two roles take turns with the app's passwords; one of them may not log in.
ROLES = ("shortener", "shortener_2")
PARAMETER = "default_transaction_read_only"
# Begins the names of voters that are no regions.
WITNESS = "witness."

# Seconds.
LEASE = 20.0
FENCE = 2.0
ANSWER = 2.0
CALM = 4.0
HURRY = 0.5
SOON = 0.1
LOOK = 0.5
BEAT = 1.0
# Of the start of a member whose right runs out: it may not write without most votes anyway.
UNDECIDED = 20.0
WATCH = 240
TELL_AGAIN = 600.0
# Of OWNER after the parameter was taken back. A copy that goes on meanwhile may have the parameter already, and still needs the file.
KEPT = 3600.0
MAX_BYTES = 1 << 20

PHASES = ("Stable", "Fencing", "Promoting")
# What becomes a part of an address or of a path.
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\Z")


def clock():
    """Counts while the machine is suspended, too, and never jumps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def log(text):
    print("Write guard: " + text, file=sys.stderr, flush=True)


# ---- Rules. Pure; tests/UrlShortener.Operator.Tests/Failover/lease-cases.json has the cases for them and for the operator's. ----


class Record(NamedTuple):
    """What the regions agree on."""

    epoch: int
    phase: str
    region: str
    current: tuple
    next: Optional[tuple]

    def allows(self, region):
        return self.phase != "Fencing" and self.region == region

    def is_quorum(self, names):
        return is_majority(self.current, names) and (self.next is None or is_majority(self.next, names))

    def has_voters_of(self, names):
        """Whether the voters can be those of a group in which others, by name, have votes too: a region leaves the voters when its vote is gone.

        Whoever can write one vote could otherwise name it as the only voter, and it would be a quorum.
        """
        voters = set(self.current) | set(self.next or ())
        regions = [name for name in names if not is_witness(name)]
        left_out = [name for name in regions if name not in voters]
        return not all(is_witness(name) for name in voters) and sum(1 for name in names if name in voters) > len(left_out)


class Vote(NamedTuple):
    """What a voter holds. A voter that has accepted nothing yet has no value."""

    ballot: tuple
    value: Optional[Record]


class Place(NamedTuple):
    """Where the object of a voter is; without a cluster, in the own one."""

    namespace: str
    name: str
    cluster: Optional[str]


class Membership(NamedTuple):
    """What the operator of the region writes for its members."""

    region: str
    lease: bool
    voters: dict


class Right(NamedTuple):
    """The right to write: epoch and phase of the latest chosen record, and when the right ends; None: that record is against the region."""

    epoch: int = 0
    phase: Optional[str] = None
    ends: Optional[float] = None

    def is_held(self, lease, now):
        return self.ends is not None and (not lease or self.ends > now)


def is_majority(voters, names):
    return 2 * sum(1 for voter in voters if voter in names) > len(voters)


def is_witness(voter):
    return voter.startswith(WITNESS)


def parse_ballot(text):
    number, mark, proposer = need(text, str).partition("@")
    if not mark or not number.isascii() or not number.isdigit():
        raise ValueError("%r is no ballot" % text)
    return int(number), proposer


def need(value, kind):
    # A bool is an int, too.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError("%r is no %s" % (value, kind.__name__))
    return value


def need_name(value):
    if not NAME.match(need(value, str)):
        raise ValueError("%r is no name" % value)
    return value


def need_names(value):
    names = tuple(need(name, str) for name in need(value, list))
    # Without voters, no votes would be a quorum.
    if not names:
        raise ValueError("there are no voters")
    if len(set(names)) < len(names):
        raise ValueError("a voter is named twice")
    return names


def parse_vote(text):
    """ValueError: it is not what an operator writes, and counts as no answer."""
    data = need(json.loads(text), dict)
    value = data.get("value")
    if value is None:
        return Vote(parse_ballot(data["ballot"]), None)
    voters = need(need(value, dict)["voters"], dict)
    record = Record(
        need(value["epoch"], int),
        need(value["phase"], str),
        need(value["region"], str),
        need_names(voters["current"]),
        None if voters.get("next") is None else need_names(voters["next"]),
    )
    if record.phase not in PHASES:
        raise ValueError("phase %r is not known" % record.phase)
    return Vote(parse_ballot(data["ballot"]), record)


def parse_membership(text):
    data = need(json.loads(text), dict)
    voters = {}
    for name, place in need(data["voters"], dict).items():
        cluster = need(place, dict).get("cluster")
        voters[name] = Place(need_name(place["namespace"]), need_name(place["configMap"]), None if cluster is None else need_name(cluster))
    # One object has one vote.
    if len(set(voters.values())) < len(voters):
        raise ValueError("two voters have one object")
    lease = data.get("lease")
    # Whoever does not know whether others count on the end of the right lets it end.
    return Membership(need(data["region"], str), lease if isinstance(lease, bool) else True, voters)


def find_chosen(votes):
    """The record that a quorum of its voters holds under one ballot, of several the one with the highest ballot; None: there is none in sight."""
    votes = {name: vote for name, vote in votes.items() if vote.value is not None}
    believable = {name: vote for name, vote in votes.items() if vote.value.has_voters_of(votes)}
    # Two records under one ballot are what somebody has written; together they are no quorum.
    for chosen in sorted(believable.values(), key=lambda vote: vote.ballot, reverse=True):
        if chosen.value.is_quorum([name for name, vote in believable.items() if vote == chosen]):
            return chosen.value
    return None


def renew(right, region, began, votes):
    """The right after a reading that began at a time."""
    record = find_chosen(votes)
    # An earlier decision says nothing any more, and nothing chosen says nothing at all: the right then runs out by itself.
    if record is None or record.epoch < right.epoch:
        return right
    if not record.allows(region):
        return Right(record.epoch, record.phase, None)
    ends = began + LEASE
    # A reading that began earlier may arrive later.
    if record.epoch == right.epoch and right.ends is not None:
        ends = max(ends, right.ends)
    return Right(record.epoch, record.phase, ends)


def change_lease(right, former, lease, now):
    """The right when it stops running out, or begins to: what has run out stays lost until a reading gives it."""
    return right._replace(ends=None) if former and not lease and not right.is_held(True, now) else right


UNKNOWN, NONE, MEMBER = "unknown", "none", "member"


SILENT = "silent"


def find_group(group, own, others):
    """Whether there is a group, as long as no record has been chosen. Whoever is guarded once stays so.

    own: data of the own object; None: the API server says that there is none; SILENT: it does not answer, or it is not known what it means.
    others: the same of each voter that the own object names.
    """
    if group == MEMBER or own == SILENT:
        return group
    if own is None:
        return NONE
    # A vote somewhere may be one of many, and where nobody answers there may be one.
    if any(answer == SILENT or (answer is not None and "voter" in answer) for answer in [own, *others]):
        return group
    return NONE


def must_wait(region, epoch, record, configuration):
    """Whether Patroni must not start yet: the regions have agreed on another one that writes, and Patroni would lead here as before.

    Its promotion would begin a timeline with the number of that of the other region, so that nobody could tell the two apart any more, and rewind this one.
    epoch: of the latest record that the member has seen. record: the chosen one; None: none is in sight.
    configuration: Patroni's; None: there is none; SILENT: the API server does not answer, and may do so as soon as Patroni runs.
    """
    if record is None or record.epoch < epoch or record.allows(region) or configuration is None:
        return False
    return configuration == SILENT or "standby_cluster" not in configuration


def edit_configuration(text, value):
    """postgresql.auto.conf with a value of the parameter; None: without one."""
    line = None if value is None else "%s = '%s'\n" % (PARAMETER, value)
    lines, found = [], False
    for old in text.splitlines(keepends=True):
        if re.match(r"\s*%s\b" % PARAMETER, old, re.IGNORECASE):
            if line is not None and not found:
                lines.append(line)
            found = True
        else:
            lines.append(old if old.endswith("\n") else old + "\n")
    if line is not None and not found:
        lines.append(line)
    return "".join(lines)


# ---- Files ----


def replace(path, text):
    """Writes a file as a whole, or not at all. On a full volume it overwrites in place what has room for it, with spaces up to the former size."""
    data = text.encode(errors="surrogateescape")
    temporary = path + ".guard"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(temporary, path)
        folder = os.open(os.path.dirname(path), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        remove(temporary)
        descriptor = os.open(path, os.O_WRONLY)
        try:
            size = os.fstat(descriptor).st_size
            if size < len(data):
                raise
            os.pwrite(descriptor, data + b" " * (size - len(data) - 1) + b"\n" * (size > len(data)), 0)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def write_parameter(value):
    """Sets the value with which PostgreSQL starts or reads its files again. Only a database that is complete has one."""
    path = DATA + "/postgresql.auto.conf"
    if not os.path.exists(DATA + "/PG_VERSION"):
        return
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
    except FileNotFoundError:
        text = ""
    edited = edit_configuration(text, value)
    if edited != text:
        replace(path, edited)


class Marker(NamedTuple):
    """What a member must not forget: that it is guarded, by which decision, and where the voters are."""

    right: Right
    lease: bool
    membership: Optional[str]


def read_marker():
    """None: the member has never seen a chosen record. A marker that cannot be read gives no right, and says that there was one."""
    try:
        with open(MARKER, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except FileNotFoundError:
        return None
    try:
        data = need(json.loads(text), dict)
        lease = data.get("lease") is not False
        # Time begins anew with each start of the machine; only a right that does not run out outlives this process.
        ends = 0.0 if data.get("writable") is True and not lease else None
        membership = data.get("guard")
        return Marker(Right(need(data["epoch"], int), data.get("phase"), ends), lease, membership if isinstance(membership, str) else None)
    except (ValueError, KeyError) as error:
        log("the marker cannot be read, so that it gives no right: %s" % error)
        return Marker(Right(), True, None)


def write_marker(marker):
    text = json.dumps(
        {
            "epoch": marker.right.epoch,
            "phase": marker.right.phase,
            "lease": marker.lease,
            "writable": marker.right.ends is not None,
            "guard": marker.membership,
        }
    )
    # Of a few sizes, so that a full volume has room for the next one in the place of this one.
    replace(MARKER, text.ljust((len(text) // 1024 + 1) * 1024 - 1) + "\n")


# ---- The API servers ----


class Api:
    """Requests to the API server of one cluster, over a connection that is kept."""

    def __init__(self, cluster=None):
        self._cluster = cluster
        self._connection = None

    def _read(self, name):
        with open((CLUSTERS + self._cluster + "/" if self._cluster else ACCOUNT) + name, encoding="ascii") as file:
            return file.read().strip()

    def _connect(self, timeout):
        if self._cluster:
            address = urllib.parse.urlsplit(self._read("server"))
            host, port = address.hostname, address.port or 443
            authority = CLUSTERS + self._cluster + "/ca.crt"
        else:
            host, port = os.environ["KUBERNETES_SERVICE_HOST"], int(os.environ["KUBERNETES_SERVICE_PORT"])
            authority = ACCOUNT + "ca.crt"
        self._connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=ssl.create_default_context(cafile=authority))
        self._connection.connect()

    def request(self, method, path, timeout, body=None, kind=None):
        """The response, of which the caller reads the rest. A connection that the server has closed meanwhile is replaced once."""
        for is_new in (self._connection is None, True):
            try:
                if self._connection is None:
                    self._connect(timeout)
                self._connection.sock.settimeout(timeout)
                headers = {"Authorization": "Bearer " + self._read("token"), "Accept": "application/json"}
                if kind:
                    headers["Content-Type"] = kind
                self._connection.request(method, path, body, headers)
                return self._connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if is_new or isinstance(error, TimeoutError):
                    raise
        raise AssertionError("unreachable")

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def abort(self):
        """Ends a request of another thread that takes too long."""
        connection = self._connection
        sock = connection.sock if connection is not None else None
        if sock is not None:
            try:
                sock.shutdown(2)
            except OSError:
                # It has ended meanwhile.
                pass

    def set_timeout(self, timeout):
        if self._connection is not None and self._connection.sock is not None:
            self._connection.sock.settimeout(timeout)

    def read(self, place, timeout):
        """The data of an object; None: the API server says that there is none. Without resourceVersion, the answer is the latest state of a quorum of etcd."""
        body = self.read_object(place, timeout)
        return None if body is None else need(body.get("data") or {}, dict)

    def read_object(self, place, timeout):
        """The object as a whole."""
        response = self.request("GET", path_of(place), timeout)
        data = response.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            self.close()
            raise ValueError("the answer is too long")
        body = json.loads(data)
        # Something on the way may answer 404 to everything.
        if response.status == 404 and isinstance(body, dict) and body.get("kind") == "Status" and body.get("reason") == "NotFound":
            return None
        if response.status != 200:
            raise ValueError("status %d" % response.status)
        return need(body, dict)


def path_of(place):
    return "/api/v1/namespaces/%s/configmaps/%s" % (place.namespace, place.name)


def describe(place):
    return "%s/%s%s" % (place.namespace, place.name, " of cluster " + place.cluster if place.cluster else "")


class Source:
    """An object that is read again and again, by one thread at a time."""

    def __init__(self, place, read=Api.read):
        self._place = place
        self._api = Api(place.cluster)
        self._ask = read
        self._busy_since = None

    def start(self, tell):
        """Reads in a thread, which calls tell. An earlier reading that still goes on, such as one that looks for a name, is not joined by another."""
        if self._busy_since is not None:
            if clock() - self._busy_since > 5 * ANSWER:
                self._api.abort()
            return
        self._busy_since = clock()
        threading.Thread(target=self._read, args=(tell,), daemon=True).start()

    def _read(self, tell):
        try:
            try:
                found = self._ask(self._api, self._place, ANSWER)
            except (OSError, ValueError, KeyError, http.client.HTTPException, RecursionError) as error:
                self._api.close()
                log_change("the reading of " + describe(self._place), "fails: %s" % error)
                return
            log_change("the reading of " + describe(self._place), None)
            tell(found)
        finally:
            self._busy_since = None


_said = {}


def log_change(subject, text):
    """Logs what is wrong once, and again when it has changed; None: all is well."""
    if _said.get(subject) != text:
        _said[subject] = text
        log("%s %s" % (subject, text or "works again"))


# ---- What the threads share ----


class Shared:
    """Guarded by its lock. Changes wake whoever waits."""

    def __init__(self):
        self.lock = threading.Lock()
        self.group = UNKNOWN
        self.right = Right()
        self.lease = True
        self.membership = None
        # Whether the voters have been read, or have not answered in time.
        self.has_read = False
        self.read_now = threading.Event()
        self.enforce_now = threading.Event()
        self.tell_now = threading.Event()
        # Of the main thread: whether PostgreSQL is a primary that may be written to, and what the annotation says of it; None: nothing.
        self.is_open_primary = False
        self.shown = None
        # Of the row's thread: the epoch in which it has written.
        self.writes_in = None

    def snapshot(self):
        with self.lock:
            return self.group, self.right, self.lease, self.membership


# ---- The reader ----


class Reader:
    """Reads the voters, and decides what the right is."""

    def __init__(self, shared, own):
        self._shared = shared
        self._own = own
        self._sources = {}
        self._written = None

    def restore(self):
        marker = read_marker()
        if marker is None:
            if os.path.exists(ALONE):
                self._shared.group = NONE
            return
        self._written = marker
        self._shared.group, self._shared.right, self._shared.lease = MEMBER, marker.right, marker.lease
        self._shared.membership = self._parse(marker.membership)

    def run(self):
        # Readings that may follow soon.
        soon = 0
        while True:
            began = clock()
            has_new_voters, is_clear = self.read()
            if has_new_voters:
                continue
            self._shared.has_read = True
            is_hasty = self._shared.group == UNKNOWN or self._shared.right.phase not in (None, "Stable") or (soon > 0 and not is_clear)
            interval = SOON if soon > 5 and not is_clear else HURRY if is_hasty else CALM
            soon = max(0, soon - 1)
            if self._shared.read_now.wait(max(0.0, began + interval - clock())):
                self._shared.read_now.clear()
                # The own object may be the first that has the new record. The others follow in a moment.
                soon = 10

    def read(self):
        """One reading. Returns whether the voters are others than those that were read, and whether all of them hold one record."""
        known = self._shared.membership
        places = known[1].voters if known else {}
        wanted = {self._own, *places.values()}
        for place in [place for place in self._sources if place not in wanted]:
            del self._sources[place]
        answers, changed, began = {}, threading.Condition(), clock()

        def listen(place):
            def take(found):
                with changed:
                    answers[place] = found
                    changed.notify()

            return take

        for place in wanted:
            self._sources.setdefault(place, Source(place)).start(listen(place))
        # What arrives later is left: the voters that answer are enough, or they are not.
        with changed:
            while len(answers) < len(wanted) and (left := began + ANSWER - clock()) > 0:
                changed.wait(left)
            answers = dict(answers)
        own = answers.get(self._own, SILENT)
        membership = self._parse(own.get("guard")) if isinstance(own, dict) else None
        if isinstance(own, dict) and membership is None and "guard" in own:
            own = SILENT
        membership = membership or known
        if membership is not None and membership[1].voters != places:
            # The votes are those of former voters, or none.
            votes, has_new_voters = {}, True
        else:
            votes, has_new_voters = {name: vote for name, place in places.items() if (vote := self._parse_vote(place, answers.get(place)))}, False
        self._decide(began, membership, own, [answers.get(place, SILENT) for place in (membership[1].voters if membership else {}).values()], votes)
        return has_new_voters, len(votes) == len(places) and len({vote.value for vote in votes.values()}) <= 1

    def _parse(self, text):
        """The text with what it says; None: nothing of use."""
        if text is None:
            return None
        try:
            parsed = parse_membership(text)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            log_change("data.guard of the own object", "cannot be used: %r" % error)
            return None
        log_change("data.guard of the own object", None)
        return text, parsed

    def _parse_vote(self, place, found):
        if not isinstance(found, dict) or "voter" not in found:
            return None
        try:
            vote = parse_vote(found["voter"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            log_change("data.voter of " + describe(place), "cannot be used: %r" % error)
            return None
        log_change("data.voter of " + describe(place), None)
        return vote

    def _decide(self, began, membership, own, others, votes):
        group, right, lease, _ = before = self._shared.snapshot()
        if membership is not None and find_chosen(votes) is not None:
            group = MEMBER
        group = find_group(group, own, others)
        if group == MEMBER and membership is not None:
            right = change_lease(right, lease, membership[1].lease, clock())
            lease = membership[1].lease
            right = renew(right, membership[1].region, began, votes)
        if group == MEMBER and not self._remember(Marker(right, lease, membership[0] if membership else None)):
            # What takes the right away holds all the same. Nothing else does: the next process would not know of it.
            lease = before[2]
            if right.ends is not None:
                group, right = before[:2]
        if group != before[0]:
            self._remember_none(group == NONE)
        with self._shared.lock:
            self._shared.group, self._shared.right, self._shared.lease, self._shared.membership = group, right, lease, membership
        if (before[0], before[1]._replace(ends=None), before[1].ends is None, before[2]) != (group, right._replace(ends=None), right.ends is None, lease):
            log(describe_right(group, right, lease))
        self._shared.enforce_now.set()

    def _remember(self, marker):
        # The time says nothing to another process.
        marker = marker._replace(right=marker.right._replace(ends=None if marker.right.ends is None else 0.0))
        if marker == self._written:
            return True
        try:
            write_marker(marker)
        except OSError as error:
            log_change("the marker", "cannot be written: %s" % error)
            return False
        self._written = marker
        log_change("the marker", None)
        return True

    @staticmethod
    def _remember_none(is_none):
        try:
            if is_none:
                with open(ALONE, "w", encoding="ascii"):
                    pass
            else:
                remove(ALONE)
        except OSError as error:
            log_change(ALONE, "cannot be written: %s" % error)


def describe_right(group, right, lease):
    if group != MEMBER:
        return "there is no group" if group == NONE else "it is not known whether there is a group"
    may = "may not write" if right.ends is None else "may write, for 20 s from each reading" if lease else "may write"
    return "epoch %d, %s: the region %s" % (right.epoch, right.phase, may)


def watch(shared, own):
    """Hastens the next reading when the own object changes. A watch that is broken only makes it slower: the reader goes on."""
    api = Api()
    path = "/api/v1/namespaces/%s/configmaps?%s" % (
        own.namespace,
        urllib.parse.urlencode({"watch": "true", "fieldSelector": "metadata.name=" + own.name, "timeoutSeconds": WATCH}),
    )
    while True:
        try:
            response = api.request("GET", path, 30)
            if response.status != 200:
                raise ValueError("status %d" % response.status)
            api.set_timeout(WATCH + 30)
            while line := response.readline(MAX_BYTES):
                if line.endswith(b"\n"):
                    shared.read_now.set()
            log_change("the watch of the own object", None)
        except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
            log_change("the watch of the own object", "fails: %s" % error)
        api.close()
        time.sleep(2)


# ---- PostgreSQL ----


NO_ANSWER = "no answer in time"


class Failed(Exception):
    """PostgreSQL did not do what it was asked for, in time."""


class Session:
    """A connection to PostgreSQL that never waits longer than it is told to: psycopg's own functions wait as long as the server takes."""

    def __init__(self, role, database, application, options=""):
        self._target = "host=%s user=%s dbname=%s application_name=%s options='%s'" % (SOCKETS, role, database, application, options)
        self._connection = None

    def close(self):
        if self._connection is not None:
            self._connection.finish()
            self._connection = None

    def query(self, text, timeout, parameters=None):
        """Rows of texts. Failed: not in time, or refused."""
        deadline = clock() + timeout
        try:
            if self._connection is None or self._connection.status != pq.ConnStatus.OK:
                self._connect(deadline)
            if parameters is None:
                self._connection.send_query(text.encode())
            else:
                self._connection.send_query_params(text.encode(), [parameter.encode() for parameter in parameters])
            rows, error = [], None
            while True:
                while self._connection.is_busy():
                    self._wait(select.POLLIN, deadline)
                    self._connection.consume_input()
                result = self._connection.get_result()
                if result is None:
                    break
                if result.status in (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE):
                    error = error or Failed(result.error_message.decode(errors="replace").strip())
                rows = [[decode(result.get_value(row, column)) for column in range(result.nfields)] for row in range(result.ntuples)] or rows
            if error:
                raise error
            return rows
        except Failed:
            # What was not answered may be answered later, to the next question.
            if self._connection is None or self._connection.status != pq.ConnStatus.OK or self._connection.transaction_status != pq.TransactionStatus.IDLE:
                self.close()
            raise
        except OperationalError as error:
            self.close()
            raise Failed(str(error).strip()) from error

    def _connect(self, deadline):
        self.close()
        self._connection = pq.PGconn.connect_start(self._target.encode())
        state = pq.PollingStatus.WRITING
        while state != pq.PollingStatus.OK:
            if self._connection.status == pq.ConnStatus.BAD or state == pq.PollingStatus.FAILED:
                raise Failed(self._connection.error_message.decode(errors="replace").strip())
            self._wait(select.POLLIN if state == pq.PollingStatus.READING else select.POLLOUT, deadline)
            state = self._connection.connect_poll()

    def _wait(self, event, deadline):
        poll = select.poll()
        poll.register(self._connection.socket, event)
        left = deadline - clock()
        if left <= 0 or not poll.poll(left * 1000):
            raise Failed(NO_ANSWER)


def decode(value):
    return None if value is None else value.decode(errors="replace")


class Process(NamedTuple):
    pid: int
    name: str
    state: str
    parent: int
    started: int


def read_process(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    name, rest = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
    return Process(pid, name, rest[0], int(rest[1]), int(rest[19]))


def read_processes():
    return [process for pid in os.listdir("/proc") if pid.isdigit() and (process := read_process(int(pid))) is not None]


def is_server(process):
    """Whether a process is a postmaster of this database, and nobody else's process that has got its number."""
    if process is None or process.state == "Z" or process.name not in ("postgres", "postmaster"):
        return False
    try:
        if os.readlink("/proc/%d/cwd" % process.pid) != os.path.realpath(DATA):
            return False
        with open("/proc/%d/cmdline" % process.pid, "rb") as file:
            arguments = file.read().split(b"\0")
    except OSError:
        return False
    # A server without others, for initdb or for Patroni's recovery of a crash, takes no sessions; and only saved.py reaches the one that it reads with.
    return not any(argument in (b"--single", b"--boot", b"--check") for argument in arguments[1:2]) and b"cluster_name=saving" not in arguments


class Postmaster(NamedTuple):
    """The first process of a PostgreSQL; a number alone may be that of another one later."""

    pid: int
    started: int


def find_postmaster():
    """The postmaster, and whether a program that writes a database is at work when there is none."""
    try:
        with open(DATA + "/postmaster.pid", encoding="ascii", errors="replace") as file:
            process = read_process(int(file.readline()))
        if is_server(process):
            return Postmaster(process.pid, process.started), False
    except (OSError, ValueError):
        # None, or it is being written. Somebody may have deleted it, and a server without it runs on for a minute.
        pass
    processes = read_processes()
    names = {process.pid: process.name for process in processes}
    for process in processes:
        if names.get(process.parent) != process.name and is_server(process):
            return Postmaster(process.pid, process.started), False
    return None, any(process.name in ("pg_basebackup", "pg_rewind", "initdb", "pgbackrest") for process in processes)


def send(postmaster, number):
    """Sends a signal to the postmaster, which may have ended by itself meanwhile."""
    process = read_process(postmaster.pid)
    if process is not None and process.started == postmaster.started:
        try:
            os.kill(postmaster.pid, number)
        except ProcessLookupError:
            # It has ended by itself.
            pass


def kill_hard(postmaster):
    """Ends PostgreSQL without asking it. It is stopped first, so that it starts no more processes and none of them is missed."""
    send(postmaster, signal.SIGSTOP)
    for _ in range(50):
        process = read_process(postmaster.pid)
        if process is None or process.state in "TtZ":
            break
        time.sleep(0.002)
    for child in read_processes():
        if child.parent == postmaster.pid:
            try:
                os.kill(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                # So has this one.
                pass
    send(postmaster, signal.SIGKILL)


# Nobody is connected then, and nobody can be.
STARTING = re.compile("the database system is (starting up|not yet accepting connections|not accepting connections|in recovery mode)")
# A server that has just begun has no socket yet. One whose socket is gone later may have sessions.
NO_SOCKET = re.compile("No such file or directory|Connection refused")
YOUNG = 30.0

LOOK_SQL = "SELECT current_setting('%s'), pg_is_in_recovery()" % PARAMETER

# Not those of superusers, among them Patroni's and the operator's, nor connections that only receive the log. A session whose role is gone has no rights.
# Whoever began after this session had seen the new value began with it. A former session of the guard may still do what it was asked for.
END_SQL = """
    SELECT count(*), count(pg_terminate_backend(a.pid))
    FROM pg_stat_activity a LEFT JOIN pg_roles r ON r.oid = a.usesysid
    WHERE a.usesysid IS NOT NULL AND a.pid <> pg_backend_pid() AND a.backend_start <= '%s'
      AND (NOT coalesce(r.rolsuper, false) OR a.application_name = 'write-guard')
      AND (a.backend_type <> 'walsender' OR a.datid IS NOT NULL)
    """

# A commit of its own, which waits for this member's disk alone: then all that was written before is on it. A member that may not write says so by it, too.
FLUSH_SQL = """
    BEGIN READ WRITE; SET LOCAL synchronous_commit = local; SELECT pg_logical_emit_message(true, 'write-guard', ''); COMMIT;
    """


def owner_path():
    return DATA + "/" + OWNER


def own_parameter(group):
    """Remembers that the parameter is this program's. A member of a group does without that if it has to."""
    try:
        if os.path.exists(DATA + "/PG_VERSION") and not os.path.exists(owner_path()):
            replace(owner_path(), "\n")
    except OSError as error:
        if group != MEMBER:
            raise
        log_change(OWNER, "cannot be written: %s" % error)


def has_parameter():
    """Whether PostgreSQL starts with a value of the parameter that was set as this program does it."""
    try:
        with open(DATA + "/postgresql.auto.conf", encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
    except FileNotFoundError:
        return False
    return re.search(r"^\s*%s\b" % PARAMETER, text, re.IGNORECASE | re.MULTILINE) is not None


class Enforcer:
    """Makes PostgreSQL what the right says. It looks twice a second, because a copy or a rewind brings the value of another member."""

    def __init__(self, shared, pulse):
        self._shared = shared
        self._pulse = pulse
        self._session = Session("postgres", "postgres", "write-guard")
        # The postmaster for which the fence is complete, and whether it was in recovery; None: for none.
        self._closed = None
        # The postmaster that got the right from this process.
        self._opened = None
        # The postmaster that must lose the right, and when it is killed.
        self._pending = None
        # Whether the next postmaster begins without the right.
        self._starts_closed = False
        # The postmaster and epoch for which the position holds, and the position.
        self._position = (None, None, None)
        self._looked = 0.0
        self._wanted = None
        self._quiet_until = 0.0
        # Whether PostgreSQL may still run with a parameter that was taken back, perhaps by an earlier process.
        self._must_reload = True

    def run(self):
        while True:
            self._pulse()
            is_new = self._shared.enforce_now.is_set()
            self._shared.enforce_now.clear()
            group, right, lease, _ = self._shared.snapshot()
            now = clock()
            wanted = None if group == NONE else group == MEMBER and right.is_held(lease, now)
            is_due = is_new or wanted != self._wanted or now - self._looked >= LOOK - 0.01 or self._pending is not None
            # Without a marker there is nothing to lose by the first reading, and most members are of no group.
            if is_due and (group != UNKNOWN or self._shared.has_read):
                self._wanted, self._looked = wanted, now
                self.enforce(wanted, group, right, lease)
            left = LOOK / 2
            if wanted and lease:
                left = min(left, right.ends - clock())
            if self._pending is not None:
                left = 0.02
            self._shared.enforce_now.wait(max(left, 0.001))

    def enforce(self, wanted, group, right, lease):
        if wanted is None:
            self._undo()
            return
        postmaster, is_copying = find_postmaster()
        if postmaster is None:
            self._closed = self._opened = self._pending = None
            self._session.close()
            self._shared.is_open_primary = False
            # A copy writes this file, too, and PostgreSQL starts as a replica after it.
            is_prepared = is_copying or self._prepare(wanted, group)
            self._starts_closed = is_prepared and not is_copying and not wanted
            if wanted or is_prepared:
                self._show(wanted, right, lease, None, group)
            return
        if wanted:
            self._pending = None
            self._open(postmaster, right, lease, group)
        else:
            self._shared.is_open_primary = False
            self._close(postmaster, right, lease, group)

    def _prepare(self, wanted, group):
        """The value with which PostgreSQL starts. Returns whether it is set."""
        try:
            own_parameter(group)
            write_parameter("off" if wanted else "on")
        except OSError as error:
            log_change("postgresql.auto.conf", "cannot be written: %s" % error)
            return False
        log_change("postgresql.auto.conf", None)
        return True

    def _undo(self):
        # The operator waits for the guards of all members before the group begins.
        shown = None if self._shared.membership is None else {"epoch": 0, "lease": False, "writable": True}
        if shown != self._shared.shown:
            self._shared.shown = shown
            self._shared.tell_now.set()
        self._closed = self._opened = self._pending = None
        owners = [path for path in (owner_path(), OWNER_BEFORE) if os.path.exists(path)]
        if not owners:
            return
        postmaster, is_copying = find_postmaster()
        # A copy brings the parameter of the member that it is made from.
        if is_copying:
            return
        try:
            if has_parameter():
                self._must_reload = True
                # From now on: the file may be as old as the group.
                for path in owners:
                    os.utime(path)
                if postmaster is None:
                    write_parameter(None)
                else:
                    self._session.query("ALTER SYSTEM RESET %s" % PARAMETER, FENCE)
                    self._pulse()
                log("the parameter is taken back")
            if self._must_reload and postmaster is not None:
                self._session.query("SELECT pg_reload_conf()", FENCE)
                self._session.close()
            self._must_reload = False
            for path in owners:
                # The clock may have been set back.
                if abs(time.time() - os.stat(path).st_mtime) > KEPT:
                    remove(path)
        except (Failed, OSError) as error:
            log_change("the return to the former value", "fails: %s" % error)

    def _open(self, postmaster, right, lease, group):
        if clock() < self._quiet_until:
            return
        try:
            limit = clock() + (min(1.0, max(0.0, right.ends - clock())) if lease else 1.0)
            [[value, is_recovering]] = self._session.query(LOOK_SQL, self._left(limit))
            if value != "off" or self._opened != postmaster:
                # Nobody may read in the annotation that it is not writable when it is.
                self._closed = None
                self._show(True, right, lease, None, group)
                self._opened = postmaster
                own_parameter(group)
                # Also if the value is that already: a full volume has room for another value in the place of one that is there.
                self._session.query("ALTER SYSTEM SET %s = off" % PARAMETER, self._left(limit))
                self._session.query("SELECT pg_reload_conf()", self._left(limit))
                log("the database may be written to")
            self._show(True, right, lease, None, group)
            self._shared.is_open_primary = is_recovering == "f"
            log_change("PostgreSQL", None)
        except (Failed, OSError) as error:
            self._shared.is_open_primary = False
            # Each attempt may leave a session behind that hangs.
            self._quiet_until = clock() + (0 if NO_ANSWER not in str(error) else 5)
            log_change("PostgreSQL", None if is_starting(error, postmaster) else "cannot be asked: %s" % error)

    def _close(self, postmaster, right, lease, group):
        now = clock()
        if self._closed is not None and self._closed[0] == postmaster and now < self._quiet_until:
            return
        if self._pending is None or self._pending[0] != postmaster:
            if self._closed is None or self._closed[0] != postmaster:
                # What has run out counts from its end: a process that stood still until later has no time left.
                has_run_out = self._opened == postmaster and group == MEMBER and right.ends is not None and lease
                deadline = math.inf if self._starts_closed else (right.ends if has_run_out else now) + FENCE
                self._pending, self._starts_closed = (postmaster, deadline), False
        deadline = self._pending[1] if self._pending else now + FENCE
        self._opened = None
        if deadline <= now:
            self._kill(postmaster)
            return
        try:
            own_parameter(group)
        except OSError as error:
            # It would stay read-only for ever if there is no group.
            log_change(OWNER, "cannot be written: %s" % error)
            self._pending = None
            return
        try:
            [[value, is_recovering]] = self._session.query(LOOK_SQL, self._left(deadline))
            if value == "on" and self._closed == (postmaster, is_recovering):
                self._pulse()
                self._finish(postmaster, is_recovering, right, lease, group)
                return
            if value != "on" or self._pending is None:
                deadline = min(deadline, clock() + FENCE)
                self._pending = (postmaster, deadline)
            self._closed = None
            if value != "on":
                log("the database is made read-only")
                self._set_on(postmaster, deadline)
                # This session hears of it only from the postmaster, after that one has read the file itself. From then on, all sessions begin with it.
                while value != "on":
                    time.sleep(0.002)
                    [[value, is_recovering]] = self._session.query(LOOK_SQL, self._left(deadline))
            # Nothing commits in recovery, and readers of a replica need not suffer. If it is promoted, its sessions end then.
            if is_recovering == "f":
                [[moment]] = self._session.query("SELECT clock_timestamp()", self._left(deadline))
                while int(self._session.query(END_SQL % moment, self._left(deadline))[0][0]) > 0:
                    time.sleep(0.01)
            self._closed, self._pending = (postmaster, is_recovering), None
            log("the database is read-only")
            self._pulse()
            self._finish(postmaster, is_recovering, right, lease, group)
        except (Failed, OSError) as error:
            if is_starting(error, postmaster):
                self._pending = None
                self._starts_closed = self._prepare(False, group)
                send(postmaster, signal.SIGHUP)
            elif self._pending is not None and clock() >= self._pending[1]:
                log("it could not be made read-only in time: %s" % error)
                self._kill(postmaster)
            else:
                log_change("PostgreSQL", "cannot be asked: %s" % error)
                if self._closed is not None and NO_ANSWER in str(error):
                    self._quiet_until = clock() + 5

    @staticmethod
    def _left(deadline):
        left = deadline - clock()
        if left <= 0:
            raise Failed("no time is left")
        return min(left, FENCE)

    def _set_on(self, postmaster, deadline):
        try:
            self._session.query("ALTER SYSTEM SET %s = on" % PARAMETER, self._left(deadline))
            self._session.query("SELECT pg_reload_conf()", self._left(deadline))
        except Failed as error:
            # PostgreSQL writes another file, for which a full volume has no room.
            log("PostgreSQL did not change its configuration, so that the guard does: %s" % error)
            write_parameter("on")
            send(postmaster, signal.SIGHUP)

    def _kill(self, postmaster):
        log("PostgreSQL is killed")
        self._session.close()
        kill_hard(postmaster)
        self._pending = None

    def _finish(self, postmaster, is_recovering, right, lease, group):
        """Tells that the fence is complete, on a primary with the position up to which others must have the log."""
        if is_recovering == "f" and self._position[:2] != (postmaster, right.epoch):
            self._session.query(FLUSH_SQL, FENCE)
            self._pulse()
            [[position]] = self._session.query("SELECT pg_current_wal_flush_lsn()", FENCE)
            self._position = (postmaster, right.epoch, position)
        self._show(False, right, lease, self._position[2] if is_recovering == "f" else None, group)

    def _show(self, is_writable, right, lease, position, group):
        if group != MEMBER or right.phase is None:
            return
        shown = {"epoch": right.epoch, "phase": right.phase, "lease": lease, "writable": is_writable}
        if position is not None:
            shown["fencedAt"] = position
        if shown != self._shared.shown:
            self._shared.shown = shown
            self._shared.tell_now.set()


def is_starting(error, postmaster):
    if STARTING.search(str(error)):
        return True
    age = clock() - postmaster.started / os.sysconf("SC_CLK_TCK")
    return age < YOUNG and NO_SOCKET.search(str(error)) is not None


# A row of an epoch that this region does not know yet is that of another one.
BEAT_SQL = """
    INSERT INTO write_region AS w (is_only, region, epoch, beat_at) VALUES (true, $1, $2::bigint, clock_timestamp())
    ON CONFLICT (is_only) DO UPDATE SET region = excluded.region, epoch = excluded.epoch, beat_at = excluded.beat_at WHERE w.epoch <= excluded.epoch
    RETURNING epoch
    """


def beat(shared):
    """Writes the row that says who writes, as the app's own role: it owns the table, and what it attaches to it must not run with more rights."""
    role, session = 0, None
    while True:
        time.sleep(BEAT)
        group, right, lease, membership = shared.snapshot()
        if not shared.is_open_primary or group != MEMBER or membership is None or not right.is_held(lease, clock()):
            if session is not None:
                session.close()
            shared.writes_in = None
            continue
        try:
            session = session or Session(ROLES[role], DATABASE, "write-guard-row", "-c statement_timeout=2s -c lock_timeout=2s")
            rows = session.query(BEAT_SQL, 5, [membership[1].region, str(right.epoch)])
            if rows and shared.writes_in != right.epoch:
                shared.writes_in = right.epoch
                shared.tell_now.set()
            log_change("the row of write_region", None)
        except Failed as error:
            if session is not None:
                session.close()
            session, role = None, (role + 1) % len(ROLES)
            # The table comes with a migration; the database and the roles, with the first start of the region. A fence ends this session, too.
            if not re.search(r"does not exist|not permitted to log in|no pg_hba.conf entry|administrator command", str(error)):
                log_change("the row of write_region", "cannot be written: %s" % error)
                # What was not answered may still wait.
                time.sleep(BEAT * (4 if NO_ANSWER in str(error) else 0))


def tell(shared, own):
    """Writes the annotation of the pod when something has changed, and every ten minutes in case that somebody has changed it."""
    api = Api()
    path = "/api/v1/namespaces/%s/pods/%s" % (own.namespace, os.environ["PATRONI_NAME"])
    told, at = None, 0.0
    while True:
        shared.tell_now.wait(1)
        shared.tell_now.clear()
        text = text_of(shared.shown, shared.writes_in)
        if text is None or (text == told and clock() - at < TELL_AGAIN):
            continue
        try:
            response = api.request("PATCH", path, 5, json.dumps({"metadata": {"annotations": {ANNOTATION: text}}}), "application/merge-patch+json")
            response.read()
            if response.status != 200:
                raise ValueError("status %d" % response.status)
            told, at = text, clock()
            log_change("the annotation", None)
        except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
            api.close()
            log_change("the annotation", "cannot be written: %s" % error)
            time.sleep(0.5)


def text_of(shown, writes_in):
    if shown is None:
        return None
    return json.dumps({**shown, "writesIn": writes_in} if shown["writable"] and writes_in == shown["epoch"] else shown)


# ---- The program ----


def object_of(pod):
    """Name of the region's topology object. That of a pod is the region's, "-postgres-" and a number; both names are shortened alike."""
    scope = pod.rpartition("-")[0]
    return (scope[: -len("-postgres")] if scope.endswith("-postgres") else scope) + "-topology"


def start(action, *arguments):
    def run():
        try:
            action(*arguments)
        except BaseException as error:  # pylint: disable=broad-except
            log("ended by %r" % error)
            raise
        finally:
            # Without one of its threads it is no guard. patroni.sh starts another one, which is read-only until it knows better.
            os._exit(1)

    threading.Thread(target=run, daemon=True).start()


def read_configuration(api, place, timeout):
    """Patroni's dynamic configuration: an annotation of a ConfigMap. None: there is none."""
    body = api.read_object(place, timeout)
    text = (need(body, dict).get("metadata", {}).get("annotations") or {}).get("config") if body else None
    return None if text is None else need(json.loads(text), dict)


def gate():
    """Returns when Patroni may start. The startup probe limits the time."""
    marker = read_marker()
    try:
        membership = parse_membership(marker.membership) if marker is not None and marker.membership is not None else None
    except (ValueError, KeyError, TypeError, RecursionError):
        membership = None
    if membership is None:
        return
    scope = os.environ["PATRONI_NAME"].rpartition("-")[0]
    # By names that no region has.
    places = {"/configuration": Place(os.environ["PATRONI_KUBERNETES_NAMESPACE"], scope + "-config", None), **membership.voters}
    sources = {name: Source(place, read_configuration if name == "/configuration" else Api.read) for name, place in places.items()}
    began = clock()
    while True:
        answers, changed, asked = {}, threading.Condition(), clock()

        def listen(name):
            def take(found):
                with changed:
                    answers[name] = found
                    changed.notify()

            return take

        for name, source in sources.items():
            source.start(listen(name))
        with changed:
            while True:
                record = find_chosen({name: vote for name in membership.voters if (vote := read_vote(answers.get(name))) is not None})
                configuration = answers.get("/configuration", SILENT)
                if record is not None and configuration != SILENT or (left := asked + ANSWER - clock()) <= 0:
                    break
                changed.wait(left)
        if record is None and marker.lease and clock() - began < UNDECIDED:
            log_change("the start", "waits for most votes")
        elif must_wait(membership.region, marker.right.epoch, record, configuration):
            log_change("the start", "waits: region %s has the role in epoch %d, and this region's Patroni does not follow it yet" % (record.region, record.epoch))
        else:
            log_change("the start", None)
            return
        time.sleep(LOOK)


def read_vote(found):
    """None: nothing that counts."""
    try:
        return parse_vote(found["voter"]) if isinstance(found, dict) and "voter" in found else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


# Seconds for which the main thread may do nothing until it counts as one that stands still, longer than one wait for PostgreSQL; and until it has begun.
# With what it takes to begin, this is less than the 5 s for which other regions wait longer than the right lasts.
STILL = 3.0
BEGIN = 60.0


def guard(pulse):
    shared = Shared()
    own = Place(os.environ["PATRONI_KUBERNETES_NAMESPACE"], object_of(os.environ["PATRONI_NAME"]), None)
    reader = Reader(shared, own)
    reader.restore()
    start(reader.run)
    start(watch, shared, own)
    start(beat, shared)
    start(tell, shared, own)
    Enforcer(shared, pulse).run()


def supervise():
    """Runs the guard in a process of its own, and another one when it has ended or stands still: the right of one that does nothing would never end.

    Returns in that process, with what it calls as long as it works.
    """
    parent = os.getpid()
    while True:
        began = clock()
        ours, theirs = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(ours)
            os.set_blocking(theirs, False)

            def pulse():
                # Nobody would notice if this process stood still.
                if os.getppid() != parent:
                    os._exit(1)
                try:
                    os.write(theirs, b".")
                except BlockingIOError:
                    # The other one stands still.
                    pass

            return pulse
        os.close(theirs)
        limit = BEGIN
        # If both stood still, the other one needs a moment, too.
        while (select.select([ours], [], [], limit)[0] or select.select([ours], [], [], 1)[0]) and os.read(ours, 4096):
            limit = STILL
        os.close(ours)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        log("the guard has ended or stood still. Another one begins")
        # One that ends at once would take the processor from PostgreSQL.
        time.sleep(max(0.0, min(1.0, began + 1.0 - clock())))


if __name__ == "__main__":
    if sys.argv[1:] == ["prepare"]:
        # Before Patroni starts: a member that was guarded once starts without the right.
        write_parameter("on")
    elif sys.argv[1:] == ["gate"]:
        gate()
    else:
        beats = supervise()
        from psycopg import OperationalError, pq

        guard(beats)
