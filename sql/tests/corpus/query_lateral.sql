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
SELECT d.name, s.name, s.salary FROM dept d, LATERAL (SELECT name, salary FROM emp e WHERE e.dept = d.id ORDER BY salary DESC NULLS LAST LIMIT 2) s ORDER BY d.id, s.salary DESC NULLS LAST, s.name;
SELECT d.name, s.name FROM dept d LEFT JOIN LATERAL (SELECT name FROM emp e WHERE e.dept = d.id ORDER BY id LIMIT 1) s ON true ORDER BY d.id;
SELECT d.name, s.c FROM dept d CROSS JOIN LATERAL (SELECT count(*) c FROM emp e WHERE e.dept = d.id) s ORDER BY d.id;
SELECT d.id, g FROM dept d, generate_series(1, d.id) g ORDER BY 1, 2;
SELECT d.id, g, h FROM dept d, generate_series(1, d.id) g, LATERAL (SELECT g * 10 + d.id) x(h) WHERE g > 1 ORDER BY 1, 2;
SELECT e.name, b.name FROM emp e LEFT JOIN LATERAL (SELECT i.name FROM emp i WHERE i.id = e.boss) b ON b.name <> 'ada' ORDER BY e.id;
SELECT a.x, b.y, c.z FROM (VALUES (1), (2)) a(x), LATERAL (SELECT a.x + 1) b(y), LATERAL (SELECT a.x + b.y) c(z) ORDER BY 1;
SELECT e.id, u.* FROM emp e, LATERAL (SELECT e.id AS v UNION ALL SELECT e.boss) u WHERE e.id < 4 ORDER BY 1, 2;
SELECT unnest(ARRAY[1,2,3]), generate_series(1, 2);
SELECT id, generate_series(1, id) FROM dept WHERE id < 3 ORDER BY 1, 2;
SELECT * FROM generate_series(1, 3) WITH ORDINALITY AS g(v, n);
SELECT * FROM ROWS FROM (generate_series(1, 3), generate_series(10, 11)) AS t(a, b);
SELECT g, g * 2 FROM generate_series(10, 1, -4) g;
SELECT x FROM unnest(ARRAY['b', NULL, 'a']) WITH ORDINALITY u(x, o) ORDER BY o DESC;
