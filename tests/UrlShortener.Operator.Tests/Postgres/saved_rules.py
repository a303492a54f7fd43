"""Runs the rules of saved.py: what the log says, what becomes an entry, and that a member waits when it cannot save.

saved_rules.py SAVED: ends with 1 and says what is wrong.
"""

import importlib.util
import json
import os
import sys
import tempfile
import threading
import types

spec = importlib.util.spec_from_file_location("saved", sys.argv[1])
saved = importlib.util.module_from_spec(spec)
spec.loader.exec_module(saved)
failures = []


def check(what, expected, actual):
    if expected != actual:
        failures.append("%s: %r instead of %r" % (what, actual, expected))


def check_log():
    check("the fork", ("0/3000148", 2), saved.find_fork("pg_rewind: servers diverged at WAL location 0/3000148 on timeline 2\npg_rewind: Done!"))
    check("no fork", None, saved.find_fork("pg_rewind: no rewind required"))
    check("one timeline", [(1, "0/5", None)], saved.find_parts("0/5", 1, 1, ""))
    history = "1\t0/5000\tno recovery target specified\n\n2\t0/9000\tno recovery target specified\n"
    check("moves inside the region", [(1, "0/100", "0/5000"), (2, "0/5000", "0/9000"), (3, "0/9000", None)], saved.find_parts("0/100", 1, 3, history))
    check("before the fork", [(2, "0/6000", "0/9000"), (3, "0/9000", None)], saved.find_parts("0/6000", 2, 3, history))
    text = "pg_rewind: servers diverged at WAL location 0/3000148 on timeline 2\npg_rewind: rewinding from last common checkpoint at 0/2000060 on timeline 1"
    check("the last common checkpoint", ("0/2000060", 1), saved.find_common(text))
    check("none", None, saved.find_common("pg_rewind: servers diverged at WAL location 0/3000148 on timeline 2"))
    checkpoint = "CHECKPOINT_ONLINE redo 0/2000028; tli 1; prev tli 1; fpw true; xid 0:735; oid 24576; multi 1; offset 0; oldest xid 722 in DB 1; online"
    check("its beginning", ("0/2000028", "735"), saved.CHECKPOINT.search(checkpoint).groups())
    changes = read_changes(
        "0/03000110",
        700,
        ("0/03000110", "Heap", 742, "INSERT off 3 flags 0x00, blkref #0: rel 1663/5/16384 blk 7 FPW"),
        ("0/03000120", "Heap", 742, "UPDATE off: 1, blkref #0: rel 1663/5/16384 blk 9, blkref #1: rel 1663/5/16384 blk 8"),
        ("0/03000130", "Heap2", 0, "VISIBLE cutoff xid 742, blkref #0: rel 1663/5/16384 fork vm blk 100, blkref #1: rel 1663/5/16384 blk 8"),
        ("0/03000140", "Transaction", 742, "COMMIT 2026-11-30 05:00:00.1 UTC; subxacts: 743 744; sync"),
        ("0/03000150", "Transaction", 745, "ABORT 2026-11-30 05:00:00.1 UTC"),
        ("0/03000160", "Btree", 746, "INSERT_LEAF off 1, blkref #0: rel 1663/5/16390 blk 1"),
        ("0/03000170", "Transaction", 746, "COMMIT_PREPARED 747: 2026-11-30 05:00:00.1 UTC"),
    )
    check("transactions", {742, 743, 744, 747}, changes.committed)
    check("blocks", {(5, 16384): {7, 8, 9}}, changes.blocks)
    check("the last record", ("0/03000170", "0/03000170"), (changes.last, changes.last_commit))
    check("none is older", False, changes.has_older)
    check("ranges", [[1, 4], [7, 8]], saved.find_ranges({3, 1, 7, 2}))


def read_changes(fork, first, *records):
    changes = saved.Changes(fork, first)
    for position, manager, transaction, text in records:
        changes.add(
            "rmgr: %-11s len (rec/tot):     59/   143, tx: %10d, lsn: %s, prev 0/03000000, desc: %s\n" % (manager, transaction, position, text)
        )
    changes.add("something else\n")
    return changes


def check_fork():
    changes = read_changes(
        "0/03000200",
        740,
        ("0/03000100", "Heap", 741, "INSERT off 1, blkref #0: rel 1663/5/16384 blk 1"),
        ("0/03000110", "Heap", 742, "INSERT off 1, blkref #0: rel 1663/5/16384 blk 2"),
        ("0/03000120", "Heap", 743, "INSERT off 1, blkref #0: rel 1663/5/16384 blk 3"),
        ("0/03000130", "Heap", 744, "INSERT off 1, blkref #0: rel 1663/5/16384 blk 4"),
        ("0/03000140", "XLOG", 0, "FPI_FOR_HINT , blkref #0: rel 1663/5/16384 blk 5 FPW"),
        ("0/03000150", "Transaction", 742, "COMMIT 2026-11-30 05:00:00.1 UTC"),
        ("0/03000160", "Transaction", 743, "ABORT 2026-11-30 05:00:00.1 UTC"),
        ("0/03000200", "Transaction", 745, "COMMIT 2026-11-30 05:00:00.1 UTC; subxacts: 741"),
        ("0/03000210", "XLOG", 746, "FPI , blkref #0: rel 1663/5/16999 blk 6 FPW"),
        ("0/03000220", "Transaction", 744, "ABORT 2026-11-30 05:00:00.1 UTC"),
    )
    # The other region has the rows of 741 without its commit: they are not there.
    check("what had not ended at the fork", ({741, 745}, {(5, 16384): {1}, (5, 16999): {6}}), (changes.committed, changes.blocks))
    long = read_changes("0/03000200", 742, ("0/03000200", "Transaction", 741, "COMMIT 2026-11-30 05:00:00.1 UTC"))
    check("a transaction from before the log that is read", True, long.has_older)
    pairs = [(1, 2), (2, 2), (3, 2), (4294967290, 5), (5, 4294967290)]
    check("the order of numbers", [True, False, False, True, False], [saved.is_older(*pair) for pair in pairs])


def check_numbers():
    text = '{"n": 1.00000000000000000000001, "e": 1e400, "i": %s, "s": "\u2028\\"", "l": [0.10, null, true]}' % ("9" * 5000)
    row = saved.loads(text)
    check("numbers stay the same", (row, True), (saved.loads(saved.dumps(row)), "1.00000000000000000000001" in saved.dumps(row)))
    check("and differ by the last digit", True, saved.differs("samples", saved.loads('{"n": 1.00000000000000000000001}'), saved.loads('{"n": 1}')))


def link(code, version=1, created="2026-11-30", **others):
    return {"id": 1, "short_code": code, "version": version, "created_at": created, "click_count": 0, "original_url": "https://example.com", **others}


def check_links():
    def find(here, there, logged, claimed=(), buried=()):
        rows = {row["short_code"]: row for row in here}
        found = saved.find_links(rows, {row["short_code"]: row for row in there}, logged, claimed, buried)
        return [(entry["op"], entry.get("base"), entry["row"]["short_code"]) for entry in found]

    check("a new link", [("insert", None, "a")], find([link("a")], [], {}, {"a"}))
    check("a new link, changed since", [("insert", None, "a")], find([link("a", 3)], [], {"a": 2}, {"a"}))
    check("a new link that the other region created too", [("insert", None, "a")], find([link("a")], [link("a", created="2026-12-01")], {}, {"a"}))
    check("only clicks", [], find([link("a", 4, click_count=9, id=7)], [link("a", 4)], {}))
    check("only clicks, and changed there", [], find([link("a", 4, click_count=9)], [link("a", 5, original_url="https://x")], {}))
    check("only clicks, and deleted there", [], find([link("a", click_count=9)], [], {}))
    check("a change", [("change", 4, "a")], find([link("a", 6, original_url="https://x")], [link("a", 4)], {"a": 5}))
    check("a change of what was deleted there", [("change", 1, "a")], find([link("a", 2)], [], {"a": 2}))
    check("a deletion", [("delete", 4, "a")], find([], [link("a", 4)], {"a": 5}))
    check("a deletion of what is gone there, too", [], find([], [], {"a": 5}))
    check("of a new link whose code is another one there", [], find([], [link("a", created="2026-12-01")], {"a": 2}, {"a"}))
    # The app's log of changes has forgotten them.
    check("a change long ago", [("change", None, "a")], find([link("a", 6, original_url="https://x")], [link("a", 4)], {}))
    check("a deletion long ago", [("delete", None, "a")], find([], [link("a", 4)], {}, (), {"a"}))


def check_import():
    """What is decided without a question to the database."""
    other = saved.Importer(None, False)
    entry = {"table": "urls", "op": "insert", "row": {"short_code": "a"}}
    for owner, expected in [([], saved.REFUSED), ([(False,)], saved.REFUSED), ([(True,)], saved.IMPORTED)]:
        other._ask = lambda text, *parameters: owner if text == saved.OWNER_SQL else [(1,)]
        check("a table of another database, of %r" % owner, expected, other.add(entry)[0])
    importer = saved.Importer(None, True)
    check("a change in another schema", (saved.REFUSED, saved.CHANGED), importer.add({**entry, "schema": "own", "op": "change"}))

    check("a table that was not saved", saved.REFUSED, importer.add({"table": "kinds", "op": saved.UNREAD, "row": {}})[0])

    # Users by number and address: those of the file, and those that are there.
    there = {"a@example.com": {"id": 7, "email": "a@example.com", "created_at": "2026-11-30"}}
    importer._ask = lambda text, *parameters: [(there[parameters[0]],)] if parameters[0] in there else [(9,)] if "INSERT" in text else []
    row = {"id": 5, "email": "a@example.com", "created_at": "2026-11-30", "api_key": "x"}
    user = {"table": "users", "op": "change", "row": row}
    check("a user who was changed", (saved.REFUSED, saved.CHANGED), importer.add(user))
    check("is found by the address", 7, importer._users[5])
    row["created_at"] = "2026-11-29"
    check("another user of the address", saved.REFUSED, importer.add(user)[0])
    check("gets no links", -1, importer._users[5])


def use(folder):
    saved.FOLDER, saved.STATE, saved.DONE = folder, folder + "/.state", folder + "/.done"


def check_waiting():
    with tempfile.TemporaryDirectory() as sockets, tempfile.TemporaryDirectory() as folder:
        saved.RUNNING, saved.DISCARD = sockets + "/.saving", sockets + "/.discard-saved"
        # There is no room for the folder.
        with open(sockets + "/file", "w", encoding="ascii"):
            pass
        use(sockets + "/file/saved")
        saved.log = lambda text: None
        module = types.SimpleNamespace(Error=ZeroDivisionError, OperationalError=ZeroDivisionError, types=types.SimpleNamespace())
        module.types.json = types.SimpleNamespace(set_json_loads=lambda function: None)
        sys.modules.update({"psycopg": module, "psycopg.types": module.types, "psycopg.types.json": module.types.json})
        outcomes = []

        def save(*_):
            outcome = outcomes.pop(0)
            if outcome is not None:
                raise outcome

        original, saved.save = saved.save, save
        saved.AGAIN = 0
        outcomes[:] = [saved.NotSaved("no room"), OSError(28, "No space left on device"), RecursionError("too deep"), None]
        check("it tries again", True, saved.save_or_wait("", "", []))
        check("all were needed", [], outcomes)
        check("it waits no more", None, saved.read_waits())
        outcomes[:] = [saved.SourceAway("no answer")]
        check("the rewind is not tried without the primary", False, saved.save_or_wait("", "", []))

        # Somebody discards what cannot be saved, and not before it waits.
        saved.AGAIN = 3600
        outcomes[:] = [saved.NotSaved("no room")]
        refused = False
        try:
            saved.command(["discard"])
        except ValueError:
            refused = True
        check("nothing to discard", True, refused)
        done = []
        thread = threading.Thread(target=lambda: done.append(saved.save_or_wait("", "", ["false"])), daemon=True)
        thread.start()
        pause = threading.Event()
        # The process has another name here.
        while not os.path.exists(saved.RUNNING) or json.load(open(saved.RUNNING, encoding="utf-8"))["waits"] is None:
            pause.wait(0.01)
        check("this process is no rewind", None, saved.read_waits())
        saved.read_waits = lambda: "no room"
        saved.command(["discard"])
        thread.join(60)
        check("it goes on", [True], done)
        check("it says so", False, os.path.exists(saved.RUNNING))

        # A file is there as a whole, or not at all, and none is replaced.
        use(folder)
        saved.check_room = lambda: None
        for is_whole, expected in [(False, []), (True, ["1-0-5.jsonl"]), (True, ["1-0-5-2.jsonl", "1-0-5.jsonl"])]:
            file = saved.File(saved.new_name(1, "0/5"), {"saved": 1, "at": "2026-11-30T05:00:00Z"})
            file.add({"table": "urls"})
            file.add({"table": "users"})
            file.close(is_whole)
            check("files", expected, sorted(os.listdir(folder)))
        os.unlink(folder + "/1-0-5-2.jsonl")
        saved.tell_files()
        with open(saved.STATE, encoding="utf-8") as file:
            check("what is told", {"count": 2, "files": [{"file": "1-0-5.jsonl", "at": "2026-11-30T05:00:00Z", "count": 2}]}, json.load(file))
        saved.save = original
        check_comparison()


def check_comparison():
    """What happens before anything is read: the rewind must not go on, or everything is saved already."""
    text = "pg_rewind: servers diverged at WAL location 0/5 on timeline 1\npg_rewind: rewinding from last common checkpoint at 0/3 on timeline 1\n"
    control = {"Database system identifier": "1", "Latest checkpoint location": "0/9", "Latest checkpoint's TimeLineID": "1"}
    answers, read = [], []
    saved.compare = lambda data, dry_run: answers[-1]
    saved.read_control = lambda data: control
    saved.read_log = lambda *_: read.append(1) or types.SimpleNamespace(committed=set())
    saved.connect_source = lambda source: open(os.devnull, encoding="ascii")

    def outcome(answer):
        answers.append(answer)
        read.clear()
        try:
            saved.save("", "", [])
            return len(read)
        except saved.NotSaved:
            return "waits"

    check("nothing to rewind", 0, outcome((True, "pg_rewind: no rewind required")))
    check("a comparison that fails", "waits", outcome((False, "pg_rewind: error: could not connect")))
    check("and that of a rewind that would fail later", "waits", outcome((False, text)))
    check("the first time", 1, outcome((True, text)))
    check("after a rewind that was broken off", 0, outcome((True, text)))
    check("which cannot be compared any more", 0, outcome((False, text)))
    check("to another primary", 1, outcome((True, text.replace("0/5", "0/4"))))
    control["Latest checkpoint location"] = "0/A"
    check("it has written since", 1, outcome((True, text.replace("0/5", "0/4"))))


check_log()
check_fork()
check_numbers()
check_links()
check_import()
check_waiting()
print(json.dumps(failures, indent=1))
sys.exit(1 if failures else 0)
