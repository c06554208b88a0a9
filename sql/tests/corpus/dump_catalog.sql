-- What a dump of a database reads of the catalog.
CREATE SEQUENCE ticket AS integer START WITH 10 INCREMENT BY 5;
SELECT last_value, is_called FROM ticket;
SELECT setval('ticket', 40);
SELECT t.last_value, t.is_called FROM ticket AS t;
SELECT attname, atttypid::regtype, attnotnull FROM pg_attribute WHERE attrelid = 'ticket'::regclass AND attnum > 0 ORDER BY attnum;
SELECT relnatts FROM pg_class WHERE relname = 'ticket';
CREATE DOMAIN code AS character varying(12) DEFAULT 'A' || 'B';
COMMENT ON DOMAIN code IS 'a code';
COMMENT ON DOMAIN missing IS 'a code';
CREATE TYPE mood AS ENUM ('sad', 'happy');
COMMENT ON DOMAIN mood IS 'a mood';
SELECT obj_description('code'::regtype, 'pg_type');
SELECT typdefault, pg_get_expr(typdefaultbin, 'pg_type'::regclass) FROM pg_type WHERE typname = 'code';
CREATE TABLE g (a int, b int GENERATED ALWAYS AS (a + 1) STORED, c int DEFAULT 3, d code, e varchar(7));
SELECT attname, atttypmod FROM pg_attribute WHERE attrelid = 'g'::regclass AND attnum > 0 ORDER BY attnum;
SELECT d.refobjsubid, d.deptype FROM pg_depend d JOIN pg_attrdef a ON d.objid = a.oid AND d.classid = 'pg_attrdef'::regclass WHERE a.adrelid = 'g'::regclass AND d.refclassid = 'pg_class'::regclass ORDER BY 1, 2;
SELECT objoid::regnamespace, classoid::regclass, objsubid, privtype FROM pg_init_privs WHERE objoid = 11;
SELECT count(*) FROM pg_init_privs i JOIN pg_class c ON c.oid = i.objoid AND i.classoid = 'pg_class'::regclass AND i.objsubid = 0 WHERE c.relname IN ('pg_class', 'pg_authid') AND i.initprivs = c.relacl;
SELECT x.relkind, pg_get_viewdef(x.oid) IS NULL OR length(pg_get_viewdef(x.oid)) > 0 FROM pg_class x WHERE x.relname = 'g';
-- A column that another is computed of does not go alone.
INSERT INTO g (a) VALUES (1);
ALTER TABLE g DROP COLUMN a;
CREATE VIEW reader AS SELECT b FROM g;
ALTER TABLE g DROP COLUMN a CASCADE;
SELECT * FROM g;
SELECT * FROM reader;
DROP TABLE g;
CREATE TABLE g (a int, b int GENERATED ALWAYS AS (a + 1) STORED);
ALTER TABLE g DROP COLUMN b;
SELECT * FROM g;
DROP TABLE g;
CREATE TABLE g (a int, b int GENERATED ALWAYS AS (a + 1) STORED, c int GENERATED ALWAYS AS (a + 2) STORED);
CREATE INDEX g_b ON g (b);
DROP TABLE g;
-- Every NULL of a side takes the type of its own column.
CREATE VIEW v AS SELECT 1 AS a, ARRAY[1] AS b, 'x'::text AS c, 2.5 AS d UNION ALL SELECT 0, NULL, NULL, NULL;
SELECT pg_get_viewdef('v'::regclass);
SELECT * FROM v ORDER BY a;
CREATE TABLE several (a int, b int[], c text, d date);
INSERT INTO several SELECT NULL, NULL, NULL, NULL;
INSERT INTO several SELECT 1, '{1}'::int[], '1', NULL UNION ALL SELECT NULL, NULL, NULL, '2026-01-01'::date;
SELECT * FROM several ORDER BY a, d;
-- Schemas that every database has stay.
DROP SCHEMA pg_toast;
DROP SCHEMA pg_catalog CASCADE;
-- N'...' is a literal of type character, whose blanks at the end go with the type.
CREATE TABLE national (a varchar(20), b text, c character(4));
INSERT INTO national VALUES (N'blank ', N'blank ', N'b ');
SELECT quote_literal(a), quote_literal(b), c FROM national;
SELECT length(N'abc  '), N'it''s' || 'x', n FROM (SELECT 1 AS n) AS s;
-- A column's name has its schema and table before it, and no database.
CREATE SEQUENCE numbers;
ALTER SEQUENCE numbers OWNED BY public.national.a;
SELECT pg_get_serial_sequence('national', 'a');
