CREATE TABLE t (a int PRIMARY KEY, b text, c int DEFAULT 7);
CREATE TABLE i (id int, n int);
INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z');
INSERT INTO i VALUES (1, 10), (1, 11), (3, 30);
-- subqueries in RETURNING
UPDATE t SET b = b || '!' WHERE a = 1 RETURNING a, b, (SELECT max(n) FROM i WHERE i.id = t.a);
UPDATE t SET a = a + 10, c = c + 1 WHERE a >= 2 RETURNING a, (SELECT count(*) FROM i WHERE i.id = t.a - 10) AS n, (SELECT t.c) AS c;
UPDATE t SET b = i.n FROM i WHERE i.id = t.a AND i.n = 10 RETURNING t.b, (SELECT sum(j.n) FROM i j WHERE j.id = i.id);
DELETE FROM t WHERE a = 12 RETURNING a, (SELECT count(*) FROM t) AS rows, EXISTS (SELECT 1 FROM i WHERE id = t.a);
INSERT INTO t VALUES (5, 'q') RETURNING a, c, (SELECT count(*) FROM t) AS rows, (SELECT t.b || t.c);
INSERT INTO t SELECT id + 20, n FROM i WHERE id = 3 RETURNING a, (SELECT max(id) FROM i WHERE id < t.a), a IN (SELECT a FROM t);
INSERT INTO t (a, b) VALUES (6, 'r'), (7, 's') RETURNING (SELECT array_agg(a ORDER BY a) FROM t), a;
INSERT INTO t (a) VALUES (5) ON CONFLICT (a) DO NOTHING RETURNING (SELECT 1);
SELECT * FROM t ORDER BY a;
-- rows of entries that an outer join misses
SELECT t.a, count(i.*), count(i), count(*) FROM t LEFT JOIN i ON i.id = t.a GROUP BY t.a ORDER BY 1;
SELECT t.a, i, i IS NULL AS missing, i IS NOT NULL AS there FROM t LEFT JOIN i ON i.id = t.a ORDER BY t.a, i.n;
SELECT count(t.*), count(i.*) FROM t FULL JOIN i ON i.id = t.a;
SELECT count(t.*) FROM t RIGHT JOIN i ON i.id = t.a;
SELECT t.a, row_to_json(i) FROM t LEFT JOIN i ON i.id = t.a ORDER BY t.a, i.n;
SELECT t.a, count(s.*) FROM t LEFT JOIN (SELECT * FROM i) s ON s.id = t.a GROUP BY t.a ORDER BY 1;
SELECT i FROM i LEFT JOIN t ON t.a = i.id ORDER BY i.n;
-- sets of records in a select list
SELECT jsonb_each('{"a": 1, "b": 2}');
SELECT (jsonb_each('{"a": 1, "b": 2}')).*;
SELECT (jsonb_each('{"a": 1, "b": 2}')).key, 5 AS five;
SELECT a, (jsonb_each_text(jsonb_build_object('k', b))).value FROM t ORDER BY a;
SELECT json_each('{"x": [1]}'), generate_series(1, 2);
SELECT (pg_get_keywords()).word IS NOT NULL FROM generate_series(1, 1) LIMIT 1;
-- negative literals in simple text
UPDATE t SET c = c + -7 WHERE a = 1;
UPDATE t SET c = c + -3 WHERE a = 1;
SELECT c, c - -5, -c FROM t WHERE c = -3;
SELECT a FROM t WHERE c > -4 AND c < -2;
INSERT INTO t VALUES (-1, '-2', -3);
INSERT INTO t VALUES (-2147483648, 'least', -2);
SELECT * FROM t WHERE a < -0 ORDER BY a;
DELETE FROM t WHERE a = -1 RETURNING a;
DELETE FROM t WHERE a = -2147483648 RETURNING a;
-- the session's own objects
PREPARE p (int, text) AS SELECT $1, $2;
SELECT name, statement, parameter_types, from_sql FROM pg_prepared_statements;
DEALLOCATE p;
SELECT count(*) FROM pg_prepared_statements;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT a FROM t;
DECLARE h NO SCROLL CURSOR WITH HOLD FOR SELECT a FROM t;
SELECT name, statement, is_holdable, is_binary, is_scrollable FROM pg_cursors ORDER BY name;
SELECT count(*), min(creation_time) IS NOT NULL FROM pg_cursors;
COMMIT;
SELECT name FROM pg_cursors;
CLOSE h;
SELECT state, xact_start = now() AS started, backend_type FROM pg_stat_activity WHERE pid = pg_backend_pid();
COMMENT ON COLUMN t.b IS 'words';
SELECT col_description('t'::regclass, 2), obj_description('t'::regclass), format_type(1042, NULL), format_type(1042, 8), format_type(1560, NULL), pg_get_userbyid(10);
-- options of EXPLAIN
EXPLAIN (COSTS OFF) SELECT 1;
EXPLAIN (COSTS maybe) SELECT 1;
EXPLAIN (NONSENSE) SELECT 1;
EXPLAIN (TIMING) SELECT 1;
EXPLAIN (FORMAT nonsense) SELECT 1;
