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
SELECT k FROM num WHERE a <> 0 AND 10 / a > 4 ORDER BY k;
SELECT k FROM num WHERE a = 0 OR 10 / a > 4 ORDER BY k;
SELECT k, CASE WHEN a <> 0 THEN 10 / a ELSE -1 END FROM num WHERE k < 9 ORDER BY k;
SELECT k, coalesce(a, 1 / (k - k)) FROM num WHERE a IS NOT NULL AND k < 5 ORDER BY k;
SELECT 10 / a FROM num;
SELECT true OR 1 / 0 > 1;
SELECT false AND 1 / 0 > 1;
SELECT k FROM num LIMIT 0;
SELECT k FROM num ORDER BY k LIMIT 3 OFFSET 2;
SELECT k FROM num ORDER BY k OFFSET 58;
SELECT k FROM num ORDER BY k LIMIT NULL OFFSET 59;
SELECT k FROM num ORDER BY k LIMIT -1;
SELECT k FROM num ORDER BY k OFFSET -1;
SELECT a, k FROM num WHERE a IS NOT NULL ORDER BY a, k FETCH FIRST 3 ROWS ONLY;
SELECT a FROM num WHERE a IS NOT NULL ORDER BY a FETCH FIRST 3 ROWS WITH TIES;
SELECT k FROM num WHERE k IN (3, 1, 99, NULL) ORDER BY k;
SELECT k FROM num WHERE k = ANY (ARRAY[5, 7]) ORDER BY k DESC;
SELECT k FROM num WHERE k BETWEEN 10 AND 12 ORDER BY k;
SELECT k FROM num WHERE k > 55 ORDER BY k DESC LIMIT 2;
SELECT k FROM num WHERE t = 't17';
SELECT k FROM num WHERE k > 9223372036854775806;
SELECT id FROM emp WHERE id < 99999999999 AND id > 6 ORDER BY id;
SELECT id FROM emp WHERE id = 99999999999;
SELECT name FROM emp WHERE boss = 3 ORDER BY salary DESC, id;
SELECT name FROM emp WHERE boss = 1 AND salary > 100 ORDER BY id;
SELECT name FROM emp WHERE boss IS NULL;
SELECT boss, salary FROM emp ORDER BY boss, salary DESC;
SELECT salary FROM emp ORDER BY salary NULLS FIRST, id LIMIT 3;
SELECT name FROM emp WHERE grade = 'A' ORDER BY id;
SELECT NULL = NULL, NULL IS NOT DISTINCT FROM NULL, 1 IS DISTINCT FROM NULL;
