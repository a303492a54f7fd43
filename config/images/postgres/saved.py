#!/opt/patroni/bin/python3
"""Saves what only a former primary has, before it is discarded; and brings it into the primary of now. The image has it under two names.

As pg_rewind it stands before PostgreSQL's program on the PATH, so that whatever rewinds a member comes by. A member that belongs to a group of regions
(docs/write-guard.md) may have acknowledged writes that nobody else got, and a rewind takes them away. They are written to a file on the member's volume,
outside of the database; then the rewind goes on. If they cannot be saved, the member waits: without PostgreSQL, until there is room, or until a person
discards them. What has been saved once is not looked for again: a rewind that was broken off leaves a mixture.

As shortener-saved it lists the files, shows one, imports one and removes one (docs/roles.md, "Saved changes").

What only this member has: rows that transactions have written which have committed since its history left that of the source, and which the source lacks or
has with other values. The log tells the transactions and the pages that they have changed, also before the histories parted. Deletions of links are in the
app's log of changes. The member's database is read by a server that nobody else reaches.
"""

import ctypes
import datetime
import decimal
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

VOLUME = "/var/lib/postgresql/data"
# Outside of the database, as the write guard's marker: a rewind must not touch them.
MARKER = VOLUME + "/.topology"
FOLDER = VOLUME + "/saved"
# The files, for volume.py, which tells them in an annotation of the pod.
STATE = FOLDER + "/.state"
# What was saved last, or discarded.
DONE = FOLDER + "/.done"
SOCKETS = "/run/postgresql"
# The process that saves, and why it waits, for volume.py. Not on the volume, which may be full.
RUNNING = SOCKETS + "/.saving"
# A person lets the rewind go on although nothing is saved.
DISCARD = SOCKETS + "/.discard-saved"
DATABASE = "shortener"
# The write guard leaves a server of this name alone (is_server in guard.py).
SERVER = "saving"

# Seconds. A start may have to replay much of the log.
START = 1800
STOP = 120
ANSWER = 60
WAIT = 10
TRIAL = 600
AGAIN = 15
# Bytes that stay free: PostgreSQL needs room for its log.
ROOM = 48 << 20
BATCH = 500
# What the app has created, such as an operator for its strings, must not be called by a superuser.
SAFE = "-c search_path=pg_catalog"
TOLD_FILES = 8
# An entry for a whole table.
UNREAD = "unread"

# Tables of the app that tell of nothing that a user did, or follow from other rows. Unused keys are void in the next epoch, and used ones are those of links.
KEPT_OUT = {
    "write_region",
    "health_checks",
    "kgs_keys",
    "kgs_batches",
    "kgs_epochs",
    "link_changes",
    "deleted_links",
    "user_link_counts",
    "user_byte_counts",
    "click_batches",
    "click_fold",
    "click_salts",
    "click_hours",
    "click_days",
    "click_day_values",
    "followed_links",
}
# How rows are found in the other database. Numbers that come from a sequence mean other rows there.
KEYS = {"urls": ["short_code"], "users": ["email"], "click_events": [], "click_inbox": ["batch"], "click_texts": ["month", "id"]}
# What may differ: sums that are folded in now and then, and numbers of sequences.
VOLATILE = {"urls": {"id", "click_count", "last_accessed_at"}, "users": {"id", "urls_created", "last_active_at", "stored_bytes"}, "click_texts": {"number"}}
# Users before their links, links before the answers about them.
ORDER = {"users": 0, "urls": 1, "idempotency_keys": 2, "click_texts": 3, "click_events": 4, "click_inbox": 5}


IS_REWIND = os.path.basename(sys.argv[0]) == "pg_rewind"


class NotSaved(Exception):
    """What was written could not be saved."""


class SourceAway(Exception):
    """The other primary does not answer. The rewind would fail as well."""


# Python refuses longer ones, and a jsonb may have them.
MAX_DIGITS = 1000


def parse_int(text):
    return int(text) if len(text) <= MAX_DIGITS else decimal.Decimal(text)


def loads(text):
    """With the very numbers: those of the database have more digits than Python's."""
    return json.loads(text, parse_float=decimal.Decimal, parse_int=parse_int)


def dumps(value):
    try:
        return json.dumps(value, ensure_ascii=False)
    except TypeError:
        pass
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join("%s: %s" % (json.dumps(name, ensure_ascii=False), dumps(one)) for name, one in value.items()) + "}"
    return "[" + ", ".join(dumps(one) for one in value) + "]"


def log(text):
    """Into the log of the container: Patroni shows what pg_rewind has written only when it has ended."""
    line = "Saved changes: " + text + "\n"
    if IS_REWIND:
        try:
            with open("/proc/1/fd/2", "a", encoding="utf-8") as file:
                file.write(line)
            return
        except OSError:
            # Another process is the first one here.
            pass
    sys.stderr.write(line)
    sys.stderr.flush()


# ---- What the log says. Pure. ----


def parse_lsn(text):
    high, low = text.split("/")
    return int(high, 16) << 32 | int(low, 16)


def find_fork(text):
    """Where the histories part, and on which timeline, by pg_rewind's own words; None: they do not."""
    found = re.search(r"servers diverged at WAL location ([0-9A-F]+/[0-9A-F]+) on timeline (\d+)", text)
    return (found.group(1), int(found.group(2))) if found else None


def find_common(text):
    """The last checkpoint that both have, and its timeline, by pg_rewind's own words; None: it has not come so far."""
    found = re.search(r"last common checkpoint at ([0-9A-F]+/[0-9A-F]+) on timeline (\d+)", text)
    return (found.group(1), int(found.group(2))) if found else None


def find_parts(begin, timeline, latest, history):
    """Parts of the log since a position: timeline, beginning and end; None: up to its end. history: the member's own, of its latest timeline."""
    parts = []
    for line in history.splitlines():
        fields = line.split()
        if len(fields) < 2 or not fields[0].isdigit():
            continue
        if int(fields[0]) >= timeline:
            parts.append((int(fields[0]), begin, fields[1]))
            begin = fields[1]
    parts.append((latest, begin, None))
    return [part for part in parts if part[2] is None or parse_lsn(part[1]) < parse_lsn(part[2])]


RECORD = re.compile(r"rmgr: (\S+)\s+len \(rec/tot\):\s*\d+/\s*\d+, tx:\s*(\d+), lsn: ([0-9A-F]+/[0-9A-F]+), prev [0-9A-F]+/[0-9A-F]+, desc: (.*)")
BLOCK = re.compile(r"blkref #\d+: rel \d+/(\d+)/(\d+) (?:fork (\w+) )?blk (\d+)")
# A transaction that was prepared has another number than the one that ends it.
ENDED = re.compile(r"(COMMIT|ABORT)(?:_PREPARED (\d+):)? ")
INNER = re.compile(r"subxacts: ([\d ]+)")
CHECKPOINT = re.compile(r"CHECKPOINT_\w+ redo ([0-9A-F]+/[0-9A-F]+);.*? xid \d+:(\d+);")


def is_older(transaction, other):
    """Numbers of transactions begin again after the last one."""
    return 0 < (other - transaction) % (1 << 32) < 1 << 31


class Changes:
    """What the log has changed since the fork. It is read from the last common checkpoint on: what has committed after the fork may have begun before it.

    fork: its position. first: lowest number of a transaction that began after the beginning of the log that is read.
    """

    def __init__(self, fork, first):
        self._fork = parse_lsn(fork)
        self._first = first
        self._is_since = False
        # Of transactions that have not ended before the fork: their changes before it.
        self._open = {}
        # (Number of the database, of the file) to blocks.
        self.blocks = {}
        # A transaction has changed pages before the log that is read: nobody knows which ones.
        self.has_older = False
        self.committed = set()
        # Positions of the last record, and of the last commit.
        self.last = self.last_commit = None

    def add(self, line):
        found = RECORD.match(line)
        if not found:
            return
        manager, transaction, position, description = found.groups()
        self._is_since = self._is_since or parse_lsn(position) >= self._fork
        if self._is_since:
            self.last = position
        if manager == "Transaction":
            self._end(transaction, description)
        # Tables that are written anew are logged as whole pages.
        elif manager in ("Heap", "Heap2") or (manager == "XLOG" and self._is_since):
            for database, file, fork, block in BLOCK.findall(description):
                if (fork and fork != "main") or (not self._is_since and transaction == "0"):
                    continue
                blocks = self.blocks if self._is_since else self._open.setdefault(int(transaction), {})
                blocks.setdefault((int(database), int(file)), set()).add(int(block))

    def _end(self, transaction, description):
        ended = ENDED.match(description)
        if not ended:
            return
        inner = INNER.search(description)
        numbers = [int(ended.group(2) or transaction)] + ([int(number) for number in inner.group(1).split()] if inner else [])
        opened = [self._open.pop(number) for number in numbers if number in self._open]
        if not self._is_since or ended.group(1) != "COMMIT":
            return
        self.last_commit = self.last
        self.committed.update(numbers)
        self.has_older = self.has_older or any(is_older(number, self._first) for number in numbers)
        for blocks in opened:
            for file, changed in blocks.items():
                self.blocks.setdefault(file, set()).update(changed)


def find_ranges(blocks):
    """Blocks as ranges, first and next after the last."""
    ranges = []
    for block in sorted(blocks):
        if ranges and ranges[-1][1] == block:
            ranges[-1][1] = block + 1
        else:
            ranges.append([block, block + 1])
    return ranges


def differs(table, one, other):
    """Whether two rows say different things."""
    left = VOLATILE.get(table, set())
    return {name: value for name, value in one.items() if name not in left} != {name: other.get(name) for name in one if name not in left}


def find_links(rows, there, logged, claimed, buried=()):
    """Entries of links.

    rows: those of this member by code. there: those of the source. logged: lowest number of a change of this member by code; the one before it is that of the
    link before all of them. claimed: codes that this member has given to links. buried: codes of links that this member has deleted. A code without a row here
    was deleted. The app keeps its log of changes for some hours only: an entry without a base is one for a person.
    """
    for code in sorted(rows.keys() | logged.keys() | set(buried)):
        here, other = rows.get(code), there.get(code)
        base = logged[code] - 1 if code in logged else None
        if here is None:
            # What was created and deleted since is nowhere; a link of that code there is another one.
            if other is not None and code not in claimed:
                yield {"op": "delete", "base": base, "row": other}
        elif other is None:
            if code in claimed:
                yield {"op": "insert", "row": here}
            # Otherwise the other one has deleted it, and only a count is new here.
            elif base is not None:
                yield {"op": "change", "base": base, "row": here}
        elif differs("urls", here, other):
            if code in claimed:
                yield {"op": "insert", "row": here}
            elif base is not None or here["version"] > other["version"]:
                yield {"op": "change", "base": base, "row": here}


# ---- The server that reads ----


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


class Server:
    """PostgreSQL on the member's data, which nobody else reaches and which changes nothing."""

    def __init__(self, data):
        self._data = data
        self._folder = tempfile.mkdtemp(prefix="saving", dir="/tmp")
        self._process = None

    def __enter__(self):
        with open(self._folder + "/hba", "w", encoding="ascii") as file:
            file.write("local all postgres peer\n")
        with open(self._folder + "/ident", "w", encoding="ascii"):
            pass
        settings = {
            "cluster_name": SERVER,
            "listen_addresses": "",
            "unix_socket_directories": self._folder,
            "unix_socket_permissions": "0700",
            "hba_file": self._folder + "/hba",
            "ident_file": self._folder + "/ident",
            "port": "5432",
            "archive_mode": "off",
            "autovacuum": "off",
            "hot_standby": "on",
            "primary_conninfo": "",
            "restore_command": "",
            # Patroni may have started it as a replica of the other one already, whose history it has fetched, and which it cannot follow.
            "recovery_target_timeline": "current",
            "synchronous_standby_names": "",
            "max_logical_replication_workers": "0",
            # The checkpoint at its end must not remove what pg_rewind reads after it.
            "wal_keep_size": "1TB",
            "max_slot_wal_keep_size": "-1",
            "default_transaction_read_only": "on",
            "logging_collector": "off",
            "log_destination": "stderr",
        }
        command = ["postgres", "-D", self._data]
        for name, value in settings.items():
            command += ["-c", "%s=%s" % (name, value)]
        with open(self._folder + "/log", "w", encoding="utf-8") as file:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, preexec_fn=die_with_parent)
        deadline = time.monotonic() + START
        while True:
            try:
                with self.connect("postgres"):
                    return self
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    words = self._words()
                    self.__exit__()
                    raise NotSaved("the database does not start: %s" % (words or error)) from error
            time.sleep(0.05)

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(STOP)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _words(self):
        with open(self._folder + "/log", encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file if "FATAL" in line or "PANIC" in line]
        return lines[-1][-300:] if lines else None

    def connect(self, database):
        return psycopg.connect(
            host=self._folder, dbname=database, user="postgres", autocommit=True, connect_timeout=10, application_name=SERVER, options=SAFE
        )


def query(connection, text, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(text, parameters or None)
        return cursor.fetchall()


def read_log(data, fork, timeline, common):
    """What this member's log has since the fork. common: the last checkpoint before it that both have, and its timeline."""
    control = read_control(data)
    latest = int(control["Latest checkpoint's TimeLineID"])
    checkpoint = control["Latest checkpoint location"]
    history = ""
    if latest != timeline:
        with open("%s/pg_wal/%08X.history" % (data, latest), encoding="ascii") as file:
            history = file.read()
    command = ["pg_waldump", "-p", data + "/pg_wal", "-t", str(common[1]), "-s", common[0], "-n", "1"]
    found = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=ANSWER)
    begun = CHECKPOINT.search(found.stdout)
    if not begun:
        raise NotSaved("the log at %s cannot be read: %s" % (common[0], (found.stderr or found.stdout).strip()[-300:]))
    changes = Changes(fork, int(begun.group(2)))
    for number, begin, end in find_parts(begun.group(1), common[1], latest, history):
        command = ["pg_waldump", "-p", data + "/pg_wal", "-t", str(number), "-s", begin] + (["-e", end] if end else [])
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace") as process:
            for line in process.stdout:
                changes.add(line)
            words = process.stderr.read()
        # It complains of the end of the log, always.
        if end and process.returncode != 0:
            raise NotSaved("the log since %s cannot be read: %s" % (begin, words.strip()[-300:]))
    # Whoever stopped in order wrote a checkpoint last. Without it a part of the log is missing.
    if parse_lsn(checkpoint) > parse_lsn(fork) and (changes.last is None or parse_lsn(changes.last) < parse_lsn(checkpoint)):
        raise NotSaved("the log since %s ends at %s, before %s" % (fork, changes.last, checkpoint))
    return changes


def read_control(data):
    lines = run(["pg_controldata", "-D", data]).stdout.splitlines()
    return {name: value.strip() for name, separator, value in (line.partition(":") for line in lines) if separator}


def run(command):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=ANSWER, errors="replace")


TABLES_SQL = """
    SELECT pg_relation_filenode(c.oid), c.oid, coalesce(pg_partition_root(c.oid)::oid, c.oid), n.nspname, r.relname,
        ARRAY(
            SELECT a.attname::text FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY k (number, place)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
            WHERE i.indrelid = r.oid AND i.indisprimary ORDER BY k.place
        )
    FROM pg_class c JOIN pg_class r ON r.oid = coalesce(pg_partition_root(c.oid), c.oid) JOIN pg_namespace n ON n.oid = r.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    """

# What a table, its columns, indexes, constraints and statistics use and somebody owns who is no superuser. PostgreSQL may call it when it plans or answers a
# query, with the rights of whoever asks.
FOREIGN_SQL = """
    WITH RECURSIVE tables AS (SELECT unnest(%s::oid[]) AS oid UNION SELECT i.inhrelid FROM pg_inherits i JOIN tables t ON i.inhparent = t.oid),
    parts AS (
        SELECT 'pg_class'::regclass AS class, oid FROM tables
        UNION ALL SELECT 'pg_class'::regclass, i.indexrelid FROM pg_index i JOIN tables t ON i.indrelid = t.oid
        UNION ALL SELECT 'pg_constraint'::regclass, c.oid FROM pg_constraint c JOIN tables t ON c.conrelid = t.oid
        UNION ALL SELECT 'pg_statistic_ext'::regclass, s.oid FROM pg_statistic_ext s JOIN tables t ON s.stxrelid = t.oid
    ),
    owned AS (
        SELECT 'pg_type'::regclass AS class, oid, typowner AS owner FROM pg_type
        UNION ALL SELECT 'pg_proc'::regclass, oid, proowner FROM pg_proc
        UNION ALL SELECT 'pg_operator'::regclass, oid, oprowner FROM pg_operator
        UNION ALL SELECT 'pg_opclass'::regclass, oid, opcowner FROM pg_opclass
        UNION ALL SELECT 'pg_opfamily'::regclass, oid, opfowner FROM pg_opfamily
        UNION ALL SELECT 'pg_collation'::regclass, oid, collowner FROM pg_collation
    )
    SELECT DISTINCT pg_describe_object(d.refclassid, d.refobjid, 0)
    FROM parts p JOIN pg_depend d ON d.classid = p.class AND d.objid = p.oid JOIN owned o ON o.class = d.refclassid AND o.oid = d.refobjid
    WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = o.owner AND r.rolsuper)
    ORDER BY 1
    """

# A table. A view or a foreign table would call what others have made.
TABLE_SQL = """
    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s AND c.relkind IN ('r', 'p')
    """


def quote(*names):
    return ".".join('"%s"' % name.replace('"', '""') for name in names)


def quote_in(*names):
    """For a statement with parameters."""
    return quote(*names).replace("%", "%%")


class Saver:
    """Reads one database of this member, and the same one of the source; None: the source has no such database."""

    def __init__(self, name, here, there, number, changes, emit):
        self._name = name
        self._here = here
        self._there = there
        self._number = number
        self._changes = changes
        self._emit = emit

    def save(self):
        tables = {}
        for file, leaf, root, schema, table, keys in query(self._here, TABLES_SQL):
            blocks = self._changes.blocks.get((self._number, file))
            if blocks or self._changes.has_older:
                tables.setdefault((root, schema, table, tuple(keys)), []).append((leaf, blocks))
        for root, schema, table, keys in list(tables):
            leaves = tables[root, schema, table, keys]
            if foreign := query(self._here, FOREIGN_SQL, [root, *(leaf for leaf, _ in leaves)]):
                del tables[root, schema, table, keys]
                because = "its rows are not read by a superuser, because of %s" % ", ".join(name for (name,) in foreign)[:300]
                self._emit({"database": self._name, **name_table(schema, table), "op": UNREAD, "because": because, "row": {}})
        is_app = self._name == DATABASE
        logged, buried = {}, set()
        for (_, schema, table, _), leaves in tables.items():
            if is_app and (schema, table) == ("public", "link_changes"):
                for row in self._read(leaves):
                    logged[row["short_code"]] = min(row["version"], logged.get(row["short_code"], row["version"]))
            elif is_app and (schema, table) == ("public", "deleted_links"):
                buried.update(row["short_code"] for row in self._read(leaves))
        order = sorted(tables.items(), key=lambda one: (ORDER.get(one[0][2], 9) if is_app else 0, one[0][1:3]))
        for (_, schema, table, keys), leaves in order:
            if is_app and schema == "public":
                if table in KEPT_OUT:
                    continue
                if table == "urls":
                    self._save_links(leaves, logged, buried)
                    continue
                keys = tuple(KEYS.get(table, keys))
            self._save_rows(schema, table, keys, leaves)
        # A link whose change is logged has a row that was written since, which has been read by now, or none.
        self._save_deleted(logged, buried)

    def _read(self, leaves):
        """Rows that transactions have written since the fork."""
        for leaf, blocks in leaves:
            [[name, size]] = query(self._here, "SELECT %s::oid::regclass::text, pg_relation_size(%s::oid) / current_setting('block_size')::int", leaf, leaf)
            for first, end in [[0, size]] if self._changes.has_older else find_ranges(blocks):
                for begin in range(first, end, 64):
                    text = "SELECT t.xmin::text, to_jsonb(t.*) FROM %s t WHERE t.ctid >= '(%d,0)' AND t.ctid < '(%d,0)'" % (name, begin, min(begin + 64, end))
                    for transaction, row in query(self._here, text):
                        if int(transaction) in self._changes.committed:
                            yield row

    def _find_there(self, schema, table, keys, rows):
        """Rows of the source with the same key, by that."""
        found = {}
        if self._there is None:
            return found
        joined = " AND ".join("a.%s = b.%s" % (quote_in(key), quote_in(key)) for key in keys)
        for first in range(0, len(rows), BATCH):
            part = [{key: row[key] for key in keys} for row in rows[first : first + BATCH]]
            text = "SELECT to_jsonb(b.*) FROM jsonb_populate_recordset(NULL::%s, %%s::jsonb) a JOIN %s b ON %s" % (
                quote_in(schema, table),
                quote_in(schema, table),
                joined,
            )
            for (row,) in ask_source(self._there, schema, table, text, dumps(part)):
                found[tuple(dumps(row[key]) for key in keys)] = row
        return found

    def _save_rows(self, schema, table, keys, leaves):
        for batch in batches(self._read(leaves)):
            there = self._find_there(schema, table, keys, batch) if keys else {}
            for row in batch:
                other = there.get(tuple(dumps(row[key]) for key in keys)) if keys else None
                if other is None or differs(table, row, other):
                    self._emit({"database": self._name, **name_table(schema, table), "op": "insert" if other is None else "change", "row": row})

    def _save_links(self, leaves, logged, buried):
        for batch in batches(self._read(leaves)):
            rows = {row["short_code"]: row for row in batch}
            known = {code: logged.pop(code) for code in rows if code in logged}
            buried.difference_update(rows)
            self._emit_links(rows, known, ())

    def _save_deleted(self, logged, buried):
        for batch in batches(sorted(logged.keys() | buried)):
            self._emit_links({}, {code: logged[code] for code in batch if code in logged}, batch)

    def _emit_links(self, rows, logged, buried):
        codes = sorted({*rows, *logged, *buried})
        there = {row["short_code"]: row for row in self._find_there("public", "urls", ("short_code",), [{"short_code": code} for code in codes]).values()}
        # By the primary key, so that those of a million links need not be remembered.
        text = "SELECT xmin::text, short_code FROM public.kgs_keys WHERE is_used AND short_code = ANY (%s)"
        claims = query(self._here, text, codes) if find_foreign(self._here, "public", "kgs_keys") == [] else []
        claimed = {code for transaction, code in claims if int(transaction) in self._changes.committed}
        for entry in find_links(rows, there, logged, claimed, buried):
            self._emit({"database": self._name, "table": "urls", **entry})


def name_table(schema, table):
    return {"table": table} if schema == "public" else {"schema": schema, "table": table}


def batches(rows):
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def find_foreign(connection, schema, table):
    """What a table uses that a superuser must not call; None: there is no such table."""
    tables = [oid for (oid,) in query(connection, TABLE_SQL, schema, table)]
    return [name for (name,) in query(connection, FOREIGN_SQL, tables)] if tables else None


def ask_source(connection, schema, table, text, *parameters):
    """Asks a table of the source, unless it uses something that a superuser must not call. It stays so meanwhile."""
    try:
        with connection.transaction():
            if find_foreign(connection, schema, table) is None:
                return []
            # Nobody adds a column or an index as long as it is held; rows are written and read as ever. A replica takes no such locks.
            if not query(connection, "SELECT pg_is_in_recovery()")[0][0]:
                connection.execute("LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE" % quote(schema, table))
            foreign = find_foreign(connection, schema, table)
            if foreign:
                log("%s of the primary is not read by a superuser, because of %s" % (quote(schema, table), foreign[0]))
            return query(connection, text, *parameters) if foreign == [] else []
    except psycopg.errors.QueryCanceled as error:
        raise NotSaved("the primary needs too long for an answer: %s" % str(error).strip()) from error
    except psycopg.OperationalError as error:
        raise SourceAway(str(error)) from error
    except (psycopg.ProgrammingError, psycopg.DataError) as error:
        # The source has no such table, or one that this member's rows do not fit into: it has none of them.
        log("not compared with the primary: %s" % str(error).strip())
        return []


# ---- Files ----


class File:
    """A file of saved changes, which is there as a whole or not at all."""

    def __init__(self, name, header):
        self._path = FOLDER + "/" + name
        self.count = 0
        self._file = open(self._path + ".new", "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600))
        self._file.write(json.dumps(header) + "\n")
        self._unchecked = 0

    def add(self, entry):
        line = dumps(entry) + "\n"
        self._unchecked -= len(line)
        if self._unchecked < 0:
            check_room()
            self._unchecked = 1 << 20
        self._file.write(line)
        self.count += 1

    def close(self, is_whole):
        try:
            if is_whole and self.count > 0:
                # A copy that lacks it is not whole.
                self._file.write(json.dumps({"end": self.count}) + "\n")
                self._file.flush()
                os.fsync(self._file.fileno())
            self._file.close()
        except OSError:
            is_whole = False
            raise
        finally:
            if not is_whole or self.count == 0:
                remove(self._path + ".new")
        if is_whole and self.count > 0:
            os.rename(self._path + ".new", self._path)
            sync_folder()


def sync_folder():
    folder = os.open(FOLDER, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def remove(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def check_room():
    volume = os.statvfs(VOLUME)
    free = volume.f_bavail * volume.f_frsize
    if free < ROOM:
        raise NotSaved("%d MiB are free on the volume, and %d are needed" % (free >> 20, ROOM >> 20))


def new_name(timeline, position):
    """A file that is there is never replaced: a second one of the same fork may have less."""
    base = name = "%d-%s" % (timeline, position.replace("/", "-"))
    number = 1
    while os.path.exists("%s/%s.jsonl" % (FOLDER, name)):
        number += 1
        name = "%s-%d" % (base, number)
    return name + ".jsonl"


def list_files():
    """Names of the files, with their headers and numbers of changes."""
    found = []
    for name in sorted(os.listdir(FOLDER)) if os.path.isdir(FOLDER) else []:
        if name.endswith(".jsonl"):
            with open(FOLDER + "/" + name, "rb") as file:
                header = json.loads(file.readline())
                file.seek(max(0, os.fstat(file.fileno()).st_size - 64))
                found.append((name, header, json.loads(file.read().splitlines()[-1])["end"]))
    return found


def replace(path, text):
    """Whether there is room for it."""
    try:
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.rename(path + ".new", path)
        return True
    except OSError as error:
        log("%s cannot be written: %s" % (path, error))
        remove(path + ".new")
        return False


def tell_files():
    """Writes what volume.py tells the operator."""
    if not os.path.isdir(FOLDER):
        return
    files = [{"file": name, "at": header["at"], "count": count} for name, header, count in list_files()]
    replace(STATE, json.dumps({"count": sum(file["count"] for file in files), "files": files[-TOLD_FILES:]}))


def tell(waits=None):
    """That this process saves, and why it waits."""
    replace(RUNNING, json.dumps({"pid": os.getpid(), "waits": waits and waits[:300]}))


def read_waits():
    """Why a process waits; None: none does. One that was killed waits no more."""
    try:
        with open(RUNNING, encoding="utf-8") as file:
            state = json.load(file)
        with open("/proc/%d/cmdline" % state["pid"], "rb") as file:
            return state["waits"] if b"pg_rewind" in file.read() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


# ---- In the place of pg_rewind ----


def save(data, source, dry_run):
    """Saves what the rewind would discard."""
    is_compared, text = compare(data, dry_run)
    fork, common = find_fork(text), find_common(text)
    if fork and read_done() == describe(data, *fork):
        # A rewind that was broken off since has left a mixture of both.
        log("what only this member had since %s is saved already, or discarded" % fork[0])
        return
    if not is_compared:
        # Nobody knows whether the rewind would fail as well. Without the source it would.
        with connect_source(source):
            pass
        raise NotSaved("the two cannot be compared: %s" % text.strip()[-300:])
    if fork is None or common is None:
        log("pg_rewind would rewind nothing")
        return
    position, timeline = fork
    os.makedirs(FOLDER, mode=0o700, exist_ok=True)
    for name in os.listdir(FOLDER):
        if name.endswith(".new"):
            remove(FOLDER + "/" + name)
    check_room()
    changes = read_log(data, position, timeline, common)
    log("the histories part at %s on timeline %d. Since then %d transactions have committed here" % (position, timeline, len(changes.committed)))
    if changes.committed:
        save_changes(data, source, position, timeline, changes)
    if not replace(DONE, describe(data, position, timeline)):
        raise NotSaved("there is no room to remember that everything is saved")
    sync_folder()


def save_changes(data, source, position, timeline, changes):
    name = new_name(timeline, position)
    header = {"saved": 1, "member": os.environ.get("MEMBER_NAME", ""), "timeline": timeline, "fork": position, "at": now()}
    file = File(name, header)
    is_whole = False
    try:
        with Server(data) as server:
            with server.connect("postgres") as connection:
                wait_replayed(connection, changes.last_commit)
                databases = query(connection, "SELECT oid::bigint, datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname")
            with connect_source(source) as connection:
                others = {name for (name,) in query(connection, "SELECT datname FROM pg_database WHERE datallowconn")}
            for number, database in databases:
                if not changes.has_older and not any(key[0] == number for key in changes.blocks):
                    continue
                with server.connect(database) as here:
                    if database not in others:
                        Saver(database, here, None, number, changes, file.add).save()
                        continue
                    with connect_source(source, database) as there:
                        Saver(database, here, there, number, changes, file.add).save()
        is_whole = True
    finally:
        file.close(is_whole)
    log("%d changes are saved%s" % (file.count, " in %s/%s" % (FOLDER, name) if file.count else ", since nothing differs"))


def compare(data, dry_run):
    """Whether pg_rewind could compare the two, and what it says."""
    for is_second in (False, True):
        trial = subprocess.run(dry_run, capture_output=True, text=True, errors="replace", timeout=TRIAL)
        text = trial.stdout + trial.stderr
        if is_second or trial.returncode == 0 or "must be shut down cleanly" not in text:
            return trial.returncode == 0, text
        # pg_rewind itself would end it in order, and rewind it then.
        with Server(data):
            pass
    raise AssertionError("unreachable")


def describe(data, position, timeline):
    """What the member's data is. Whoever commits something more and stops in order writes another checkpoint; a rewind that is broken off writes none."""
    control = read_control(data)
    names = ("Database system identifier", "Latest checkpoint location", "Latest checkpoint's TimeLineID")
    return json.dumps([position, timeline] + [control[name] for name in names])


def read_done():
    try:
        with open(DONE, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def connect_source(source, database=None):
    try:
        return psycopg.connect(
            source,
            **({"dbname": database} if database else {}),
            autocommit=True,
            connect_timeout=10,
            # One that is cut off says nothing.
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=ANSWER * 1000,
            options="%s -c statement_timeout=%ds" % (SAFE, ANSWER),
        )
    except psycopg.OperationalError as error:
        raise SourceAway(str(error)) from error


def wait_replayed(connection, position):
    """A member that was a replica replays its log up to its end first."""
    deadline = time.monotonic() + START
    while query(connection, "SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() <= %s::pg_lsn", position)[0][0]:
        if time.monotonic() > deadline:
            raise NotSaved("the database does not replay its log up to %s" % position)
        time.sleep(0.05)


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def find_real():
    """PostgreSQL's own program, behind this one."""
    own = os.path.realpath(__file__)
    for folder in os.environ.get("PATH", "").split(":"):
        path = os.path.join(folder, "pg_rewind")
        if os.path.isfile(path) and os.access(path, os.X_OK) and os.path.realpath(path) != own and not os.path.samefile(path, __file__):
            return path
    raise FileNotFoundError("pg_rewind")


def option(arguments, name):
    return arguments[arguments.index(name) + 1] if name in arguments[:-1] else None


def rewind(arguments):
    real = find_real()
    data, source = option(arguments, "-D"), option(arguments, "--source-server")
    if data and source and "--dry-run" not in arguments and os.path.exists(MARKER):
        if not save_or_wait(data, source, [real, *arguments, "--dry-run"]):
            return 1
    os.execv(real, [real, *arguments])


def save_or_wait(data, source, dry_run):
    """Returns once all is saved, or a person has discarded it; whether the rewind may go on."""
    global psycopg
    import psycopg
    import psycopg.types.json

    psycopg.types.json.set_json_loads(loads)
    remove(DISCARD)
    tell()
    try:
        while True:
            try:
                save(data, source, dry_run)
                return True
            except SourceAway as error:
                log("the primary does not answer: %s" % error)
                return False
            # Whatever it is: a rewind, or another copy, would discard what is not saved.
            except Exception as error:
                why = str(error).strip() or repr(error)
                log("what only this member has cannot be saved, so that it waits: %s" % why)
                tell(why)
            until = time.monotonic() + AGAIN
            while time.monotonic() < until:
                if os.path.exists(DISCARD):
                    log("a person has discarded what only this member has")
                    discard(data, dry_run)
                    return True
                time.sleep(0.5)
    finally:
        tell_files()
        remove(DISCARD)
        remove(RUNNING)


def discard(data, dry_run):
    """Remembers it, so that a rewind that is broken off and tried again does not wait again."""
    try:
        trial = subprocess.run(dry_run, capture_output=True, text=True, errors="replace", timeout=TRIAL)
        if fork := find_fork(trial.stdout + trial.stderr):
            os.makedirs(FOLDER, mode=0o700, exist_ok=True)
            replace(DONE, describe(data, *fork))
    except (OSError, KeyError, subprocess.SubprocessError) as error:
        log("the discarding cannot be remembered: %s" % error)


# ---- Import ----


LINK_COLUMNS = "short_code, original_url, user_id, created_at, expires_at, click_count, last_accessed_at, is_active, metadata, redirect_type, version"
LINK_VALUES = ", ".join("r." + name for name in LINK_COLUMNS.split(", "))
INSERT_LINK_SQL = f"""
    WITH r AS (SELECT * FROM jsonb_populate_record(NULL::urls, %s::jsonb)),
    claimed AS (
        INSERT INTO kgs_keys AS k (short_code, is_used, used_at, batch_id) SELECT r.short_code, true, r.created_at, 0 FROM r
        ON CONFLICT (short_code) DO UPDATE SET is_used = true, used_at = excluded.used_at WHERE NOT k.is_used RETURNING k.short_code
    ), stored AS (INSERT INTO urls ({LINK_COLUMNS}) SELECT {LINK_VALUES} FROM r JOIN claimed USING (short_code) RETURNING short_code, version, user_id),
    counted AS (INSERT INTO user_link_counts (user_id, links) SELECT user_id, 1 FROM stored WHERE user_id IS NOT NULL),
    logged AS (INSERT INTO link_changes (short_code, version) SELECT short_code, version FROM stored)
    SELECT count(*) FROM stored
    """
CHANGE_LINK_SQL = """
    WITH r AS (SELECT * FROM jsonb_populate_record(NULL::urls, %s::jsonb)),
    changed AS (
        UPDATE urls u SET original_url = r.original_url, expires_at = r.expires_at, is_active = r.is_active, redirect_type = r.redirect_type,
            metadata = r.metadata, version = r.version
        FROM r WHERE u.short_code = r.short_code AND u.created_at = r.created_at AND u.version = %s RETURNING u.short_code, u.version
    ), logged AS (INSERT INTO link_changes (short_code, version) SELECT short_code, version FROM changed)
    SELECT count(*) FROM changed
    """
DELETE_LINK_SQL = """
    WITH r AS (SELECT * FROM jsonb_populate_record(NULL::urls, %s::jsonb)),
    changed AS (
        DELETE FROM urls u USING r WHERE u.short_code = r.short_code AND u.created_at = r.created_at AND u.version = %s
        RETURNING u.short_code, u.version + 1 AS version
    ), logged AS (INSERT INTO link_changes (short_code, version) SELECT short_code, version FROM changed),
    buried AS (INSERT INTO deleted_links (short_code) SELECT short_code FROM changed ON CONFLICT DO NOTHING)
    SELECT count(*) FROM changed
    """
INSERT_USER_SQL = """
    INSERT INTO users (email, api_key, tier, rate_limit, created_at, last_active_at, deleted_at, quota_bytes)
    SELECT r.email, r.api_key, r.tier, r.rate_limit, r.created_at, r.last_active_at, r.deleted_at, r.quota_bytes
    FROM jsonb_populate_record(NULL::users, %s::jsonb) r
    ON CONFLICT DO NOTHING RETURNING id
    """
# Not a batch that is counted here already.
INSERT_BATCH_SQL = """
    WITH r AS (SELECT * FROM jsonb_populate_record(NULL::click_inbox, %s::jsonb)),
    begun AS (INSERT INTO click_batches (id) SELECT batch FROM r ON CONFLICT DO NOTHING RETURNING id),
    stored AS (
        INSERT INTO click_inbox (batch, clicks, first_at, packed) SELECT r.batch, r.clicks, r.first_at, r.packed FROM r JOIN begun ON begun.id = r.batch
        ON CONFLICT DO NOTHING RETURNING 1
    )
    SELECT count(*) FROM stored
    """
# Whether a text is in its row or in click_texts may differ between two databases that folded the same batch.
TEXTS_OF_CLICKS = {"referrer", "user_agent", "referrer_id", "agent_id"}
IMPORTED, PRESENT, REFUSED = "imported", "there already", "left out"
CHANGED = "it was changed, and is there with other values"


OWNER_SQL = """
    SELECT r.rolsuper FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner
    WHERE n.nspname = %s AND c.relname = %s AND c.relkind IN ('r', 'p')
    """


class Importer:
    """Brings entries into a database: what does not conflict, and nothing twice."""

    def __init__(self, connection, is_app):
        self._connection = connection
        self._is_app = is_app
        # Numbers of users who came with the file: here they have others.
        self._users = {}

    def add(self, entry):
        """What became of an entry, and why."""
        schema, table, row = entry.get("schema", "public"), entry["table"], dict(entry["row"])
        if entry["op"] == UNREAD:
            return REFUSED, "it stands for a table that was not saved"
        # A superuser brings it in, who must not call the triggers of others.
        if not self._is_app and self._ask(OWNER_SQL, schema, table) != [(True,)]:
            return REFUSED, "its table is not there, or belongs to a role that is no superuser"
        if not self._is_app or schema != "public":
            return self._add_row(schema, table, row) if entry["op"] == "insert" else (REFUSED, CHANGED)
        if table == "urls":
            return self._add_link(entry["op"], entry.get("base"), row)
        if table == "users":
            return self._add_user(entry["op"], row)
        if entry["op"] != "insert":
            return REFUSED, CHANGED
        if row.get("user_id") is not None and table == "idempotency_keys":
            row["user_id"] = self._users.get(row["user_id"], row["user_id"])
        if table == "click_events":
            return self._add_click(row)
        if table == "click_inbox":
            return self._store(INSERT_BATCH_SQL, row)
        # Its number comes from a sequence, and tells processes what they have not read yet.
        row = {name: value for name, value in row.items() if name not in VOLATILE.get(table, set())}
        return self._add_row(schema, table, row)

    def _ask(self, text, *parameters):
        return query(self._connection, text, *parameters)

    def _add_link(self, op, base, row):
        user = row.get("user_id")
        row["user_id"] = self._users.get(user, user)
        text = dumps(row)
        if user is not None and op != "delete" and not self._ask("SELECT FROM users WHERE id = %s", row["user_id"]):
            return REFUSED, "its user is not there"
        statement = {"insert": INSERT_LINK_SQL, "change": CHANGE_LINK_SQL, "delete": DELETE_LINK_SQL}[op]
        if self._ask(statement, text, *([] if op == "insert" else [base]))[0][0]:
            return IMPORTED, None
        there = self._ask("SELECT to_jsonb(u) FROM urls u WHERE short_code = %s", row["short_code"])
        if op != "insert" and base is None and there:
            return REFUSED, "nobody knows which version it had before"
        if op == "delete":
            return (REFUSED, "it was changed there") if there else (PRESENT, None)
        if not there:
            return REFUSED, "its code was used there and deleted" if op == "insert" else "it was deleted there"
        if not differs("urls", row, there[0][0]):
            return PRESENT, None
        return REFUSED, "its code is another link there" if op == "insert" else "it was changed there"

    def _add_user(self, op, row):
        added = self._ask(INSERT_USER_SQL, dumps(row)) if op == "insert" else []
        if added:
            self._users[row["id"]] = added[0][0]
            return IMPORTED, None
        there = self._ask("SELECT to_jsonb(u) FROM users u WHERE email = %s", row["email"])
        # Who has another number here is another user, unless both were created at the same moment. Links of this number must not become those of somebody else.
        is_same = there and there[0][0]["created_at"] == row["created_at"]
        self._users[row["id"]] = there[0][0]["id"] if is_same else -1
        if is_same and not differs("users", row, there[0][0]):
            return PRESENT, None
        return REFUSED, CHANGED if is_same else "the address or the key is that of another user there"

    def _add_click(self, row):
        columns = [name for name in row if name != "id"]
        names = ", ".join(quote_in(name) for name in columns)
        same = " AND ".join("c.%s IS NOT DISTINCT FROM r.%s" % (quote_in(name), quote_in(name)) for name in columns if name not in TEXTS_OF_CLICKS)
        return self._store(
            "WITH r AS (SELECT * FROM jsonb_populate_record(NULL::click_events, %%s::jsonb)), s AS (INSERT INTO click_events (%s) SELECT %s FROM r"
            " WHERE NOT EXISTS (SELECT FROM click_events c WHERE c.short_code = r.short_code AND c.clicked_at = r.clicked_at AND %s) RETURNING 1)"
            " SELECT count(*) FROM s" % (names, names, same),
            row,
        )

    def _add_row(self, schema, table, row):
        table = quote_in(schema, table)
        names = ", ".join(quote_in(name) for name in row)
        return self._store(
            "WITH r AS (SELECT * FROM jsonb_populate_record(NULL::%s, %%s::jsonb)), s AS (INSERT INTO %s (%s) SELECT %s FROM r"
            " WHERE NOT EXISTS (SELECT FROM %s t WHERE to_jsonb(t.*) = to_jsonb(r.*)) ON CONFLICT DO NOTHING RETURNING 1) SELECT count(*) FROM s"
            % (table, table, names, names, table),
            row,
        )

    def _store(self, statement, row):
        return (IMPORTED, None) if self._ask(statement, dumps(row))[0][0] else (PRESENT, None)


def connect_app():
    """As the app, so that what its tables do is done with its rights. Of its two roles, one may log in."""
    try:
        return connect_own("shortener", DATABASE)
    except psycopg.OperationalError:
        return connect_own("shortener_2", DATABASE)


def connect_own(role, database):
    options = "-c lock_timeout=%ds -c statement_timeout=%ds" % (WAIT, ANSWER)
    if role == "postgres":
        options += " " + SAFE
    return psycopg.connect(host=SOCKETS, user=role, dbname=database, connect_timeout=10, autocommit=True, options=options)


def connect_importer(database):
    """A connection to a database, and what brings entries into it; None: there is no such database."""
    if database == DATABASE:
        connection = connect_app()
        return connection, Importer(connection, True)
    with connect_own("postgres", "postgres") as connection:
        if not query(connection, "SELECT FROM pg_database WHERE datname = %s", database):
            return None, None
    connection = connect_own("postgres", database)
    return connection, Importer(connection, False)


def import_file(lines):
    """Reads a file and brings it into the database of this member, which must be the primary. Prints what was left out."""
    psycopg.types.json.set_json_loads(loads)
    header = json.loads(next(lines))
    if not isinstance(header, dict) or header.get("saved") != 1:
        raise ValueError("this is no file of saved changes")
    counts, importers, is_whole = {}, {}, False
    try:
        for line in lines:
            entry = loads(line)
            if is_whole := "end" in entry:
                break
            database = entry["database"]
            if database not in importers:
                importers[database] = connect_importer(database)
            connection, importer = importers[database]
            try:
                if importer is None:
                    outcome, why = REFUSED, "there is no such database there"
                else:
                    with connection.transaction():
                        outcome, why = importer.add(entry)
            except psycopg.Error as error:
                # The connection is lost, or the member may not write: that says nothing about the entry.
                if connection.closed or isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
                    raise
                outcome, why = REFUSED, str(error).strip()
            counts[outcome] = counts.get(outcome, 0) + 1
            if outcome == REFUSED:
                print(dumps({"why": why, **entry}))
    finally:
        for connection, _ in importers.values():
            if connection is not None:
                connection.close()
        log(", ".join("%d %s" % (counts.get(outcome, 0), outcome) for outcome in (IMPORTED, PRESENT, REFUSED)))
    if not is_whole:
        raise ValueError("the file has no end, so that a part of it is missing. Copy it again, and import it again")
    return 0


def path_of(name):
    path = FOLDER + "/" + os.path.basename(name)
    if not path.endswith(".jsonl") or not os.path.isfile(path):
        raise ValueError("there is no file %s; see shortener-saved list" % name)
    return path


def command(arguments):
    global psycopg
    import psycopg
    import psycopg.types.json

    match arguments:
        case ["list"]:
            for name, header, count in list_files():
                print("%s\t%s\t%d" % (name, header["at"], count))
            if waits := read_waits():
                print("Waits: %s" % waits)
        case ["show", name]:
            with open(path_of(name), encoding="utf-8") as file:
                shutil.copyfileobj(file, sys.stdout)
        case ["import", "-"]:
            return import_file(iter(sys.stdin))
        case ["import", name]:
            with open(path_of(name), encoding="utf-8") as file:
                return import_file(file)
        case ["remove", name]:
            os.unlink(path_of(name))
            tell_files()
        case ["discard"]:
            if not read_waits():
                raise ValueError("nothing waits")
            with open(DISCARD, "w", encoding="ascii"):
                pass
        case _:
            print("shortener-saved list | show FILE | import FILE | import - | remove FILE | discard", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    if IS_REWIND:
        sys.exit(rewind(sys.argv[1:]))
    try:
        sys.exit(command(sys.argv[1:]))
    except (OSError, ValueError, KeyError, StopIteration, psycopg.Error) as failure:
        log(str(failure).strip() or repr(failure))
        sys.exit(1)
