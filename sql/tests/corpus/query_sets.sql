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
SELECT dept FROM emp UNION SELECT id FROM dept ORDER BY 1;
SELECT dept FROM emp UNION ALL SELECT id FROM dept ORDER BY 1;
SELECT dept FROM emp INTERSECT SELECT id FROM dept ORDER BY 1;
SELECT dept FROM emp INTERSECT ALL SELECT dept FROM emp WHERE id > 2 ORDER BY 1;
SELECT id FROM dept EXCEPT SELECT dept FROM emp ORDER BY 1;
SELECT dept FROM emp EXCEPT ALL SELECT id FROM dept ORDER BY 1;
SELECT 1 UNION SELECT 2.0 UNION SELECT 1.00 ORDER BY 1;
(SELECT id FROM emp ORDER BY id DESC LIMIT 2) UNION ALL (SELECT id FROM dept ORDER BY id LIMIT 1) ORDER BY 1;
SELECT id, 'e' FROM emp WHERE id < 3 UNION SELECT id, 'd' FROM dept WHERE id < 3 ORDER BY 2, 1;
SELECT * FROM (SELECT id FROM emp UNION SELECT id + 100 FROM dept) u WHERE id > 6 ORDER BY id;
SELECT NULL UNION SELECT NULL;
SELECT 1 EXCEPT SELECT 1;
SELECT x FROM (VALUES (1), (2), (2), (NULL), (NULL)) a(x) EXCEPT SELECT 2 ORDER BY 1;
VALUES (1, 'one'), (2, 'two') UNION ALL VALUES (3, NULL) ORDER BY 1;
SELECT count(*) FROM (SELECT 1 UNION ALL SELECT 1 UNION ALL SELECT 2) s;
