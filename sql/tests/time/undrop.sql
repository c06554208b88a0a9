-- UNDROP TABLE: the table that was dropped last under a name, with what belonged to it.
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent VALUES (1), (2);
CREATE TABLE t (id serial PRIMARY KEY, p int REFERENCES parent, v text NOT NULL DEFAULT 'none', n int CHECK (n > 0));
CREATE INDEX by_v ON t (v) WHERE n > 1;
COMMENT ON TABLE t IS 'a table';
COMMENT ON COLUMN t.v IS 'a column';
CREATE VIEW over_t AS SELECT v FROM t;
INSERT INTO t (p, v, n) VALUES (1, 'one', 1), (2, 'two', 2);
--@ moment first
UPDATE t SET v = 'changed' WHERE id = 1;
DROP TABLE t CASCADE;
--@ moment gone
SELECT * FROM t;
BEGIN;
UNDROP TABLE t;
SELECT id, v FROM t ORDER BY id;
INSERT INTO t (p, n) VALUES (1, 7);
ROLLBACK;
SELECT * FROM t;
UNDROP TABLE t;
SELECT * FROM t ORDER BY id;
INSERT INTO t (p, n) VALUES (2, 3) RETURNING id, v;
INSERT INTO t (id) VALUES (1);
INSERT INTO t (p) VALUES (9);
INSERT INTO t (n) VALUES (0);
SELECT v FROM t WHERE v = 'two' AND n > 1;
SELECT v FROM t FOR SYSTEM_TIME AS OF @first WHERE id = 1;
SELECT v FROM strata.history('t', 1);
SELECT * FROM t FOR SYSTEM_TIME AS OF @gone;
SELECT obj_description('t'::regclass), col_description('t'::regclass, 3);
SELECT indexname FROM pg_indexes WHERE tablename = 't' ORDER BY 1;
SELECT conname, contype FROM pg_constraint WHERE conrelid = 't'::regclass ORDER BY 1;
SELECT * FROM over_t;
DELETE FROM parent WHERE id = 1;
UNDROP TABLE t;
--@ checkpoint
SELECT count(*) FROM t;
--@ restart
SELECT id, v FROM t ORDER BY id;
UPDATE t SET v = 'after' WHERE id = 2;
-- The latest of the name; a name that is taken.
DROP TABLE t;
CREATE TABLE t (other int);
INSERT INTO t VALUES (42);
UNDROP TABLE t;
ALTER TABLE t RENAME TO former;
UNDROP TABLE t;
SELECT id, v FROM t ORDER BY id;
DROP TABLE former;
DROP TABLE t;
--@ checkpoint
--@ restart
CREATE TABLE t (again int);
DROP TABLE t;
UNDROP TABLE t;
SELECT * FROM t;
UNDROP TABLE former;
SELECT * FROM former;
UNDROP TABLE nothing;
UNDROP TABLE public.nothing;
UNDROP TABLE parent;
-- A foreign key to what is gone is left out; one that does not hold, and a type that is gone, are errors.
CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES parent, t int REFERENCES former2);
CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES parent);
INSERT INTO child VALUES (1, 2);
DROP TABLE child;
DELETE FROM parent WHERE id = 2;
UNDROP TABLE child;
INSERT INTO parent VALUES (2);
UNDROP TABLE child;
SELECT * FROM child;
DROP TABLE child;
DROP TABLE parent CASCADE;
UNDROP TABLE child;
SELECT count(*) FROM pg_constraint WHERE conrelid = 'child'::regclass;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE moods (m mood);
DROP TABLE moods;
DROP TYPE mood;
UNDROP TABLE moods;
BEGIN READ ONLY;
UNDROP TABLE moods;
ROLLBACK;
CREATE TABLE owned (a int);
DROP TABLE owned;
CREATE ROLE stranger LOGIN;
--@ role stranger
UNDROP TABLE owned;
