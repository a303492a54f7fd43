#!/opt/patroni/bin/python3
"""Saves what only a former primary has, before it is discarded; and brings it into the primary of now. The image has it under two names.

As pg_rewind it stands before PostgreSQL's program on the PATH, so that whatever rewinds a member comes by. A member that belongs to a group of regions
(docs/write-guard.md) may have acknowledged writes that nobody else got, and a rewind takes them away. They are written to a file on the member's volume,
outside of the database; then the rewind goes on. If they cannot be saved, the member waits: without PostgreSQL, until there is room, or until a person
discards them.

As shortener-saved it lists the files, shows one, imports one and removes one (docs/roles.md, "Saved changes").

What only this member has: rows on the pages that its log has changed since its history left that of the source, written by transactions that have committed
since, which the source lacks or has with other values. Deletions of links are in the app's log of changes. The member's database is read by a server that
nobody else reaches.
"""

import ctypes
import datetime
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
# What volume.py tells in an annotation of the pod.
STATE = FOLDER + "/.state"
# A person lets the rewind go on although nothing is saved.
DISCARD = FOLDER + "/.discard"
SOCKETS = "/run/postgresql"
DATABASE = "shortener"
# The write guard leaves a server of this name alone (is_server in guard.py).
SERVER = "saving"

# Seconds.
START = 120
ANSWER = 60
TRIAL = 600
AGAIN = 15
# Bytes that stay free: PostgreSQL needs room for its log.
ROOM = 48 << 20
BATCH = 500
TOLD_FILES = 8

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
    "click_salts",
    "click_hours",
    "click_days",
    "click_day_values",
}
# How rows are found in the other database. Numbers that come from a sequence mean other rows there.
KEYS = {"urls": ["short_code"], "users": ["email"], "click_events": []}
# What may differ: sums that are folded in now and then, and numbers of sequences.
VOLATILE = {"urls": {"id", "click_count", "last_accessed_at"}, "users": {"id", "urls_created", "last_active_at", "stored_bytes"}}
# Users before their links, links before the answers about them.
ORDER = {"users": 0, "urls": 1, "idempotency_keys": 2, "click_events": 3}


IS_REWIND = os.path.basename(sys.argv[0]) == "pg_rewind"


class NotSaved(Exception):
    """What was written could not be saved."""


class SourceAway(Exception):
    """The other primary does not answer. The rewind would fail as well."""


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


def find_parts(fork, timeline, latest, history):
    """Parts of the log since the fork: timeline, beginning and end; None: up to its end. history: the member's own, of its latest timeline."""
    parts, begin = [], fork
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


class Changes:
    """What a part of the log has changed."""

    def __init__(self):
        # (Number of the database, of the file) to blocks.
        self.blocks = {}
        self.committed = set()
        # Positions of the last record, and of the last commit.
        self.last = self.last_commit = None

    def add(self, line):
        found = RECORD.match(line)
        if not found:
            return
        manager, transaction, self.last, description = found.groups()
        if manager == "Transaction" and description.startswith("COMMIT "):
            self.last_commit = self.last
            self.committed.add(int(transaction))
            inner = re.search(r"subxacts: ([\d ]+)", description)
            if inner:
                self.committed.update(int(number) for number in inner.group(1).split())
        elif manager in ("Heap", "Heap2"):
            for database, file, fork, block in BLOCK.findall(description):
                if not fork or fork == "main":
                    self.blocks.setdefault((int(database), int(file)), set()).add(int(block))


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


def find_links(rows, there, logged, claimed):
    """Entries of links.

    rows: those of this member by code. there: those of the source. logged: lowest number of a change of this member by code; the one before it is that of the
    link before all of them. claimed: codes that this member has given to links. A code without a row here was deleted.
    """
    for code in sorted(rows.keys() | logged.keys()):
        here, other = rows.get(code), there.get(code)
        base = logged[code] - 1 if code in logged else None
        if here is None:
            # What was created and deleted since is nowhere.
            if other is not None:
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
            elif base is not None:
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
                self._process.wait(START)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _words(self):
        with open(self._folder + "/log", encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file if "FATAL" in line or "PANIC" in line]
        return lines[-1][-300:] if lines else None

    def connect(self, database):
        return psycopg.connect(host=self._folder, dbname=database, user="postgres", autocommit=True, connect_timeout=10, application_name=SERVER)


def query(connection, text, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(text, parameters or None)
        return cursor.fetchall()


def read_log(data, fork, timeline):
    """What this member's log has since the fork."""
    control = run(["pg_controldata", "-D", data]).stdout
    latest = int(re.search(r"Latest checkpoint's TimeLineID:\s+(\d+)", control).group(1))
    checkpoint = re.search(r"Latest checkpoint location:\s+(\S+)", control).group(1)
    history = ""
    if latest != timeline:
        with open("%s/pg_wal/%08X.history" % (data, latest), encoding="ascii") as file:
            history = file.read()
    changes = Changes()
    for number, begin, end in find_parts(fork, timeline, latest, history):
        command = ["pg_waldump", "-p", data + "/pg_wal", "-t", str(number), "-s", begin] + (["-e", end] if end else [])
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace") as process:
            for line in process.stdout:
                changes.add(line)
            words = process.stderr.read()
        # It complains of the end of the log, always.
        if end and process.returncode != 0:
            raise NotSaved("the log since %s cannot be read: %s" % (fork, words.strip()[-300:]))
    # Whoever stopped in order wrote a checkpoint last. Without it a part of the log is missing.
    if parse_lsn(checkpoint) > parse_lsn(fork) and (changes.last is None or parse_lsn(changes.last) < parse_lsn(checkpoint)):
        raise NotSaved("the log since %s ends at %s, before %s" % (fork, changes.last, checkpoint))
    return changes


def run(command):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=ANSWER, errors="replace")


TABLES_SQL = """
    SELECT pg_relation_filenode(c.oid), c.oid, coalesce(pg_partition_root(c.oid), c.oid), n.nspname, r.relname,
        ARRAY(
            SELECT a.attname::text FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY k (number, place)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
            WHERE i.indrelid = r.oid AND i.indisprimary ORDER BY k.place
        )
    FROM pg_class c JOIN pg_class r ON r.oid = coalesce(pg_partition_root(c.oid), c.oid) JOIN pg_namespace n ON n.oid = r.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    """


def quote(*names):
    return ".".join('"%s"' % name.replace('"', '""') for name in names)


class Saver:
    """Reads one database of this member, and the same one of the source."""

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
            if blocks:
                tables.setdefault((root, schema, table, tuple(keys)), []).append((leaf, blocks))
        is_app = self._name == DATABASE
        logged, claimed = {}, set()
        for (_, schema, table, _), leaves in tables.items():
            if is_app and (schema, table) == ("public", "link_changes"):
                for row in self._read(leaves):
                    logged[row["short_code"]] = min(row["version"], logged.get(row["short_code"], row["version"]))
            elif is_app and (schema, table) == ("public", "kgs_keys"):
                claimed.update(row["short_code"] for row in self._read(leaves) if row["is_used"])
        order = sorted(tables.items(), key=lambda one: (ORDER.get(one[0][2], 9) if is_app else 0, one[0][1:3]))
        has_links = False
        for (_, schema, table, keys), leaves in order:
            if is_app and schema == "public":
                if table in KEPT_OUT:
                    continue
                if table == "urls":
                    has_links = True
                    self._save_links(leaves, logged, claimed)
                    continue
                keys = tuple(KEYS.get(table, keys))
            self._save_rows(schema, table, keys, leaves)
        if logged and not has_links:
            self._save_links([], logged, claimed)

    def _read(self, leaves):
        """Rows that transactions have written since the fork."""
        for leaf, blocks in leaves:
            [[name]] = query(self._here, "SELECT %s::oid::regclass::text", leaf)
            for first, end in find_ranges(blocks):
                for begin in range(first, end, 64):
                    text = "SELECT t.xmin::text, to_jsonb(t) FROM %s t WHERE t.ctid >= '(%d,0)' AND t.ctid < '(%d,0)'" % (name, begin, min(begin + 64, end))
                    for transaction, row in query(self._here, text):
                        if int(transaction) in self._changes.committed:
                            yield row

    def _find_there(self, schema, table, keys, rows):
        """Rows of the source with the same key, by that."""
        found = {}
        joined = " AND ".join("a.%s = b.%s" % (quote(key), quote(key)) for key in keys)
        for first in range(0, len(rows), BATCH):
            part = [{key: row[key] for key in keys} for row in rows[first : first + BATCH]]
            text = "SELECT to_jsonb(b) FROM jsonb_populate_recordset(NULL::%s, %%s::jsonb) a JOIN %s b ON %s" % (
                quote(schema, table),
                quote(schema, table),
                joined,
            )
            for (row,) in ask_source(self._there, text, json.dumps(part)):
                found[tuple(json.dumps(row[key]) for key in keys)] = row
        return found

    def _save_rows(self, schema, table, keys, leaves):
        name = table if schema == "public" else schema + "." + table
        batch = []

        def flush():
            there = self._find_there(schema, table, keys, batch) if keys else {}
            for row in batch:
                other = there.get(tuple(json.dumps(row[key]) for key in keys)) if keys else None
                if other is None or differs(table, row, other):
                    self._emit({"database": self._name, "table": name, "op": "insert" if other is None else "change", "row": row})
            batch.clear()

        for row in self._read(leaves):
            batch.append(row)
            if len(batch) >= BATCH:
                flush()
        if batch:
            flush()

    def _save_links(self, leaves, logged, claimed):
        rows = {row["short_code"]: row for row in self._read(leaves)}
        # A link whose change is logged has a row that was written since, or none.
        codes = [{"short_code": code} for code in rows.keys() | logged.keys()]
        there = {row["short_code"]: row for row in self._find_there("public", "urls", ("short_code",), codes).values()}
        for entry in find_links(rows, there, logged, claimed):
            self._emit({"database": self._name, "table": "urls", **entry})


def ask_source(connection, text, *parameters):
    try:
        return query(connection, text, *parameters)
    except psycopg.errors.UndefinedTable:
        # The source has never had it, or has dropped it: it has none of its rows.
        return []
    except psycopg.OperationalError as error:
        raise SourceAway(str(error)) from error


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
        line = json.dumps(entry, ensure_ascii=False) + "\n"
        self._unchecked -= len(line)
        if self._unchecked < 0:
            check_room()
            self._unchecked = 1 << 20
        self._file.write(line)
        self.count += 1

    def close(self, is_whole):
        try:
            if is_whole and self.count > 0:
                self._file.flush()
                os.fsync(self._file.fileno())
        finally:
            self._file.close()
        if is_whole and self.count > 0:
            os.rename(self._path + ".new", self._path)
            sync_folder()
        else:
            remove(self._path + ".new")


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


def list_files():
    """Names of the files, with their headers and numbers of changes."""
    found = []
    for name in sorted(os.listdir(FOLDER)) if os.path.isdir(FOLDER) else []:
        if name.endswith(".jsonl"):
            with open(FOLDER + "/" + name, encoding="utf-8") as file:
                header = json.loads(file.readline())
                found.append((name, header, sum(1 for _ in file)))
    return found


def tell(waits=None):
    """Writes what volume.py tells the operator."""
    files = [{"file": name, "at": header["at"], "count": count} for name, header, count in list_files()]
    state = {"count": sum(file["count"] for file in files), "files": files[-TOLD_FILES:]}
    if waits:
        state["waits"] = waits[:300]
    # In place if there is no room for another file.
    try:
        with open(STATE + ".new", "w", encoding="utf-8") as file:
            json.dump(state, file)
        os.rename(STATE + ".new", STATE)
    except OSError as error:
        log("the state cannot be written: %s" % error)


def read_state():
    try:
        with open(STATE, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


# ---- In the place of pg_rewind ----


def save(data, source, dry_run):
    """Saves what the rewind would discard."""
    os.makedirs(FOLDER, mode=0o700, exist_ok=True)
    check_room()
    trial = subprocess.run(dry_run, capture_output=True, text=True, errors="replace", timeout=TRIAL)
    fork = find_fork(trial.stdout + trial.stderr)
    if fork is None:
        # Nothing is discarded, or the rewind fails as well and says why.
        log("pg_rewind would rewind nothing: %s" % (trial.stderr or trial.stdout).strip()[-300:])
        return
    position, timeline = fork
    changes = read_log(data, position, timeline)
    log("the histories part at %s on timeline %d. Since then %d transactions have committed here" % (position, timeline, len(changes.committed)))
    if not changes.committed:
        return
    name = "%d-%s.jsonl" % (timeline, position.replace("/", "-"))
    header = {"saved": 1, "member": os.environ.get("MEMBER_NAME", ""), "timeline": timeline, "fork": position, "at": now()}
    file = File(name, header)
    is_whole = False
    try:
        with Server(data) as server:
            with server.connect("postgres") as connection:
                wait_replayed(connection, changes.last_commit)
                databases = query(connection, "SELECT oid::bigint, datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname")
            for number, database in databases:
                if not any(key[0] == number for key in changes.blocks):
                    continue
                with server.connect(database) as here, connect_source(source, database) as there:
                    Saver(database, here, there, number, changes, file.add).save()
        is_whole = True
    finally:
        file.close(is_whole)
    log("%d changes are saved%s" % (file.count, " in %s/%s" % (FOLDER, name) if file.count else ", since nothing differs"))


def connect_source(source, database):
    try:
        return psycopg.connect(source, dbname=database, autocommit=True, connect_timeout=10, options="-c statement_timeout=%ds" % ANSWER)
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

    remove(DISCARD)
    while True:
        try:
            save(data, source, dry_run)
            tell()
            return True
        except SourceAway as error:
            log("the primary does not answer: %s" % error)
            return False
        except (NotSaved, OSError, ValueError, KeyError, AttributeError, subprocess.SubprocessError, psycopg.Error) as error:
            why = str(error).strip() or repr(error)
            log("what only this member has cannot be saved, so that it waits: %s" % why)
            tell(why)
        until = time.monotonic() + AGAIN
        while time.monotonic() < until:
            if os.path.exists(DISCARD):
                log("a person has discarded what only this member has")
                remove(DISCARD)
                tell()
                return True
            time.sleep(0.5)


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
IMPORTED, PRESENT, REFUSED = "imported", "there already", "left out"


class Importer:
    """Brings entries into a database: what does not conflict, and nothing twice."""

    def __init__(self, connection):
        self._connection = connection
        # Numbers of users who came with the file: here they have others.
        self._users = {}

    def add(self, entry):
        """What became of an entry, and why."""
        table, row = entry["table"], dict(entry["row"])
        if table == "urls":
            return self._add_link(entry["op"], entry.get("base"), row)
        if entry["op"] != "insert":
            return REFUSED, "it was changed, and is there with other values"
        if table == "users":
            return self._add_user(row)
        if row.get("user_id") is not None and table == "idempotency_keys":
            row["user_id"] = self._users.get(row["user_id"], row["user_id"])
        if table == "click_events":
            return self._add_click(row)
        return self._add_row(table, row)

    def _ask(self, text, *parameters):
        return query(self._connection, text, *parameters)

    def _add_link(self, op, base, row):
        user = row.get("user_id")
        row["user_id"] = self._users.get(user, user)
        text = json.dumps(row)
        if user is not None and op != "delete" and not self._ask("SELECT FROM users WHERE id = %s", row["user_id"]):
            return REFUSED, "its user is not there"
        statement = {"insert": INSERT_LINK_SQL, "change": CHANGE_LINK_SQL, "delete": DELETE_LINK_SQL}[op]
        if self._ask(statement, text, *([] if op == "insert" else [base]))[0][0]:
            return IMPORTED, None
        there = self._ask("SELECT to_jsonb(u) FROM urls u WHERE short_code = %s", row["short_code"])
        if op == "delete":
            return (REFUSED, "it was changed there") if there else (PRESENT, None)
        if not there:
            return REFUSED, "its code was used there and deleted" if op == "insert" else "it was deleted there"
        if not differs("urls", row, there[0][0]):
            return PRESENT, None
        return REFUSED, "its code is another link there" if op == "insert" else "it was changed there"

    def _add_user(self, row):
        added = self._ask(INSERT_USER_SQL, json.dumps(row))
        if added:
            self._users[row["id"]] = added[0][0]
            return IMPORTED, None
        there = self._ask("SELECT to_jsonb(u) FROM users u WHERE email = %s", row["email"])
        if there and not differs("users", row, there[0][0]):
            self._users[row["id"]] = there[0][0]["id"]
            return PRESENT, None
        # Links of this number must not become those of somebody else.
        self._users[row["id"]] = -1
        return REFUSED, "the address or the key is that of another user there"

    def _add_click(self, row):
        columns = [name for name in row if name != "id"]
        names = ", ".join(quote(name) for name in columns)
        same = " AND ".join("c.%s IS NOT DISTINCT FROM r.%s" % (quote(name), quote(name)) for name in columns)
        return self._store(
            "WITH r AS (SELECT * FROM jsonb_populate_record(NULL::click_events, %%s::jsonb)), s AS (INSERT INTO click_events (%s) SELECT %s FROM r"
            " WHERE NOT EXISTS (SELECT FROM click_events c WHERE c.short_code = r.short_code AND c.clicked_at = r.clicked_at AND %s) RETURNING 1)"
            " SELECT count(*) FROM s" % (names, names, same),
            row,
        )

    def _add_row(self, table, row):
        schema, _, name = table.rpartition(".")
        table = quote(schema or "public", name)
        names = ", ".join(quote(name) for name in row)
        return self._store(
            "WITH r AS (SELECT * FROM jsonb_populate_record(NULL::%s, %%s::jsonb)), s AS (INSERT INTO %s (%s) SELECT %s FROM r"
            " WHERE NOT EXISTS (SELECT FROM %s t WHERE to_jsonb(t) = to_jsonb(r)) ON CONFLICT DO NOTHING RETURNING 1) SELECT count(*) FROM s"
            % (table, table, names, names, table),
            row,
        )

    def _store(self, statement, row):
        return (IMPORTED, None) if self._ask(statement, json.dumps(row))[0][0] else (PRESENT, None)


def connect_app():
    """As the app, so that what its tables do is done with its rights. Of its two roles, one may log in."""
    try:
        return connect_own("shortener", DATABASE)
    except psycopg.OperationalError:
        return connect_own("shortener_2", DATABASE)


def connect_own(role, database):
    return psycopg.connect(host=SOCKETS, user=role, dbname=database, connect_timeout=10, autocommit=True)


def import_file(lines):
    """Reads a file and brings it into the database of this member, which must be the primary. Prints what was left out."""
    header = json.loads(next(lines))
    if header.get("saved") != 1:
        raise ValueError("this is no file of saved changes")
    counts, importers = {}, {}
    try:
        for line in lines:
            entry = json.loads(line)
            database = entry["database"]
            if database not in importers:
                connection = connect_app() if database == DATABASE else connect_own("postgres", database)
                importers[database] = (connection, Importer(connection))
            connection, importer = importers[database]
            try:
                with connection.transaction():
                    outcome, why = importer.add(entry)
            except (psycopg.errors.IntegrityError, psycopg.errors.DataError, psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege) as error:
                outcome, why = REFUSED, str(error).strip()
            counts[outcome] = counts.get(outcome, 0) + 1
            if outcome == REFUSED:
                print(json.dumps({"why": why, **entry}, ensure_ascii=False))
    finally:
        for connection, _ in importers.values():
            connection.close()
    log(", ".join("%d %s" % (counts.get(outcome, 0), outcome) for outcome in (IMPORTED, PRESENT, REFUSED)))
    return 0


def path_of(name):
    path = FOLDER + "/" + os.path.basename(name)
    if not path.endswith(".jsonl") or not os.path.isfile(path):
        raise ValueError("there is no file %s; see shortener-saved list" % name)
    return path


def command(arguments):
    global psycopg
    import psycopg

    match arguments:
        case ["list"]:
            for name, header, count in list_files():
                print("%s\t%s\t%d" % (name, header["at"], count))
            if waits := read_state().get("waits"):
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
            tell()
        case ["discard"]:
            if not read_state().get("waits"):
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
