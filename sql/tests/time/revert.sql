-- strata.revert: one row becomes what it was, by the statement that this takes.
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent VALUES (1), (2);
CREATE TABLE t (id int PRIMARY KEY, p int REFERENCES parent, v text UNIQUE, n numeric CHECK (n > 0), g int GENERATED ALWAYS AS (id * 2) STORED, j json);
INSERT INTO t VALUES (1, 1, 'one', 1, DEFAULT, '{"a": 1}'), (2, 2, 'two', 2, DEFAULT, NULL), (3, 1, 'three', 3, DEFAULT, NULL);
CREATE MATERIALIZED VIEW total AS SELECT count(*), sum(n) FROM t;
--@ moment first
UPDATE t SET v = 'changed', n = 11, j = '{"a": 2}' WHERE id = 1;
DELETE FROM t WHERE id = 2;
INSERT INTO t VALUES (4, 1, 'four', 4);
SELECT strata.revert('t', 1, @first);
SELECT strata.revert('t', 1, @first);
SELECT strata.revert('t', 2, @first) AS done;
SELECT strata.revert('t', 4, @first);
SELECT strata.revert('t', 99, @first);
SELECT * FROM t ORDER BY id;
SELECT * FROM total;
SELECT id, v, _prev_write_id IS NULL AS inserted FROM t ORDER BY id;
-- In a transaction, of own writes, and taken back with it.
BEGIN;
UPDATE t SET v = 'own' WHERE id = 3;
DELETE FROM t WHERE id = 1;
SELECT strata.revert('t', 3, @first);
SELECT strata.revert('t', 1, @first);
SELECT id, v FROM t ORDER BY id;
UPDATE t SET v = 'lost' WHERE id = 3;
SELECT strata.revert('t'::regclass, '3', now());
ROLLBACK;
SELECT id, v FROM t ORDER BY id;
-- Prepared, with parameters for keys and moment.
--@ moment second
UPDATE t SET n = 30 WHERE id = 3;
PREPARE back AS SELECT strata.revert('t', $1, $2);
EXECUTE back (3, @second);
EXECUTE back (3, @second);
SELECT id, n FROM t WHERE id = 3;
-- Keys of several columns, of other types, and rows that are nothing but their key.
CREATE TABLE pair (a text, b date, PRIMARY KEY (a, b));
INSERT INTO pair VALUES ('x', '2020-01-01');
CREATE TABLE many (a int, b text, c int, PRIMARY KEY (b, a));
INSERT INTO many VALUES (1, 'x', 1), (1, 'y', 2);
CREATE SNAPSHOT before;
DELETE FROM pair;
UPDATE many SET c = c + 10;
SELECT strata.revert('pair', 'x', '2020-01-01', 'before');
SELECT strata.revert('pair', 'x', date '2020-01-01', 'before');
SELECT strata.revert('public.many', 'y', 1, 'before');
SELECT * FROM many ORDER BY b;
SELECT * FROM pair;
-- Constraints and foreign keys hold, or it fails.
DELETE FROM t WHERE id = 2;
DELETE FROM parent WHERE id = 2;
SELECT strata.revert('t', 2, @first);
INSERT INTO parent VALUES (2);
UPDATE t SET v = 'un' WHERE id = 1;
INSERT INTO t VALUES (5, 1, 'one', 5);
SELECT strata.revert('t', 1, @first);
DELETE FROM t WHERE id = 5;
SELECT strata.revert('parent', 1, '2000-01-01');
ALTER TABLE t ADD CHECK (n < 2) NOT VALID;
SELECT strata.revert('t', 2, @first);
-- Columns that came, went and changed.
ALTER TABLE t DROP CONSTRAINT t_n_check1;
ALTER TABLE t ADD COLUMN extra text DEFAULT 'new';
ALTER TABLE t RENAME COLUMN v TO label;
ALTER TABLE t DROP COLUMN j;
ALTER TABLE t RENAME TO renamed;
SELECT strata.revert('renamed', 2, @first);
SELECT strata.revert('renamed', 1, @first);
SELECT * FROM renamed ORDER BY id;
--@ checkpoint
--@ restart
UPDATE renamed SET label = 'later' WHERE id = 1;
SELECT strata.revert('renamed', 1, @first);
SELECT id, label FROM renamed ORDER BY id;
-- What cannot be.
SELECT strata.revert('nothing', 1, @first);
SELECT strata.revert('total', 1, @first);
CREATE TABLE keyless (a int);
SELECT strata.revert('keyless', 1, @first);
SELECT strata.revert('renamed', @first);
SELECT strata.revert('renamed', 1, 2, @first);
SELECT strata.revert('renamed', 'x', @first);
SELECT strata.revert('renamed', date '2020-01-01', @first);
SELECT strata.revert('renamed', true, @first);
SELECT strata.revert('renamed', 1, 7);
SELECT strata.revert('renamed', 1, '2999-01-01');
SELECT strata.revert('renamed', 1, '1999-01-01');
SELECT strata.revert('renamed', 1, NULL);
SELECT strata.revert('renamed', NULL, @first);
SELECT strata.revert('renamed');
SELECT strata.revert();
SELECT strata.revert('renamed', (SELECT 1), @first);
SELECT strata.revert('renamed', id, @first) FROM renamed;
SELECT strata.revert('renamed', 1, @first) WHERE true;
SELECT upper(strata.revert('renamed', 1, @first));
SELECT * FROM strata.revert('renamed', 1, @first);
SELECT strata.revert(DISTINCT 'renamed', 1, @first);
SELECT strata.revert('many', 'x', 1, @first);
EXPLAIN SELECT strata.revert('renamed', 1, @first);
BEGIN READ ONLY;
SELECT strata.revert('renamed', 1, @first);
ROLLBACK;
SET strata.as_of = @first;
SELECT strata.revert('renamed', 1, @first);
RESET strata.as_of;
ALTER TABLE many SET (history_retention = '0 s');
UPDATE many SET c = 0;
CHECKPOINT;
VACUUM many;
SELECT strata.revert('many', 'x', 1, 'before');
CREATE ROLE reader LOGIN;
GRANT SELECT ON renamed TO reader;
UPDATE renamed SET label = 'once more' WHERE id = 1;
--@ role reader
SELECT strata.revert('renamed', 1, @first);
SELECT strata.revert('renamed', 3, now());
SELECT strata.revert('pair', 'x', '2020-01-01', now());
