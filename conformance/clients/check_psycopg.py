"""psycopg 3: connect, prepared statements, binary parameters, COPY, cancel, an error inside a transaction, streaming.

Usage: check_psycopg.py PORT PROCESS. Prints one line a check; exits non-zero at the first that fails.
"""

import datetime
import decimal
import sys
import threading
import time
import uuid

import psycopg

PORT, PROCESS = sys.argv[1], sys.argv[2]
DSN = f"host=127.0.0.1 port={PORT} user=postgres dbname=postgres"
ROWS = 1_000_000
GROWTH_LIMIT = 64 * 1024 * 1024


def resident():
    with open(f"/proc/{PROCESS}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * 4096


def check(name, passed):
    print(("ok     " if passed else "FAILED ") + name)
    if not passed:
        sys.exit(1)


switches = "-c work_mem=8MB --search-path=pg_catalog"
with psycopg.connect(DSN, options=switches, application_name="strata's check") as connection:
    shown = [connection.execute("SHOW " + name).fetchone()[0] for name in ("work_mem", "search_path")]
    check("options of the connection", shown == ["8MB", "pg_catalog"])

with psycopg.connect(DSN, autocommit=True) as connection:
    check("version", connection.info.server_version // 10000 == 15)
    values = (
        42, 2**40, 1.5, decimal.Decimal("123456789.000000000123456789"), "žluť\n", b"\x00\xff",
        datetime.date(2026, 11, 21), datetime.datetime(2026, 11, 21, 1, 2, 3, 456789), True,
        uuid.UUID(int=5), datetime.timedelta(days=3, seconds=5, microseconds=7), [1, 2, None], None,
    )
    types = "int4 int8 float8 numeric text bytea date timestamp bool uuid interval int4[] text".split()
    select = "SELECT " + ", ".join(f"%b::{name}" for name in types)
    for binary in (False, True):
        with connection.cursor(binary=binary) as cursor:
            for repetition in range(7):
                row = cursor.execute(select, values, prepare=repetition > 0, binary=True).fetchone()
                check_values = list(row) == [list(v) if isinstance(v, list) else v for v in values]
                if not check_values:
                    print(row)
                    check(f"binary parameters come back (binary results: {binary})", False)
    check("prepared statements and binary parameters", True)

    connection.execute("CREATE TABLE psycopg_copy (id int PRIMARY KEY, name text, at timestamptz)")
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    with connection.cursor() as cursor:
        with cursor.copy("COPY psycopg_copy FROM STDIN") as copy:
            for number in range(1000):
                copy.write_row((number, f"tab\tline\n{number}", moment))
        with cursor.copy("COPY psycopg_copy FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["int4", "text", "timestamptz"])
            for number in range(1000, 2000):
                copy.write_row((number, f"binary {number}", moment))
        with cursor.copy("COPY psycopg_copy TO STDOUT (FORMAT binary)") as copy:
            copy.set_types(["int4", "text", "timestamptz"])
            rows = list(copy.rows())
    check("COPY in text and binary, out in binary", len(rows) == 2000 and rows[7][1] == "tab\tline\n7")

    threading.Timer(0.3, connection.cancel).start()
    started = time.monotonic()
    try:
        connection.execute("SELECT pg_sleep(30)")
        check("cancel", False)
    except psycopg.errors.QueryCanceled:
        check("cancel", time.monotonic() - started < 5)

with psycopg.connect(DSN) as connection:
    connection.execute("INSERT INTO psycopg_copy VALUES (5000, 'kept', NULL)")
    try:
        with connection.transaction():
            connection.execute("INSERT INTO psycopg_copy VALUES (5000, 'twice', NULL)")
        check("unique violation", False)
    except psycopg.errors.UniqueViolation as error:
        check("unique violation names its constraint", error.diag.constraint_name == "psycopg_copy_pkey")
    count = connection.execute("SELECT count(*) FROM psycopg_copy").fetchone()[0]
    connection.rollback()
    after = connection.execute("SELECT count(*) FROM psycopg_copy").fetchone()[0]
    check("savepoint survives the error, rollback undoes", (count, after) == (2001, 2000))
    try:
        connection.execute("SELECT 1/0")
    except psycopg.errors.DivisionByZero:
        pass
    try:
        connection.execute("SELECT 1")
        check("25P02 inside a failed transaction", False)
    except psycopg.errors.InFailedSqlTransaction:
        check("25P02 inside a failed transaction", True)
    connection.rollback()

with psycopg.connect(DSN, autocommit=True) as listener, psycopg.connect(DSN, autocommit=True) as connection:
    listener.execute("LISTEN psycopg_channel")
    threading.Timer(0.3, lambda: connection.execute("NOTIFY psycopg_channel, 'pushed'")).start()
    heard = list(listener.notifies(timeout=10, stop_after=1))
    check("notifies() of an idle connection", [(n.channel, n.payload) for n in heard] == [("psycopg_channel", "pushed")])

    connection.execute("CREATE TABLE psycopg_feed (id int PRIMARY KEY, name text)")
    connection.execute("INSERT INTO psycopg_feed VALUES (1, 'one')")
    rows = []
    with listener.cursor() as cursor:
        for row in cursor.stream("SUBSCRIBE psycopg_feed WITH (progress)"):
            rows.append(row)
            if len(rows) == 2:
                connection.execute("UPDATE psycopg_feed SET name = 'ein' WHERE id = 1")
            if len(rows) == 5:
                listener.cancel()
                break
    check("SUBSCRIBE streamed", [row[1:] for row in rows] == [
        (False, 1, 1, "one"), (True, None, None, None), (False, -1, 1, "one"), (False, 1, 1, "ein"),
        (True, None, None, None)])
    with listener.transaction(), listener.cursor() as cursor:
        position = rows[1][0]
        cursor.execute(f"DECLARE feed CURSOR FOR SUBSCRIBE psycopg_feed AS OF {position} WITH (snapshot = false)")
        rest = cursor.execute("FETCH 2 feed WITH (timeout = '10s')").fetchall()
    check("SUBSCRIBE resumed in a cursor", [row[1:] for row in rest] == [(-1, 1, "one"), (1, 1, "ein")])
    connection.execute("DROP TABLE psycopg_feed")

with psycopg.connect(DSN) as connection:
    before = resident()
    with connection.cursor() as cursor:
        total = 0
        for (number, _text) in cursor.stream(f"SELECT i, 'row ' || i FROM generate_series(1, {ROWS}) i"):
            total += number
    growth = resident() - before
    check(f"1 M rows streamed, server memory +{growth // 1024} KiB", total == ROWS * (ROWS + 1) // 2 and growth < GROWTH_LIMIT)
    connection.rollback()
    with connection.cursor(name="server_side") as cursor:
        cursor.itersize = 1000
        cursor.execute("SELECT i FROM generate_series(1, 20000) i")
        check("server-side cursor", sum(row[0] for row in cursor) == 200010000)
    connection.execute("DROP TABLE psycopg_copy")
