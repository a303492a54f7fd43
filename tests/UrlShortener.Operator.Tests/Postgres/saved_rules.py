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
    changes = saved.Changes()
    for position, manager, transaction, text in [
        ("0/03000110", "Heap", 742, "INSERT off 3 flags 0x00, blkref #0: rel 1663/5/16384 blk 7 FPW"),
        ("0/03000120", "Heap", 742, "UPDATE off: 1, blkref #0: rel 1663/5/16384 blk 9, blkref #1: rel 1663/5/16384 blk 8"),
        ("0/03000130", "Heap2", 0, "VISIBLE cutoff xid 742, blkref #0: rel 1663/5/16384 fork vm blk 100, blkref #1: rel 1663/5/16384 blk 8"),
        ("0/03000140", "Transaction", 742, "COMMIT 2026-11-30 05:00:00.1 UTC; subxacts: 743 744; sync"),
        ("0/03000150", "Transaction", 745, "ABORT 2026-11-30 05:00:00.1 UTC"),
        ("0/03000160", "Btree", 746, "INSERT_LEAF off 1, blkref #0: rel 1663/5/16390 blk 1"),
    ]:
        changes.add(
            "rmgr: %-11s len (rec/tot):     59/   143, tx: %10d, lsn: %s, prev 0/03000000, desc: %s\n" % (manager, transaction, position, text)
        )
    changes.add("something else\n")
    check("transactions", {742, 743, 744}, changes.committed)
    check("blocks", {(5, 16384): {7, 8, 9}}, changes.blocks)
    check("the last record", ("0/03000160", "0/03000140"), (changes.last, changes.last_commit))
    check("ranges", [[1, 4], [7, 8]], saved.find_ranges({3, 1, 7, 2}))


def link(code, version=1, created="2026-11-30", **others):
    return {"id": 1, "short_code": code, "version": version, "created_at": created, "click_count": 0, "original_url": "https://example.com", **others}


def check_links():
    def find(here, there, logged, claimed=()):
        rows = {row["short_code"]: row for row in here}
        found = saved.find_links(rows, {row["short_code"]: row for row in there}, logged, claimed)
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


def check_waiting():
    with tempfile.TemporaryDirectory() as folder:
        saved.FOLDER, saved.STATE, saved.DISCARD = folder, folder + "/.state", folder + "/.discard"
        saved.log = lambda text: None
        sys.modules["psycopg"] = types.SimpleNamespace(Error=ZeroDivisionError, OperationalError=ZeroDivisionError)
        outcomes = []

        def save(*_):
            outcome = outcomes.pop(0)
            if outcome is not None:
                raise outcome

        saved.save = save
        saved.AGAIN = 0
        outcomes[:] = [saved.NotSaved("no room"), OSError(28, "No space left on device"), None]
        check("it tries again", True, saved.save_or_wait("", "", []))
        check("all were needed", [], outcomes)
        check("it waits no more", {"count": 0, "files": []}, saved.read_state())
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
        thread = threading.Thread(target=lambda: done.append(saved.save_or_wait("", "", [])), daemon=True)
        thread.start()
        pause = threading.Event()
        while "waits" not in saved.read_state():
            pause.wait(0.01)
        check("why it waits", "no room", saved.read_state()["waits"])
        saved.command(["discard"])
        thread.join(60)
        check("it goes on", [True], done)
        check("it says so", {"count": 0, "files": []}, saved.read_state())

        # A file is there as a whole, or not at all.
        saved.check_room = lambda: None
        for is_whole, expected in [(False, []), (True, ["1-0-5.jsonl"])]:
            file = saved.File("1-0-5.jsonl", {"saved": 1, "at": "2026-11-30T05:00:00Z"})
            file.add({"table": "urls"})
            file.add({"table": "users"})
            file.close(is_whole)
            check("files", expected, [name for name in os.listdir(folder) if not name.startswith(".")])
        saved.tell()
        check("what is told", {"count": 2, "files": [{"file": "1-0-5.jsonl", "at": "2026-11-30T05:00:00Z", "count": 2}]}, saved.read_state())


check_log()
check_links()
check_waiting()
print(json.dumps(failures, indent=1))
sys.exit(1 if failures else 0)
