#!/usr/bin/python3
"""Runs pgBackRest for the operator: in the members' pods, and in the Jobs that back up, inspect, restore and rehearse.

A Job writes one line of JSON to the file in BACKUP_REPORT, at most 4096 bytes: Kubernetes passes it to the operator as the termination message of the
container. The operator decides; this program only reports what pgBackRest and PostgreSQL say.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback

CONFIG = os.environ.get("BACKUP_CONFIG", "/etc/pgbackrest/pgbackrest.conf")
STANZA = "main"
DATA = os.environ.get("BACKUP_DATA", "/var/lib/postgresql/data/pgroot")
CERTIFICATE = os.environ.get("BACKUP_CERTIFICATE", "/etc/postgres-tls/tls.crt")
SEGMENT = re.compile(r"^[0-9A-F]{24}$")
ARCHIVED = re.compile(r"/([0-9A-F]{24})-[0-9a-f]{40}")

# Limits of the report: it must fit into a termination message.
MAX_REPORT = 4096
MAX_BACKUPS = 12
MAX_RANGES = 20
MAX_TIMELINES = 20
MAX_ERROR = 700
# Of each of two errors in one message. The operator shows 400 characters.
MAX_PART = 170

# Files beside the data directory. Of a restore that has not ended: the folder may be removed and filled again. Of one that has: for whom, and its report.
UNFINISHED = "restore.unfinished"
FINISHED = "restore.finished"

# Whoever holds this lock uses the volume (patroni.sh).
LOCK = ".patroni.lock"
LOCK_LIMIT = float(os.environ.get("BACKUP_LOCK_LIMIT", "60"))

# What pgBackRest says when a storage is full, or when a quota is reached. 082: the segments of the backup do not reach the archive.
FULL = re.compile(r"\b507\b|Insufficient ?Storage|StorageFull|QuotaExceeded|No space left|unable to write|\[082\]")


class Failure(Exception):
    """An expected end with a message for the operator."""

    def __init__(self, reason, message):
        super().__init__(message)
        self.reason = reason


def backrest(*arguments, quiet=False):
    """Runs pgBackRest and returns its output."""
    command = ["pgbackrest", "--config=" + CONFIG, "--stanza=" + STANZA, "--log-level-file=off", "--log-level-stderr=warn"]
    command += ["--log-level-console=" + ("off" if quiet else "info")]
    run = subprocess.Popen(command + list(arguments), stdout=subprocess.PIPE if quiet else None, stderr=subprocess.PIPE, text=True)
    # A long backup tells of its progress while it runs. The output of the quiet ones has no errors, which are all that the other has.
    output, errors = "", ""
    try:
        output = run.stdout.read() if quiet else ""
        for line in run.stderr:
            errors += line
            print(line, end="", file=sys.stderr, flush=True)
        run.wait()
    except Failure:
        # It removes its locks, also those at the database.
        run.terminate()
        run.wait()
        raise
    if run.returncode != 0:
        words = last_error(errors, run.returncode)
        raise Failure("target" if "backup set with stop time less than" in words else "pgbackrest", "pgbackrest " + arguments[-1] + ": " + words)
    return output


def last_error(text, code):
    """The sentences of an error without times and prefixes."""
    lines = text.splitlines()
    start = next((index for index, line in enumerate(lines) if "ERROR: [" in line), None)
    if start is None:
        return "exit code %d" % code
    words = re.sub(r"^.*?ERROR: ", "", " ".join(line.strip() for line in lines[start:start + 6]))
    # What follows is the request and the answer, in full. The name of the error is what a storage has to say.
    name = re.search(r"<Code>(\w+)</Code>", text)
    words = words.split(" ***")[0] + (" " + name.group(1) if name and "***" in words else "")
    return words[:MAX_ERROR]


def ranges_of(segments):
    """Runs of consecutive segments of a timeline, as pairs of names."""
    found = []
    for name in sorted(segments):
        number = number_of(name)
        if found and found[-1][2] == (name[:8], number - 1):
            found[-1][1:] = [name, (name[:8], number)]
        else:
            found.append([name, name, (name[:8], number)])
    return [[first, last] for first, last, _ in found]


def list_archive():
    """Names of all segments and of the files with the history of timelines."""
    files = json.loads(backrest("--recurse", "--output=json", "repo-ls", "archive/" + STANZA, quiet=True))
    segments = {match.group(1) for match in (ARCHIVED.search("/" + name) for name in files) if match}
    return segments, sorted(name for name in files if name.endswith(".history"))


def timeline_of(name):
    """The timeline of a segment, or of a file with its history."""
    return int(name.split("/")[-1][:8], 16)


def number_of(segment):
    """The number of a segment, through all timelines. 256 segments of 16 MiB have the same middle part."""
    return int(segment[8:16], 16) * 256 + int(segment[16:], 16)


def inspect():
    """What the repository has: backups, runs of segments, and the history of the newest timeline."""
    stanza = json.loads(backrest("--output=json", "info", quiet=True))[0]
    backups = [
        [one["label"], one["timestamp"]["start"], one["timestamp"]["stop"], one["archive"]["start"], one["archive"]["stop"], one["info"]["repository"]["delta"]]
        for one in stanza.get("backup", [])
        if one["archive"]["start"] and not one.get("error")
    ]
    if len(backups) > MAX_BACKUPS:
        backups = backups[:MAX_BACKUPS // 2] + backups[-(MAX_BACKUPS // 2):]
    segments, histories = list_archive()
    history = []
    if histories:
        text = backrest("repo-get", "archive/" + STANZA + "/" + histories[-1], quiet=True)
        parents = [line.split("\t")[:2] for line in text.splitlines() if line.strip() and not line.startswith("#")]
        history = [[int(timeline), position] for timeline, position in parents][-MAX_TIMELINES:]
    return {
        "backups": backups,
        "wal": ranges_of(segments)[-MAX_RANGES:],
        "history": history,
        "timeline": timeline_of(histories[-1]) if histories else None,
    }


def back_up(kind):
    """Makes a backup of the member that PGBACKREST_PG1_HOST names, and reports what the repository has."""
    # Does nothing if the stanza is there, and fails if it is that of another database.
    backrest("stanza-create")
    began = time.time()
    try:
        backrest("--type=" + kind, "--start-fast", "backup")
    except Failure as failure:
        # pgBackRest removes old backups after one that has succeeded, which a full storage never lets happen.
        if FULL.search(str(failure)):
            try:
                backrest("expire")
            except Failure as other:
                # A storage may refuse even the small files that pgBackRest writes before it removes anything. Then only its owner can make room.
                words = "%s. Old backups could not be removed to make room: %s"
                raise Failure(failure.reason, words % (str(failure)[:MAX_PART].rstrip("."), str(other)[:MAX_PART])) from other
        raise
    return {"seconds": round(time.time() - began, 1), **inspect()}


# PostgreSQL takes any error for the end of the archive, and would go on without what it could not read. It stops at a code above 125. pgBackRest says 1 if the
# archive does not have the file.
FETCH = """
attempt=0
while :; do
    pgbackrest --config=%s --stanza=%s --pg1-path=%s --log-level-file=off --log-level-console=off --log-level-stderr=warn archive-get "$1" "$2"
    code=$?
    if [ $code -le 1 ]; then exit $code; fi
    attempt=$((attempt + 1))
    if [ $attempt -ge 6 ]; then exit 200; fi
    sleep ${BACKUP_FETCH_DELAY:-5}
done
"""


def start_scratch(folder):
    """Starts PostgreSQL on restored data: without a network, without archiving, and with nothing of the configuration that is among the data.

    Returns also the number of the segment in which the recovery ended.
    """
    scratch = os.environ.get("BACKUP_SCRATCH", "/tmp/restore")
    os.makedirs(scratch, mode=0o700, exist_ok=True)
    config, access, identities = (os.path.join(scratch, name) for name in ("postgresql.conf", "pg_hba.conf", "pg_ident.conf"))
    with open(config, "w", encoding="ascii") as file:
        file.write("listen_addresses = ''\nunix_socket_directories = '%s'\narchive_mode = off\nhot_standby = off\nssl = off\n" % scratch)
        file.write("logging_collector = off\nlog_destination = 'stderr'\nsynchronous_standby_names = ''\nprimary_conninfo = ''\n")
        file.write("hba_file = '%s'\nident_file = '%s'\nshared_buffers = 64MB\nlog_line_prefix = ''\n" % (access, identities))
    with open(access, "w", encoding="ascii") as file:
        file.write("local all all peer\n")
    with open(identities, "w", encoding="ascii"):
        pass
    fetch = os.path.join(scratch, "fetch")
    with open(fetch, "w", encoding="ascii") as file:
        file.write(FETCH % (CONFIG, STANZA, folder))
    log = os.path.join(scratch, "log")
    # What pgBackRest's restore wrote into postgresql.auto.conf is weaker than the command line.
    options = ["-c", "config_file=" + config, "-c", "restore_command=sh %s %%f \"%%p\"" % fetch]
    with open(log, "wb") as output:
        server = subprocess.Popen(["postgres", "-D", folder, *options], stdout=output, stderr=subprocess.STDOUT)
    try:
        # With hot_standby off it accepts connections once the recovery has ended, and not before.
        while subprocess.run(["pg_isready", "-q", "-h", scratch], check=False).returncode != 0:
            if server.poll() is not None:
                raise Failure(*why_ended(log))
            time.sleep(0.2)
    except Failure:
        if server.poll() is None:
            stop_scratch(server, signal.SIGQUIT)
        raise
    with open(log, encoding="utf-8", errors="replace") as file:
        text = file.read()
    print(text, end="", flush=True)
    end = re.findall(r"redo done at ([0-9A-F]+)/([0-9A-F]+)", text)
    return server, scratch, (int(end[-1][0], 16) * 2**32 + int(end[-1][1], 16)) // 2**24 if end else None


def why_ended(log):
    with open(log, encoding="utf-8", errors="replace") as file:
        text = file.read()
    print(text, end="", file=sys.stderr, flush=True)
    # Answers to the questions whether it is ready are none of its last words.
    fatal = [words for words in re.findall(r"^(?:FATAL|PANIC): +(.*)$", text, re.MULTILINE) if not words.startswith("the database system is")]
    last = re.findall(r"last completed transaction was at log time (.*)$", text, re.MULTILINE)
    words = (fatal or ["PostgreSQL ended"])[-1] + ("; the last commit in the archive was at " + last[-1] if last else "")
    return ("target" if "recovery target" in words or "recovery stop point" in words else "recovery", words)


def stop_scratch(server, how=signal.SIGINT):
    server.send_signal(how)
    server.wait(timeout=300)


def query(scratch, database, statement):
    command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", scratch, "-U", "postgres", "-d", database, "-c", statement]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if run.returncode != 0:
        raise Failure("query", run.stderr.strip()[:MAX_ERROR])
    return run.stdout.strip()


# As the runtime's command `restored` does: codes that the backup has as unused may belong to links that it lacks. In a region that is new, nobody else knows an
# epoch.
OPEN_EPOCH = """
    INSERT INTO kgs_epochs (epoch, first_batch)
    SELECT (SELECT coalesce(max(epoch), 0) FROM kgs_epochs) + 1, nextval(pg_get_serial_sequence('kgs_batches', 'id')) + 1
"""


def recover(folder, target, opens_epoch):
    """Restores the newest backup before the target, recovers up to it, and counts the links."""
    began = time.time()
    # Before the recovery: a region that runs goes on archiving.
    last = None if target else last_archived()
    kind = ["--type=time", "--target=" + target, "--target-action=promote"] if target else ["--type=default"]
    backrest("--pg1-path=" + folder, *kind, "restore")
    restored = time.time()
    server, scratch, end = start_scratch(folder)
    try:
        database = os.environ.get("BACKUP_DATABASE", "shortener")
        exists = query(scratch, "postgres", "SELECT count(*) FROM pg_database WHERE datname = '%s'" % database) == "1"
        table = exists and query(scratch, database, "SELECT to_regclass('urls') IS NOT NULL AND to_regclass('kgs_epochs') IS NOT NULL") == "t"
        rows = int(query(scratch, database, "SELECT count(*) FROM urls")) if table else None
        commit = query(scratch, "postgres", "SELECT to_char(pg_last_xact_replay_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
        # The last record may begin in the segment before.
        if last and end is not None and number_of(last) > end + 1:
            words = "the archive reaches to segment %s, but the recovery ended %d segments before: the next one is missing or damaged"
            raise Failure("gap", words % (last, number_of(last) - end) + ("; the last commit before it is of " + commit if commit else ""))
        if table and opens_epoch:
            query(scratch, database, OPEN_EPOCH)
    finally:
        stop_scratch(server)
    return {"rows": rows, "lastCommit": commit or None, "copySeconds": round(restored - began, 1), "seconds": round(time.time() - began, 1)}


def last_archived():
    """The last segment of the newest timeline in the archive; None: there is none."""
    segments, histories = list_archive()
    # A repository that was begun on a later timeline has no file with its history.
    newest = timeline_of(histories[-1]) if histories else max(map(timeline_of, segments), default=1)
    return max((name for name in segments if timeline_of(name) == newest), default=None)


def rehearse():
    """Restores the newest backup into a scratch folder. Reads the archive, and never writes to it."""
    return recover(DATA, None, opens_epoch=False)


def restore():
    """Fills the volume of the first member, for Patroni to start on."""
    volume = os.path.dirname(DATA)
    lock = lock_volume(volume)
    unfinished, finished = os.path.join(volume, UNFINISHED), os.path.join(volume, FINISHED)
    if os.path.exists(unfinished):
        if os.path.exists(DATA):
            shutil.rmtree(DATA)
    elif os.path.exists(os.path.join(DATA, "PG_VERSION")):
        # The end of a pod that has done everything may not have been seen.
        known = read_finished(finished)
        if known and known["for"] == os.environ.get("BACKUP_RESTORE"):
            return known["report"]
        raise Failure("occupied", "the volume already has a database; nothing was changed. Delete the volume, or give the region another name")
    with open(unfinished, "w", encoding="ascii"):
        pass
    os.makedirs(DATA, mode=0o700, exist_ok=True)
    report = recover(DATA, os.environ.get("BACKUP_TARGET") or None, opens_epoch=True)
    # Neither the end of this recovery nor the archive that it read is to be known to the members.
    os.truncate(os.path.join(DATA, "postgresql.auto.conf"), 0)
    if os.path.exists(os.path.join(DATA, "patroni.dynamic.json")):
        os.remove(os.path.join(DATA, "patroni.dynamic.json"))
    with open(finished, "w", encoding="utf-8") as file:
        json.dump({"for": os.environ.get("BACKUP_RESTORE"), "report": report}, file)
    os.sync()
    os.remove(unfinished)
    os.sync()
    os.close(lock)
    return report


def lock_volume(volume):
    """Waits until no other container uses the volume: the pod of a Job that was deleted ends some time after it."""
    lock = os.open(os.path.join(volume, LOCK), os.O_CREAT | os.O_RDWR, 0o600)
    limit = time.monotonic() + LOCK_LIMIT
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            if time.monotonic() > limit:
                raise Failure("busy", "another container uses the volume") from None
            time.sleep(0.5)


def read_finished(path):
    """What a restore that ended has left; None: nothing."""
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def serve():
    """Runs pgBackRest's TLS server, by which a backup's Job reads this member, and tells it of renewed certificates."""
    while not os.path.exists(CONFIG):
        time.sleep(1)
    server = subprocess.Popen(["pgbackrest", "--config=" + CONFIG, "--log-level-file=off", "--log-level-console=warn", "server"])
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _: server.send_signal(number))
    known = os.stat(CERTIFICATE).st_mtime
    while server.poll() is None:
        time.sleep(1)
        now = os.stat(CERTIFICATE).st_mtime
        if now != known:
            known = now
            server.send_signal(signal.SIGHUP)
    sys.exit(server.returncode)


def change_role(role):
    """Patroni's callback. A new primary archives all segments again that it still has.

    A standby marks what it received as archived, also what the former primary could not archive before it died. pgBackRest accepts a segment that it already
    has, so that pushing all of them closes every gap and changes nothing else.
    """
    if role not in ("primary", "master"):
        return
    folder = os.path.join(DATA, "pg_wal", "archive_status")
    again = 0
    for name in sorted(os.listdir(folder)):
        segment = name[:-len(".done")]
        if name.endswith(".done") and SEGMENT.match(segment) and os.path.exists(os.path.join(DATA, "pg_wal", segment)):
            try:
                os.rename(os.path.join(folder, name), os.path.join(folder, segment + ".ready"))
                again += 1
            except FileNotFoundError:
                # PostgreSQL has just removed the segment.
                pass
    print("Archiving %d segments again after a change of the primary." % again, flush=True)


def stop(_number, _frame):
    """Ends the work of a Job: the first process of a container is not ended by a signal that it does not handle."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Failure("stopped", "the pod was told to end, for example because somebody deleted it or drains its node")


def report(work):
    """Runs the work of a Job and writes its report."""
    os.umask(0o077)
    signal.signal(signal.SIGTERM, stop)
    try:
        result, code = {"ok": True, **work()}, 0
    except Failure as failure:
        result, code = {"ok": False, "reason": failure.reason, "error": str(failure)[:MAX_ERROR]}, 1
    except Exception as error:  # pylint: disable=broad-exception-caught
        traceback.print_exc()
        result, code = {"ok": False, "reason": "error", "error": ("%s: %s" % (type(error).__name__, error))[:MAX_ERROR]}, 1
    text = json.dumps(result, separators=(",", ":"))
    # The oldest runs go first: without them the operator claims less.
    while len(text.encode()) > MAX_REPORT and result.get("wal"):
        result["wal"] = result["wal"][1:]
        text = json.dumps(result, separators=(",", ":"))
    with open(os.environ.get("BACKUP_REPORT", "/dev/termination-log"), "w", encoding="utf-8") as file:
        file.write(text)
    print(text, flush=True)
    sys.exit(code)


def main(arguments):
    if arguments[:1] == ["serve"]:
        serve()
    elif arguments[:1] == ["role-change"]:
        # Patroni adds the name of the callback, the role and the scope.
        change_role(arguments[2])
    elif arguments[:1] == ["backup"]:
        report(lambda: back_up(arguments[1]))
    else:
        report({"inspect": inspect, "restore": restore, "rehearse": rehearse}[arguments[0]])


main(sys.argv[1:])
