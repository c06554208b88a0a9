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
SELECT dept, count(*), sum(salary), avg(salary), min(name), max(hired) FROM emp GROUP BY dept ORDER BY dept;
SELECT dept, grade, count(*) FROM emp GROUP BY ROLLUP (dept, grade) ORDER BY dept NULLS LAST, grade NULLS LAST, 3;
SELECT dept, grade, sum(salary), grouping(dept, grade) FROM emp GROUP BY CUBE (dept, grade) ORDER BY 4, 1, 2;
SELECT dept, grade, count(*), grouping(grade) FROM emp GROUP BY GROUPING SETS ((dept), (grade), ()) ORDER BY 4, 1, 2, 3;
SELECT count(*), sum(salary) FROM emp WHERE false;
SELECT dept, count(*) FROM emp WHERE false GROUP BY dept;
SELECT count(*) FROM emp WHERE false GROUP BY GROUPING SETS ((), (dept));
SELECT n, count(*) FROM num GROUP BY n ORDER BY n;
SELECT d, count(*) FROM num GROUP BY d ORDER BY d;
SELECT grade, count(*) FROM emp GROUP BY grade ORDER BY grade;
SELECT f, count(*) FROM num GROUP BY f ORDER BY f;
SELECT dept, count(DISTINCT salary), sum(DISTINCT salary), array_agg(DISTINCT grade ORDER BY grade DESC) FROM emp GROUP BY dept ORDER BY dept;
SELECT count(*) FILTER (WHERE salary > 400), count(salary), count(DISTINCT dept) FROM emp;
SELECT string_agg(name, ', ' ORDER BY salary DESC NULLS LAST, name), array_agg(id ORDER BY id DESC) FROM emp;
SELECT dept, array_agg(name ORDER BY name) FROM emp GROUP BY dept HAVING count(*) > 1 ORDER BY dept;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY salary), percentile_disc(0.5) WITHIN GROUP (ORDER BY salary), mode() WITHIN GROUP (ORDER BY dept) FROM emp;
SELECT dept, percentile_disc(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY salary) FROM emp GROUP BY dept ORDER BY dept;
SELECT rank(500) WITHIN GROUP (ORDER BY salary), dense_rank(300.25) WITHIN GROUP (ORDER BY salary) FROM emp;
SELECT dept + 1, count(*) FROM emp GROUP BY dept + 1 ORDER BY 1;
SELECT hired IS NULL, bool_and(salary > 100), bool_or(salary > 800), every(id > 0) FROM emp GROUP BY 1 ORDER BY 1;
SELECT max(k), min(k), max(t), min(t) FROM num;
SELECT max(k) FROM num;
SELECT min(k) FROM num WHERE k > 30;
SELECT max(k) FROM num WHERE k < 0;
SELECT a, sum(n), avg(n), sum(f), count(f) FROM num GROUP BY a ORDER BY a;
SELECT sum(a), avg(a), stddev(a), variance(a), corr(f, a) IS NULL FROM num;
SELECT DISTINCT n FROM num ORDER BY n;
SELECT DISTINCT dept, grade FROM emp ORDER BY 1, 2;
SELECT DISTINCT ON (dept) dept, name, salary FROM emp ORDER BY dept, salary DESC NULLS LAST, id;
SELECT DISTINCT ON (n) n, k FROM num ORDER BY n, k DESC;
SELECT DISTINCT grade FROM emp ORDER BY grade;
SELECT count(*), dept FROM emp GROUP BY dept ORDER BY count(*) DESC, dept;
SELECT sum(salary) / count(*) FROM emp HAVING count(*) > 100;
SELECT a % 2, b FROM (SELECT a, count(*) b FROM num GROUP BY a) s WHERE a > 3 ORDER BY a;
SELECT json_agg(name ORDER BY id) FROM dept;
