"""Runs the rules of the write guard: those of lease-cases.json, which the operator's rules in C# pass too, and below what the guard alone has to decide.

guard_rules.py GUARD CASES: ends with 1 and says what is wrong.
"""

import errno
import importlib.util
import json
import os
import shutil
import sys
import tempfile

spec = importlib.util.spec_from_file_location("guard", sys.argv[1])
guard = importlib.util.module_from_spec(spec)
spec.loader.exec_module(guard)
failures = []


def check(what, expected, actual):
    if expected != actual:
        failures.append("%s: %r instead of %r" % (what, actual, expected))


def refuses(what, parse, text):
    try:
        failures.append("%s: taken for %r" % (what, parse(text)))
    except (ValueError, KeyError, TypeError, RecursionError):
        pass


def check_cases(table):
    for case in table["cases"]:
        right = guard.Right()
        for number, step in enumerate(case["steps"]):
            votes = {}
            for name, (ballot, record) in step["votes"].items():
                votes[name] = guard.parse_vote(json.dumps({"promised": ballot, "ballot": ballot, "value": table["records"].get(record)}))
            what = "%s, step %d" % (case["name"], number)
            right = guard.renew(right, case["region"], step["began"], votes)
            chosen = guard.find_chosen(votes)
            names = {votes[name].ballot: ballot for name, (ballot, _) in step["votes"].items() if votes[name].value == chosen}
            check(what + ", chosen", step["chosen"], chosen and names[max(names)])
            check(what + ", epoch", step["epoch"], right.epoch)
            for now, held in step["held"].items():
                check("%s, held at %s" % (what, now), held, right.is_held(True, float(now)))
                check("%s, held at %s if it does not run out" % (what, now), step.get("heldForever", right.ends is not None), right.is_held(False, float(now)))


GOOD = '{"promised":"5@a","ballot":"5@a","value":{"epoch":7,"phase":"Stable","region":"eu","voters":{"current":["eu"]},"reason":"no reason","at":1}}'


def check_votes():
    check("a vote", (5, "a"), guard.parse_vote(GOOD).ballot)
    check("a proposer with @", (5, "a@b"), guard.parse_vote(GOOD.replace('"5@a"', '"5@a@b"')).ballot)
    check("a voter that has accepted nothing", None, guard.parse_vote('{"promised":"5@a","ballot":"0@"}').value)
    for what, text in {
        "nothing": "",
        "no JSON": "{",
        "null": "null",
        "a list": "[]",
        "deep": "[" * 100000,
        "no ballot": '{"promised":"5@a","value":null}',
        "a ballot without a proposer": GOOD.replace('"5@a"', '"5"'),
        "a ballot without a round": GOOD.replace('"5@a"', '"@a"'),
        "a negative round": GOOD.replace('"5@a"', '"-5@a"'),
        "a round in other digits": GOOD.replace('"5@a"', '"\u0665@a"'),
        "an epoch that is text": GOOD.replace('"epoch":7', '"epoch":"7"'),
        "an epoch that is true": GOOD.replace('"epoch":7', '"epoch":true'),
        "no epoch": GOOD.replace('"epoch":7,', ""),
        "another phase": GOOD.replace("Stable", "stable"),
        "no voters": GOOD.replace('["eu"]', "[]"),
        "voters that are a word": GOOD.replace('["eu"]', '"eu"'),
        "voters of numbers": GOOD.replace('["eu"]', "[1]"),
        "a voter that is named twice": GOOD.replace('["eu"]', '["eu","eu"]'),
        "a next voter that is named twice": GOOD.replace('["eu"]', '["eu"],"next":["us","us"]'),
        "next voters that are none": GOOD.replace('["eu"]', '["eu"],"next":[]'),
        "a region that is a list": GOOD.replace('"eu",', '["eu"],'),
        "a value that is a word": '{"promised":"5@a","ballot":"5@a","value":"eu"}',
    }.items():
        refuses(what, guard.parse_vote, text)


def check_membership():
    voters = '{"eu":{"namespace":"prod","configMap":"eu-topology"},"us":{"namespace":"p","configMap":"t","cluster":"us-east"}}'
    text = '{"region":"eu","lease":false,"voters":%s}' % voters
    member = guard.parse_membership(text)
    check("a membership", ("eu", False), member[:2])
    check("its voters", {"eu": ("prod", "eu-topology", None), "us": ("p", "t", "us-east")}, member.voters)
    for lease in ("true", "null", '"false"', "0"):
        check("lease " + lease, True, guard.parse_membership(text.replace("false", lease)).lease)
    check("no lease", True, guard.parse_membership(text.replace('"lease":false,', "")).lease)
    for what, part, other in (
        ("a path of a cluster", "us-east", "../../etc"),
        ("a namespace with a slash", '"prod"', '"prod/x"'),
        ("a name with a line break", '"t"', '"t\\n"'),
        ("an empty name", '"t"', '""'),
        ("one object of two voters", '{"namespace":"p","configMap":"t","cluster":"us-east"}', '{"namespace":"prod","configMap":"eu-topology"}'),
        ("a region that is none", '"region":"eu"', '"region":null'),
        ("a place that is none", '{"namespace":"p","configMap":"t","cluster":"us-east"}', '"us"'),
    ):
        refuses(what, guard.parse_membership, text.replace(part, other))


def check_lease():
    held, over = guard.Right(7, "Stable", 120.0), guard.Right(7, "Stable", 90.0)
    check("a right that runs out no more", held, guard.change_lease(held, True, False, 100.0))
    check("one that has run out stays lost", guard.Right(7, "Stable", None), guard.change_lease(over, True, False, 100.0))
    check("one that is old and begins to run out", False, guard.change_lease(over, False, True, 100.0).is_held(True, 100.0))
    check("one that is young and begins to run out", True, guard.change_lease(held, False, True, 100.0).is_held(True, 100.0))


def check_groups():
    voted, begins = {"voter": GOOD, "guard": "{}"}, {"guard": "{}"}
    for what, expected, group, own, others in (
        ("no object", guard.NONE, guard.UNKNOWN, None, []),
        ("no answer at the start", guard.UNKNOWN, guard.UNKNOWN, guard.SILENT, []),
        ("no answer later", guard.NONE, guard.NONE, guard.SILENT, []),
        ("no vote anywhere", guard.NONE, guard.UNKNOWN, begins, [begins, None]),
        ("no vote here, and no answer there", guard.UNKNOWN, guard.UNKNOWN, begins, [begins, guard.SILENT]),
        ("a vote there", guard.UNKNOWN, guard.UNKNOWN, begins, [begins, voted]),
        ("a vote here that is not chosen", guard.UNKNOWN, guard.UNKNOWN, voted, [voted]),
        ("the first vote of a group that begins", guard.NONE, guard.NONE, voted, [voted]),
        ("a guarded member without an object", guard.MEMBER, guard.MEMBER, None, []),
        ("a guarded member without votes", guard.MEMBER, guard.MEMBER, begins, [begins]),
    ):
        check(what, expected, guard.find_group(group, own, others))


def check_files():
    line = "default_transaction_read_only = 'on'\n"
    check("a value that is added", "# x\nwork_mem = '8MB'\n" + line, guard.edit_configuration("# x\nwork_mem = '8MB'", "on"))
    check("a value that is replaced", "a = 1\n" + line + "b = 2\n", guard.edit_configuration("a = 1\nDefault_Transaction_Read_Only='off'\nb = 2\n", "on"))
    check("a value that is there twice", line, guard.edit_configuration("default_transaction_read_only = off\n" + line, "on"))
    check("a value that is removed", "b = 2\n", guard.edit_configuration(line + "b = 2\n", None))
    check("another parameter", "default_transaction_read_only_x = 1\n" + line, guard.edit_configuration("default_transaction_read_only_x = 1\n", "on"))
    check("the object of a member", "eu-topology", guard.object_of("eu-postgres-12"))
    for epoch, writable, row, expected in ((2, True, 2, True), (2, True, 1, False), (2, True, None, False), (2, False, 2, False)):
        check("a row of %s told in %s" % (row, epoch), expected, "writesIn" in guard.text_of({"epoch": epoch, "writable": writable}, row))
    with tempfile.TemporaryDirectory() as folder:
        guard.MARKER = os.path.join(folder, "marker")
        check("no marker", None, guard.read_marker())
        for lease, ends in ((True, 50.0), (False, 50.0), (False, None)):
            guard.write_marker(guard.Marker(guard.Right(7, "Fencing", ends), lease, '{"region":"eu"}'))
            kept = guard.Marker(guard.Right(7, "Fencing", 0.0 if ends and not lease else None), lease, '{"region":"eu"}')
            check("the marker of %s, %s" % (lease, ends), kept, guard.read_marker())
            check("its size", 1024, os.path.getsize(guard.MARKER))
        check_full_volume(folder)
        for text in ("", "[]", "{}", '{"epoch":"7","writable":true,"lease":false}', "\x00" * 1024):
            with open(guard.MARKER, "w", encoding="utf-8") as file:
                file.write(text)
            check("the marker %r" % text[:40], guard.Marker(guard.Right(), True, None), guard.read_marker())


def check_full_volume(folder):
    """There is no room for another file, and what is there can be overwritten."""

    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    write, guard.DATA = os.write, folder
    path = os.path.join(folder, "postgresql.auto.conf")
    with open(os.path.join(folder, "PG_VERSION"), "w", encoding="ascii"), open(path, "w", encoding="ascii") as file:
        file.write("default_transaction_read_only = 'off'\nwork_mem = '8MB'\n")
    guard.os.write = refuse
    try:
        guard.write_parameter("on")
        guard.write_marker(guard.Marker(guard.Right(8, "Stable", None), True, "{}"))
        try:
            guard.replace(path, "x" * 1000)
            failures.append("a file grew on a full volume")
        except OSError as error:
            check("a file that does not fit", errno.ENOSPC, error.errno)
    finally:
        guard.os.write = write
    with open(path, encoding="ascii") as file:
        check("a value on a full volume", ["default_transaction_read_only = 'on'", "work_mem = '8MB'"], file.read().split("\n")[:2])
    check("a marker on a full volume", 8, guard.read_marker().right.epoch)
    check("what is left behind", ["PG_VERSION", "marker", "postgresql.auto.conf"], sorted(os.listdir(folder)))


def check_gate():
    """A former primary region that comes back must not lead before its Patroni follows the other one."""
    record = guard.Record(5, "Stable", "us", ("ap", "eu", "us"), None)
    fencing = record._replace(phase="Fencing")
    follows, leads = {"standby_cluster": {"host": "us"}}, {"ttl": 20}
    for text, expected, case in (
        ("leads as before", True, ("eu", 4, record, leads)),
        ("leads as before while the role moves", True, ("eu", 4, fencing, leads)),
        ("follows", False, ("eu", 4, record, follows)),
        ("has the role", False, ("us", 4, record, leads)),
        ("is to get the role, which nobody has yet", True, ("us", 4, fencing, leads)),
        ("is to get the role, and follows", False, ("us", 4, fencing, follows)),
        ("knows a later decision", False, ("eu", 6, record, leads)),
        ("sees no decision", False, ("eu", 4, None, leads)),
        ("has no configuration", False, ("eu", 4, record, None)),
        ("does not reach its API server", True, ("eu", 4, record, guard.SILENT)),
    ):
        check("the start of a member that " + text, expected, guard.must_wait(*case))
    check("a vote that is none", None, guard.read_vote({"voter": "["}))
    check("an object without a vote", None, guard.read_vote({}))
    check("no answer", None, guard.read_vote(None))


def check_copies():
    """A member that has left its group is copied from one that has not: its parameter is taken back. What somebody else has set stays."""
    find, ours = guard.find_postmaster, "default_transaction_read_only = 'on'\n"
    with tempfile.TemporaryDirectory() as volume:
        guard.OWNER_BEFORE = os.path.join(volume, ".topology-parameter")

        def make(name):
            guard.DATA = os.path.join(volume, name)
            os.mkdir(guard.DATA)
            write("PG_VERSION", "17\n")
            write("postgresql.auto.conf", "work_mem = '8MB'\n")

        def write(name, text):
            with open(os.path.join(guard.DATA, name), "w", encoding="ascii") as file:
                file.write(text)

        def read():
            with open(os.path.join(guard.DATA, "postgresql.auto.conf"), encoding="ascii") as file:
                return file.read()

        def turn(is_copying=False):
            guard.find_postmaster = lambda: (None, is_copying)
            enforcer.enforce(None, guard.NONE, guard.Right(), True)

        enforcer = guard.Enforcer(guard.Shared(), lambda: None)
        try:
            make("source")
            guard.find_postmaster = lambda: (None, False)
            enforcer.enforce(False, guard.MEMBER, guard.Right(7, "Fencing", None), True)
            check("a member of a group", "work_mem = '8MB'\n" + ours, read())
            source = guard.DATA
            copy = os.path.join(volume, "copy")
            shutil.copytree(source, copy)
            guard.DATA = copy
            turn(is_copying=True)
            check("a copy that is not complete", "work_mem = '8MB'\n" + ours, read())
            turn()
            check("a copy of a member that has not left", "work_mem = '8MB'\n", read())
            # The file of the source is gone when its turn comes, but the parameter was copied before.
            write("postgresql.auto.conf", ours)
            turn()
            check("a parameter that arrives after the return", "", read())
            owner = os.path.join(guard.DATA, guard.OWNER)
            os.utime(owner, (0, 0))
            turn()
            check("a file that is an hour old", False, os.path.exists(owner))
            write("postgresql.auto.conf", ours)
            turn()
            check("a parameter that somebody else has set", ours, read())
            # As the releases before left it.
            with open(guard.OWNER_BEFORE, "w", encoding="ascii"):
                pass
            turn()
            check("a parameter of the release before", "", read())
            os.utime(guard.OWNER_BEFORE, (0, 0))
            turn()
            check("its file", False, os.path.exists(guard.OWNER_BEFORE))
        finally:
            guard.find_postmaster = find


with open(sys.argv[2], encoding="utf-8") as cases:
    check_cases(json.load(cases))
check_votes()
check_membership()
check_lease()
check_groups()
check_gate()
check_files()
check_copies()
print("\n".join(failures))
sys.exit(1 if failures else 0)
