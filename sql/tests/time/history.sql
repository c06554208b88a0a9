-- strata.history: the versions of one row. strata.table_changes: what happened to a table. jsonb_diff.
CREATE TABLE t (a int, b text, c numeric, PRIMARY KEY (b, a));
INSERT INTO t VALUES (1, 'x', 10), (2, 'x', 20), (3, 'y', 30);
--@ moment first
UPDATE t SET c = c + 1 WHERE b = 'x';
UPDATE t SET c = 12 WHERE a = 1;
DELETE FROM t WHERE a = 3;
--@ moment second
INSERT INTO t VALUES (3, 'y', 33);
SELECT a, b, c, _system_to = 'infinity' AS alive FROM strata.history('t', 'x', 1);
SELECT h.c, lead(_system_from) OVER (ORDER BY _system_from) IS NOT DISTINCT FROM nullif(_system_to, 'infinity') AS follows
  FROM strata.history('public.t'::regclass, 'x', 1) AS h;
SELECT * FROM (SELECT a, b, c FROM strata.history('t', 'y', 3)) AS y;
SELECT count(*) FROM strata.history('t', 'nobody', 3);
SELECT k.a, h.c FROM (VALUES (1), (2)) AS k (a), strata.history('t', 'x', k.a) AS h ORDER BY 1, _system_from;
PREPARE p AS SELECT c FROM strata.history('t', $1, $2);
EXECUTE p ('x', 2);
EXPLAIN (COSTS OFF) SELECT c FROM strata.history('t', 'x', 1);
EXPLAIN (COSTS OFF) SELECT c FROM t FOR SYSTEM_TIME ALL WHERE b = 'x';
SELECT c FROM t FOR SYSTEM_TIME BETWEEN @first AND @second WHERE b = 'x' AND a = 1 ORDER BY _system_from;
SELECT c FROM t FOR SYSTEM_TIME FROM @second TO 'infinity' WHERE b = 'x' AND a = 1;
-- What cannot be.
SELECT * FROM strata.history('nothing', 1);
SELECT * FROM strata.history('t', 1);
SELECT * FROM strata.history('t', 'x', 'x');
SELECT * FROM strata.history('t', 'x', nowhere);
SELECT * FROM strata.history(concat('t', ''), 'x', 1);
SELECT * FROM strata.history();
SELECT strata.history('t', 'x', 1);
CREATE TABLE keyless (a int);
SELECT * FROM strata.history('keyless', 1);
CREATE VIEW v AS SELECT a FROM t;
SELECT * FROM strata.history('v', 1);
CREATE VIEW w AS SELECT * FROM strata.history('t', 'x', 1);
-- Changes.
SELECT op, key, changed, old, new FROM strata.table_changes('t', @first, @second);
SELECT op, key, new - 'c' AS new FROM strata.table_changes('t', @first, now()) WHERE op = 'insert';
SELECT count(*) FROM strata.table_changes('t', @second, @second);
SELECT count(*), min(op) FROM strata.table_changes('t', '2000-01-01', @first);
SELECT bool_and(at > @first AND at <= @second) FROM strata.table_changes('t', @first, @second);
SELECT * FROM strata.table_changes('nothing', @first, @second);
SELECT * FROM strata.table_changes('v', @first, @second);
SELECT * FROM strata.table_changes('t', @second, @first);
SELECT * FROM strata.table_changes('t', @first, '2999-01-01');
SELECT * FROM strata.table_changes('t', NULL, @first);
SELECT jsonb_diff(old, new) FROM strata.table_changes('t', @first, @second) WHERE op = 'update' LIMIT 1;
SELECT jsonb_diff('{"a": [1, 2], "b": "x"}', '{"a": [1, 3, 4], "c": null}');
-- An emptied table, a column of another type.
INSERT INTO keyless VALUES (1), (2);
UPDATE keyless SET a = 3 WHERE a = 2;
--@ moment third
TRUNCATE keyless;
INSERT INTO keyless VALUES (9);
ALTER TABLE keyless ALTER COLUMN a TYPE text;
ALTER TABLE keyless RENAME COLUMN a TO z;
UPDATE keyless SET z = 'ten';
--@ checkpoint
SELECT op, key, old, new FROM strata.table_changes('keyless', '2000-01-01', now());
TRUNCATE t;
INSERT INTO t VALUES (1, 'x', 99);
SELECT a, b, c, _system_to = 'infinity' AS alive FROM strata.history('t', 'x', 1);
SELECT c FROM t FOR SYSTEM_TIME ALL WHERE a = 1 AND b = 'x' ORDER BY _system_from;
--@ restart
SELECT a, b, c, _system_to = 'infinity' AS alive FROM strata.history('t', 'x', 1);
SELECT op, key, changed, old, new FROM strata.table_changes('t', @first, @second);
SELECT op, key, old, new FROM strata.table_changes('keyless', @third, now());
-- Privileges.
CREATE ROLE stranger LOGIN;
--@ role stranger
SELECT * FROM strata.history('t', 'x', 1);
SELECT * FROM strata.table_changes('t', @first, @second);
