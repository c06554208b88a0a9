CREATE TABLE dept (id int PRIMARY KEY, name text NOT NULL, budget numeric(12,2));
CREATE TABLE emp (id int PRIMARY KEY, name text NOT NULL, boss int REFERENCES emp, dept int, salary numeric(10,2), hired date, grade char(3));
CREATE INDEX emp_dept ON emp (dept);
CREATE INDEX emp_boss_salary ON emp (boss, salary DESC);
CREATE TABLE num (k bigint PRIMARY KEY, a int, f float8, n numeric, t text, ts timestamp, d interval);
CREATE UNIQUE INDEX num_t ON num (t);
INSERT INTO dept VALUES (1, 'sales', 1000.00), (2, 'research', 2500.50), (3, 'empty', NULL), (4, 'legal', 1000);
INSERT INTO emp VALUES
 (1, 'ada', NULL, 2, 900.00, '2001-01-15', 'A'),
 (2, 'bob', 1, 2, 700.00, '2002-03-01', 'B'),
 (3, 'cy', 1, 1, 700.00, '2003-07-30', 'A'),
 (4, 'dan', 2, 2, 450.50, '2003-07-31', 'C'),
 (5, 'eve', 2, 4, NULL, '2010-12-24', NULL),
 (6, 'fay', 3, 1, 300.25, '2011-02-28', 'B'),
 (7, 'gus', 3, NULL, 300.25, '2012-02-29', 'C'),
 (8, 'hal', 4, 2, 100.00, NULL, 'A');
INSERT INTO num SELECT g, CASE WHEN g % 5 = 0 THEN NULL ELSE g % 7 END, CASE WHEN g % 4 = 0 THEN NULL ELSE (g % 10)::float8 / 4 END, CASE g % 3 WHEN 0 THEN 1 WHEN 1 THEN 1.0 ELSE 2.50 END, 't' || g, timestamp '2020-01-01' + g * interval '6 hours', (g % 4) * interval '1 day' FROM generate_series(1, 60) g;
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r;
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT * FROM r LIMIT 3;
WITH RECURSIVE r(n) AS (VALUES (1), (2) UNION SELECT n % 3 + 1 FROM r) SELECT * FROM r ORDER BY 1;
WITH RECURSIVE chain AS (SELECT id, name, boss, 0 AS depth, name::text AS path FROM emp WHERE boss IS NULL UNION ALL SELECT e.id, e.name, e.boss, c.depth + 1, c.path || '/' || e.name FROM emp e JOIN chain c ON e.boss = c.id) SELECT depth, path FROM chain ORDER BY path;
WITH RECURSIVE up AS (SELECT id, boss FROM emp WHERE id = 8 UNION ALL SELECT e.id, e.boss FROM emp e, up WHERE e.id = up.boss) SELECT id FROM up;
WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT * FROM a, b;
WITH a AS MATERIALIZED (SELECT id FROM emp WHERE id < 4) SELECT count(*) FROM a x, a y;
WITH d AS (SELECT dept, sum(salary) AS s FROM emp GROUP BY dept) SELECT d.dept, d.s, (SELECT max(s) FROM d) AS m FROM d ORDER BY 1;
SELECT e.id, (WITH s AS (SELECT salary FROM emp i WHERE i.dept = e.dept) SELECT count(*) FROM s a, s b) FROM emp e ORDER BY id;
WITH RECURSIVE fib(a, b) AS (SELECT 0::bigint, 1::bigint UNION ALL SELECT b, a + b FROM fib WHERE b < 1000) SELECT a FROM fib;
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n * 2 FROM t WHERE n < 100) SELECT sum(n), count(*) FROM t;
WITH RECURSIVE p(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM p WHERE n < 30) SELECT n FROM p WHERE NOT EXISTS (SELECT 1 FROM p q WHERE q.n < p.n AND p.n % q.n = 0);
