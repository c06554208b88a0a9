#!/usr/bin/env python3
"""Runs SQL files of pgvector's own tests (a folder given by the caller; nothing is fetched) on two servers and counts
the statements that answer alike.

    pgvector_sql.py FOLDER PEER SERVER [--only NAME ...] [--show]

PEER and SERVER are connection strings for psql without a database name, the peer a PostgreSQL with pgvector. Each file
runs in a database of its own, made and dropped here, with the extension installed. A statement counts as alike where
psql prints the same for it: rows, notices, errors with their SQLSTATE, detail, hint and position. Every difference is
printed. Exit status: 0 if there is none.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

MARK = "### statement"


def statements(text):
    """The statements and meta commands of a file, comments left out."""
    found, current = [], ""
    for line in text.splitlines():
        if line.startswith("--") or not line.strip():
            continue
        if not current and line.startswith("\\"):
            found.append(line)
            continue
        current += line + "\n"
        if line.rstrip().endswith(";"):
            found.append(current)
            current = ""
    return found


def psql(server, database, script, folder):
    command = ["psql", "-X", "-q", "-v", "VERBOSITY=verbose", f"{server} dbname={database}"]
    run = subprocess.run(
        command, input=script, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    # Where in PostgreSQL's source an error was raised is no part of the answer.
    return [line for line in run.stdout.splitlines() if not line.startswith("LOCATION:")]


def answers(server, parts):
    """What psql prints for each part."""
    database = "pgvector_sql"
    drop = f"DROP DATABASE IF EXISTS {database};"
    psql(server, "postgres", f"{drop}\nCREATE DATABASE {database};", None)
    script = "CREATE EXTENSION vector;\n"
    for number, part in enumerate(parts):
        script += f"\\echo {MARK} {number}\n{part}\n"
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "results").mkdir()
        printed = psql(server, database, script, folder)
    psql(server, "postgres", drop, None)
    found, current = {}, None
    for line in printed:
        if line.startswith(MARK):
            current = int(line[len(MARK) :])
            found[current] = []
        elif current is not None:
            found[current].append(line)
    return [found.get(number, ["(nothing)"]) for number in range(len(parts))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("peer")
    parser.add_argument("server")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--show", action="store_true", help="print every difference in full")
    arguments = parser.parse_args()
    alike = total = 0
    for path in sorted(pathlib.Path(arguments.folder).glob("*.sql")):
        if arguments.only and path.stem not in arguments.only:
            continue
        parts = statements(path.read_text())
        peer, server = answers(arguments.peer, parts), answers(arguments.server, parts)
        same = sum(one == two for one, two in zip(peer, server))
        print(f"{path.name}: {same} of {len(parts)} alike")
        alike, total = alike + same, total + len(parts)
        for part, one, two in zip(parts, peer, server):
            if one != two:
                print(f"  {part.strip()}")
                if arguments.show:
                    print("    peer   " + "\n           ".join(one))
                    print("    server " + "\n           ".join(two))
    print(f"in all: {alike} of {total} alike")
    return 0 if alike == total else 1


if __name__ == "__main__":
    sys.exit(main())
