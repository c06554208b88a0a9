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
SELECT name, (SELECT d.name FROM dept d WHERE d.id = e.dept) FROM emp e ORDER BY id;
SELECT name FROM emp e WHERE salary = (SELECT max(salary) FROM emp i WHERE i.dept = e.dept) ORDER BY id;
SELECT name FROM emp e WHERE EXISTS (SELECT 1 FROM emp s WHERE s.boss = e.id) ORDER BY id;
SELECT name FROM emp e WHERE NOT EXISTS (SELECT 1 FROM emp s WHERE s.boss = e.id) ORDER BY id;
SELECT name FROM emp WHERE dept IN (SELECT id FROM dept WHERE budget > 500) ORDER BY id;
SELECT name FROM emp WHERE dept NOT IN (SELECT id FROM dept WHERE budget > 1500) ORDER BY id;
SELECT name FROM emp WHERE id NOT IN (SELECT boss FROM emp) ORDER BY id;
SELECT name FROM emp WHERE id NOT IN (SELECT boss FROM emp WHERE boss IS NOT NULL) ORDER BY id;
SELECT name FROM emp WHERE (id IN (SELECT boss FROM emp)) IS NULL ORDER BY id;
SELECT name FROM emp WHERE salary > ALL (SELECT salary FROM emp WHERE dept = 1) ORDER BY id;
SELECT name FROM emp WHERE salary >= ANY (SELECT salary FROM emp WHERE dept = 1) ORDER BY id;
SELECT name FROM emp WHERE salary > ALL (SELECT salary FROM emp WHERE dept = 9) ORDER BY id;
SELECT name FROM emp WHERE (dept, boss) IN (SELECT dept, boss FROM emp WHERE id IN (2, 4)) ORDER BY id;
SELECT name, salary > (SELECT avg(salary) FROM emp) FROM emp ORDER BY id;
SELECT (SELECT count(*) FROM emp e WHERE e.dept = d.id AND e.salary > (SELECT avg(salary) FROM emp x WHERE x.dept = d.id)) FROM dept d ORDER BY d.id;
SELECT name FROM emp e WHERE 2 <= (SELECT count(*) FROM emp s WHERE s.boss = e.id) ORDER BY 1;
SELECT d.name, ARRAY(SELECT e.name FROM emp e WHERE e.dept = d.id ORDER BY e.name) FROM dept d ORDER BY d.id;
SELECT (SELECT name FROM emp);
SELECT (SELECT name FROM emp WHERE id = 99);
SELECT CASE WHEN true THEN 1 ELSE (SELECT 1 / 0) END;
SELECT coalesce(salary, (SELECT max(salary) FROM emp)) FROM emp ORDER BY id;
SELECT x, x IN (SELECT y FROM (VALUES (1), (NULL)) b(y)) FROM (VALUES (1), (2), (NULL)) a(x);
SELECT x, x NOT IN (SELECT y FROM (VALUES (1), (3)) b(y)) FROM (VALUES (1), (2), (NULL)) a(x);
SELECT x FROM (VALUES (1), (2), (NULL)) a(x) WHERE x NOT IN (SELECT y FROM (VALUES (1)) b(y) WHERE y > 5);
SELECT name FROM emp e WHERE EXISTS (SELECT 1 FROM dept d WHERE d.id = e.dept AND d.budget > e.salary) ORDER BY 1;
SELECT name FROM emp e WHERE e.dept IN (SELECT d.id FROM dept d WHERE d.budget > e.salary * 3) ORDER BY 1;
SELECT name FROM emp WHERE id = (SELECT min(boss) FROM emp);
SELECT name FROM emp e WHERE id < 4 AND (dept = 1 OR EXISTS (SELECT 1 FROM emp s WHERE s.boss = e.id AND s.salary > 500)) ORDER BY 1;
SELECT (SELECT sum(x) FROM generate_series(1, e.id) x) FROM emp e ORDER BY id;
SELECT id, (SELECT string_agg(name, ',' ORDER BY name) FROM (SELECT name FROM emp s WHERE s.boss = e.id UNION SELECT name FROM dept d WHERE d.id = e.id) u) FROM emp e ORDER BY id;
SELECT count(*) FROM num a WHERE EXISTS (SELECT 1 FROM num b WHERE b.a = a.a AND b.k <> a.k);
SELECT dept, (SELECT max(name) FROM emp i WHERE i.dept = e.dept) FROM emp e GROUP BY dept ORDER BY dept;
SELECT (SELECT e.name) FROM emp e WHERE id = 3;
SELECT (e.dept, e.id) = (SELECT d.id, 2 FROM dept d WHERE d.id = e.dept) FROM emp e ORDER BY id;
WITH top AS (SELECT * FROM emp ORDER BY salary DESC NULLS LAST LIMIT 3) SELECT name, (SELECT count(*) FROM top t2 WHERE t2.salary > t.salary) FROM top t ORDER BY id;
