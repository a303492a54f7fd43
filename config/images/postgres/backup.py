#!/usr/bin/python3
"""Runs pgBackRest for the operator: in the members' pods, and in the Jobs that back up, inspect, restore and rehearse.

A Job writes one line of JSON to the file in BACKUP_REPORT, at most 4096 bytes: Kubernetes passes it to the operator as the termination message of the
container. The operator decides; this program only reports what pgBackRest and PostgreSQL say.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

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

# A file in the data directory of a restore that has not ended; the folder may be removed and filled again.
UNFINISHED = "restore.unfinished"


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
    output = run.stdout.read() if quiet else ""
    errors = ""
    for line in run.stderr:
        errors += line
        print(line, end="", file=sys.stderr, flush=True)
    if run.wait() != 0:
        words = last_error(errors, run.returncode)
        raise Failure("target" if "backup set with stop time less than" in words else "pgbackrest", "pgbackrest " + arguments[-1] + ": " + words)
    return output


def last_error(text, code):
    """The sentences of an error without times and prefixes."""
    lines = text.splitlines()
    start = next((index for index, line in enumerate(lines) if "ERROR: [" in line), None)
    if start is None:
        return "exit code %d" % code
    words = " ".join(line.strip() for line in lines[start:start + 6])
    return re.sub(r"^.*?ERROR: ", "", words)[:MAX_ERROR]


def ranges_of(segments):
    """Runs of consecutive segments of a timeline, as pairs of names. 256 segments of 16 MiB have the same middle part."""
    found = []
    for name in sorted(segments):
        number = int(name[8:16], 16) * 256 + int(name[16:], 16)
        if found and found[-1][2] == (name[:8], number - 1):
            found[-1][1:] = [name, (name[:8], number)]
        else:
            found.append([name, name, (name[:8], number)])
    return [[first, last] for first, last, _ in found]


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
    files = json.loads(backrest("--recurse", "--output=json", "repo-ls", "archive/" + STANZA, quiet=True))
    segments = {match.group(1) for match in (ARCHIVED.search("/" + name) for name in files) if match}
    histories = sorted(name for name in files if name.endswith(".history"))
    history = []
    if histories:
        text = backrest("repo-get", "archive/" + STANZA + "/" + histories[-1], quiet=True)
        parents = [line.split("\t")[:2] for line in text.splitlines() if line.strip() and not line.startswith("#")]
        history = [[int(timeline), position] for timeline, position in parents][-MAX_TIMELINES:]
    return {
        "backups": backups,
        "wal": ranges_of(segments)[-MAX_RANGES:],
        "history": history,
        "timeline": int(histories[-1].split("/")[-1][:8], 16) if histories else None,
    }


def back_up(kind):
    """Makes a backup of the member that PGBACKREST_PG1_HOST names, and reports what the repository has."""
    # Does nothing if the stanza is there, and fails if it is that of another database.
    backrest("stanza-create")
    began = time.time()
    backrest("--type=" + kind, "--start-fast", "backup")
    return {"seconds": round(time.time() - began, 1), **inspect()}


def start_scratch(folder):
    """Starts PostgreSQL on restored data: without a network, without archiving, and with nothing of the configuration that is among the data."""
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
    log = os.path.join(scratch, "log")
    with open(log, "wb") as output:
        server = subprocess.Popen(["postgres", "-D", folder, "-c", "config_file=" + config], stdout=output, stderr=subprocess.STDOUT)
    # With hot_standby off it accepts connections once the recovery has ended, and not before.
    while subprocess.run(["pg_isready", "-q", "-h", scratch], check=False).returncode != 0:
        if server.poll() is not None:
            raise Failure(*why_ended(log))
        time.sleep(0.2)
    with open(log, encoding="utf-8", errors="replace") as file:
        print(file.read(), end="", flush=True)
    return server, scratch


def why_ended(log):
    with open(log, encoding="utf-8", errors="replace") as file:
        text = file.read()
    print(text, end="", file=sys.stderr, flush=True)
    # Answers to the questions whether it is ready are none of its last words.
    fatal = [words for words in re.findall(r"^(?:FATAL|PANIC): +(.*)$", text, re.MULTILINE) if not words.startswith("the database system is")]
    last = re.findall(r"last completed transaction was at log time (.*)$", text, re.MULTILINE)
    words = (fatal or ["PostgreSQL ended"])[-1] + ("; the last commit in the archive was at " + last[-1] if last else "")
    return ("target" if "recovery target" in words or "recovery stop point" in words else "recovery", words)


def stop_scratch(server):
    server.send_signal(signal.SIGINT)
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
    kind = ["--type=time", "--target=" + target, "--target-action=promote"] if target else ["--type=default"]
    backrest("--pg1-path=" + folder, *kind, "restore")
    restored = time.time()
    server, scratch = start_scratch(folder)
    try:
        database = os.environ.get("BACKUP_DATABASE", "shortener")
        exists = query(scratch, "postgres", "SELECT count(*) FROM pg_database WHERE datname = '%s'" % database) == "1"
        table = exists and query(scratch, database, "SELECT to_regclass('urls') IS NOT NULL AND to_regclass('kgs_epochs') IS NOT NULL") == "t"
        rows = int(query(scratch, database, "SELECT count(*) FROM urls")) if table else None
        last = query(scratch, "postgres", "SELECT to_char(pg_last_xact_replay_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
        if table and opens_epoch:
            query(scratch, database, OPEN_EPOCH)
    finally:
        stop_scratch(server)
    return {"rows": rows, "lastCommit": last or None, "copySeconds": round(restored - began, 1), "seconds": round(time.time() - began, 1)}


def rehearse():
    """Restores the newest backup into a scratch folder. Reads the archive, and never writes to it."""
    return recover(DATA, None, opens_epoch=False)


def restore():
    """Fills the volume of the first member, for Patroni to start on."""
    unfinished = os.path.join(os.path.dirname(DATA), UNFINISHED)
    if os.path.exists(unfinished):
        shutil.rmtree(DATA, ignore_errors=True)
    elif os.path.exists(os.path.join(DATA, "PG_VERSION")):
        raise Failure("occupied", "the volume already has a database; nothing was changed")
    with open(unfinished, "w", encoding="ascii"):
        pass
    os.makedirs(DATA, mode=0o700, exist_ok=True)
    report = recover(DATA, os.environ.get("BACKUP_TARGET") or None, opens_epoch=True)
    # Neither the end of this recovery nor the archive that it read is to be known to the members.
    os.truncate(os.path.join(DATA, "postgresql.auto.conf"), 0)
    if os.path.exists(os.path.join(DATA, "patroni.dynamic.json")):
        os.remove(os.path.join(DATA, "patroni.dynamic.json"))
    os.remove(unfinished)
    os.sync()
    return report


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


def report(work):
    """Runs the work of a Job and writes its report."""
    os.umask(0o077)
    try:
        result, code = {"ok": True, **work()}, 0
    except Failure as failure:
        result, code = {"ok": False, "reason": failure.reason, "error": str(failure)[:MAX_ERROR]}, 1
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
