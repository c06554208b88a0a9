-- RESTORE TABLE: the difference is written, as anybody's change.
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent VALUES (1), (2);
CREATE TABLE t (id int PRIMARY KEY, p int REFERENCES parent, v text UNIQUE, n numeric CHECK (n > 0), g int GENERATED ALWAYS AS (id * 2) STORED, j json);
INSERT INTO t VALUES (1, 1, 'one', 1, DEFAULT, '{"a": 1}'), (2, 2, 'two', 2, DEFAULT, NULL), (3, 1, 'three', 3, DEFAULT, NULL);
--@ moment first
UPDATE t SET v = 'changed', n = 11, j = '{"a": 2}' WHERE id = 1;
DELETE FROM t WHERE id = 2;
INSERT INTO t VALUES (4, 1, 'four', 4);
UPDATE t SET n = n + 1 WHERE id = 3;
UPDATE t SET n = n - 1 WHERE id = 3;
--@ moment second
BEGIN;
RESTORE TABLE t TO SYSTEM_TIME AS OF @first;
SELECT * FROM t ORDER BY id;
ROLLBACK;
SELECT id, v FROM t ORDER BY id;
RESTORE TABLE t TO SYSTEM_TIME AS OF @first;
SELECT * FROM t ORDER BY id;
SELECT op, key, changed FROM strata.table_changes('t', @second, now());
SELECT id, v FROM t FOR SYSTEM_TIME AS OF @second ORDER BY id;
RESTORE TABLE t TO SYSTEM_TIME AS OF @second;
SELECT id, p, v, n, g FROM t ORDER BY id;
-- Columns come and go, and change their names and types.
ALTER TABLE t ADD COLUMN extra text DEFAULT 'new';
ALTER TABLE t RENAME COLUMN v TO label;
ALTER TABLE t DROP CONSTRAINT t_n_check;
ALTER TABLE t ALTER COLUMN n TYPE double precision;
ALTER TABLE t DROP COLUMN j;
ALTER TABLE t RENAME TO renamed;
RESTORE TABLE renamed TO SYSTEM_TIME AS OF @first;
SELECT * FROM renamed ORDER BY id;
-- Foreign keys and checks hold, or it fails.
DELETE FROM renamed WHERE id = 2;
DELETE FROM parent WHERE id = 2;
RESTORE TABLE renamed TO SYSTEM_TIME AS OF @first;
SELECT id FROM renamed ORDER BY id;
INSERT INTO parent VALUES (2);
ALTER TABLE renamed ADD CHECK (n < 2) NOT VALID;
RESTORE TABLE renamed TO SYSTEM_TIME AS OF @first;
RESTORE TABLE parent TO SYSTEM_TIME AS OF '2000-01-01';
-- Without a key, rows are known by their writes.
CREATE TABLE keyless (a int, b text);
INSERT INTO keyless VALUES (1, 'x'), (1, 'x'), (2, 'y');
--@ moment third
DELETE FROM keyless WHERE a = 2;
UPDATE keyless SET b = 'z' WHERE a = 1;
INSERT INTO keyless VALUES (3, 'w');
RESTORE TABLE keyless TO SYSTEM_TIME AS OF @third;
SELECT * FROM keyless ORDER BY a, b;
BEGIN;
INSERT INTO keyless VALUES (9, 'own');
UPDATE keyless SET b = 'own' WHERE a = 2;
RESTORE TABLE keyless TO SYSTEM_TIME AS OF @third;
SELECT * FROM keyless ORDER BY a, b;
COMMIT;
TRUNCATE keyless;
RESTORE TABLE keyless TO SYSTEM_TIME AS OF @third;
SELECT count(*) FROM keyless;
-- What cannot be.
RESTORE TABLE nothing TO SYSTEM_TIME AS OF @first;
RESTORE TABLE keyless TO SYSTEM_TIME AS OF @first;
RESTORE TABLE keyless TO SYSTEM_TIME AS OF '2999-01-01';
RESTORE TABLE keyless TO SYSTEM_TIME AS OF NULL;
RESTORE TABLE keyless TO SYSTEM_TIME AS OF a;
CREATE VIEW v AS SELECT 1 AS one;
RESTORE TABLE v TO SYSTEM_TIME AS OF @third;
BEGIN READ ONLY;
RESTORE TABLE keyless TO SYSTEM_TIME AS OF @third;
ROLLBACK;
SET strata.as_of = @third;
RESTORE TABLE keyless TO SYSTEM_TIME AS OF @third;
RESET strata.as_of;
CREATE ROLE stranger LOGIN;
--@ restart
SELECT count(*) FROM keyless;
--@ role stranger
RESTORE TABLE keyless TO SYSTEM_TIME AS OF @third;
