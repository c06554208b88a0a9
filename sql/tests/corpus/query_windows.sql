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
SELECT name, dept, rank() OVER (PARTITION BY dept ORDER BY salary DESC NULLS LAST), dense_rank() OVER (PARTITION BY dept ORDER BY salary DESC NULLS LAST), row_number() OVER (PARTITION BY dept ORDER BY salary DESC NULLS LAST, id) FROM emp ORDER BY id;
SELECT id, salary, sum(salary) OVER (ORDER BY id), avg(salary) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM emp ORDER BY id;
SELECT id, lag(name) OVER w, lead(name, 2, 'none') OVER w, first_value(name) OVER w, last_value(name) OVER w, nth_value(name, 2) OVER w FROM emp WINDOW w AS (ORDER BY id) ORDER BY id;
SELECT id, ntile(3) OVER (ORDER BY id), percent_rank() OVER (ORDER BY dept), cume_dist() OVER (ORDER BY dept) FROM emp ORDER BY id;
SELECT k, a, sum(k) OVER (ORDER BY a RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM num WHERE k <= 12 ORDER BY k;
SELECT k, a, sum(k) OVER (ORDER BY a DESC RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM num WHERE k <= 12 ORDER BY k;
SELECT k, a, count(*) OVER (ORDER BY a GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM num WHERE k <= 12 ORDER BY k;
SELECT k, a, array_agg(k) OVER (ORDER BY a ROWS BETWEEN 2 PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW) FROM num WHERE k <= 4 ORDER BY k;
SELECT k, a, count(*) OVER (ORDER BY a RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM num WHERE k <= 12 ORDER BY k;
SELECT k, count(*) OVER (ORDER BY a GROUPS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE GROUP) FROM num WHERE k <= 12 ORDER BY k;
SELECT k, count(*) OVER (ORDER BY ts RANGE BETWEEN interval '12 hours' PRECEDING AND interval '1 day' FOLLOWING) FROM num WHERE k <= 8 ORDER BY k;
SELECT id, hired, count(*) OVER (ORDER BY hired RANGE BETWEEN interval '1 year' PRECEDING AND CURRENT ROW) FROM emp ORDER BY id;
SELECT k, f, sum(k) OVER (ORDER BY f RANGE BETWEEN 0.5 PRECEDING AND 0.25 FOLLOWING) FROM num WHERE k <= 12 ORDER BY k;
SELECT k, n, sum(k) OVER (ORDER BY n RANGE BETWEEN 1.5 PRECEDING AND CURRENT ROW) FROM num WHERE k <= 6 ORDER BY k;
SELECT dept, sum(salary), sum(sum(salary)) OVER (ORDER BY dept) FROM emp GROUP BY dept ORDER BY dept;
SELECT name, count(*) FILTER (WHERE salary > 400) OVER (PARTITION BY dept) FROM emp ORDER BY id;
SELECT id, sum(id) OVER (), max(id) OVER (PARTITION BY dept), min(salary) OVER (ORDER BY hired) FROM emp ORDER BY id;
SELECT * FROM (SELECT name, row_number() OVER (PARTITION BY dept ORDER BY id) AS r FROM emp) s WHERE r = 1 ORDER BY name;
SELECT id, string_agg(name, ',') OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM emp ORDER BY id;
SELECT id, first_value(id) OVER (ORDER BY id ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING), last_value(id) OVER (ORDER BY id ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING) FROM emp ORDER BY id;
SELECT sum(k) OVER (ORDER BY k ROWS BETWEEN -1 PRECEDING AND CURRENT ROW) FROM num WHERE k < 3;
SELECT id, lag(salary, 1) OVER (PARTITION BY dept ORDER BY id), salary - lag(salary) OVER (ORDER BY id) FROM emp ORDER BY id;
SELECT rank() OVER (ORDER BY x), x FROM (VALUES (1.0), (1.00), (2), (NULL)) v(x);
