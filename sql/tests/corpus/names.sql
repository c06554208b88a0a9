CREATE TABLE public.whole (id int PRIMARY KEY, tags text[]);
CREATE TABLE elsewhere.public.t (a int);
CREATE TABLE IF NOT EXISTS elsewhere.public.t (a int);
CREATE VIEW elsewhere.public.v AS SELECT 1;
ALTER TABLE elsewhere.public.whole RENAME TO part;
DROP TABLE elsewhere.public.whole;
DROP TABLE IF EXISTS elsewhere.public.whole;
TRUNCATE elsewhere.public.whole;
CREATE INDEX ON elsewhere.public.whole (id);
SELECT * FROM elsewhere.public.whole;
INSERT INTO elsewhere.public.whole VALUES (1);
DELETE FROM elsewhere.public.whole;
SELECT count(*) FROM whole;
SELECT information_schema._pg_expandarray(ARRAY['a', 'b', NULL]);
SELECT (information_schema._pg_expandarray(ARRAY[10, 20])).x;
SELECT (q.k).n, (q.k).x FROM (SELECT information_schema._pg_expandarray(ARRAY[1.5, 2]) AS k) q;
SELECT information_schema._pg_expandarray(NULL::int[]);
CREATE UNIQUE INDEX whole_both ON whole (tags, id);
SELECT result.name, result.number, a.attname
FROM (SELECT ci.relname AS name, i.indrelid, (information_schema._pg_expandarray(i.indkey)).n AS number,
             information_schema._pg_expandarray(i.indkey) AS keys
      FROM pg_index i JOIN pg_class ci ON ci.oid = i.indexrelid WHERE i.indrelid = 'whole'::regclass) result
JOIN pg_attribute a ON a.attrelid = result.indrelid AND a.attnum = (result.keys).x
ORDER BY 1, 2;
