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
SELECT e.name, d.name FROM emp e JOIN dept d ON d.id = e.dept ORDER BY e.id;
SELECT e.name, d.name FROM emp e LEFT JOIN dept d ON d.id = e.dept ORDER BY e.id;
SELECT e.name, d.name FROM emp e RIGHT JOIN dept d ON d.id = e.dept ORDER BY d.id, e.id;
SELECT e.name, d.name FROM emp e FULL JOIN dept d ON d.id = e.dept ORDER BY e.id, d.id;
SELECT e.name, d.name FROM emp e LEFT JOIN dept d ON d.id = e.dept AND d.budget > 1500 ORDER BY e.id;
SELECT e.name, d.name FROM emp e LEFT JOIN dept d ON d.id = e.dept AND e.salary > 500 ORDER BY e.id;
SELECT e.name, d.name FROM emp e LEFT JOIN dept d ON d.id = e.dept WHERE d.id IS NULL ORDER BY e.id;
SELECT e.name, d.name FROM emp e LEFT JOIN dept d ON d.id = e.dept WHERE d.budget > 1500 ORDER BY e.id;
SELECT e.name, d.name FROM emp e LEFT JOIN dept d ON d.id = e.dept WHERE coalesce(d.budget, 0) < 1500 ORDER BY e.id;
SELECT e.name, b.name, bb.name FROM emp e LEFT JOIN emp b ON b.id = e.boss LEFT JOIN emp bb ON bb.id = b.boss ORDER BY e.id;
SELECT e.name, b.name FROM emp e JOIN emp b ON e.salary < b.salary AND e.dept = b.dept ORDER BY 1, 2;
SELECT e.name, b.name FROM emp e, emp b WHERE e.salary > b.salary + 300 ORDER BY 1, 2;
SELECT count(*) FROM emp, dept, num;
SELECT count(*) FROM emp CROSS JOIN dept WHERE emp.dept = dept.id;
SELECT a.k, b.k FROM num a JOIN num b ON a.n = b.n AND a.k + 20 = b.k WHERE a.k < 8 ORDER BY 1, 2;
SELECT a.grade, b.grade, count(*) FROM emp a JOIN emp b ON a.grade = b.grade GROUP BY 1, 2 ORDER BY 1, 2;
SELECT d.name, count(e.id) FROM dept d LEFT JOIN emp e ON e.dept = d.id GROUP BY d.id, d.name ORDER BY d.id;
SELECT * FROM dept NATURAL JOIN (SELECT id, 'x' AS tag FROM emp WHERE id < 3) s ORDER BY id;
SELECT * FROM dept d JOIN emp e USING (id) WHERE id IN (1, 3) ORDER BY id;
SELECT x, y FROM (VALUES (1), (NULL), (3)) a(x) FULL JOIN (VALUES (3), (NULL), (4)) b(y) ON x = y ORDER BY 1, 2;
SELECT x, y FROM (VALUES (1), (2)) a(x) LEFT JOIN (VALUES (3), (4)) b(y) ON x < y - 1 ORDER BY 1, 2;
SELECT e.name FROM emp e JOIN dept d ON d.id = e.dept JOIN num n ON n.k = e.id WHERE n.a > 2 AND d.name <> 'legal' ORDER BY 1;
SELECT a.id, b.id, c.id FROM dept a LEFT JOIN (dept b JOIN dept c ON b.id = c.id + 1) ON a.id = b.id ORDER BY 1, 2, 3;
SELECT f.f, count(*) FROM num f JOIN num g ON f.f = g.f GROUP BY f.f ORDER BY 1;
SELECT a.k FROM num a JOIN num b ON a.k = b.a WHERE b.k = 3;
SELECT 1 FROM emp e LEFT JOIN dept d ON false WHERE e.id = 1;
SELECT count(*) FROM emp e LEFT JOIN dept d ON true;
SELECT count(*) FROM emp e LEFT JOIN LATERAL (SELECT 1 FROM dept d WHERE d.id = e.dept AND d.id > 3) s ON true;
