-- _prev_write_id: the write of the version that a version replaced, wherever both of them lie.
CREATE TABLE t (id int PRIMARY KEY, v text, w int UNIQUE);
CREATE TABLE bare (a int, b int);
-- Versions that do not lead on to the version that they replaced, and heads of a row's history; both counted by time alone.
CREATE VIEW broken AS SELECT count(*) FROM t FOR SYSTEM_TIME ALL AS new
    LEFT JOIN t FOR SYSTEM_TIME ALL AS old ON old._write_id = new._prev_write_id AND old._system_to = new._system_from
    WHERE (old.id IS NULL) <> (new._prev_write_id IS NULL);
INSERT INTO t VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 3);
INSERT INTO bare VALUES (1, 1), (2, 1), (3, 1);
SELECT id, _prev_write_id IS NULL AS inserted FROM t ORDER BY id;
SELECT _prev_write_id IS NULL AS inserted FROM t WHERE id = 1;
--@ moment first
UPDATE t SET v = 'uno' WHERE id = 1;
UPDATE bare SET b = 2 WHERE a < 3;
SELECT new.id, new._prev_write_id = old._write_id AS leads FROM t AS new JOIN t FOR SYSTEM_TIME AS OF @first AS old USING (id) ORDER BY 1;
SELECT _prev_write_id = (SELECT _write_id FROM t FOR SYSTEM_TIME AS OF @first WHERE id = 1) AS leads FROM t WHERE id = 1;
SELECT new.a, new._prev_write_id = old._write_id AS leads FROM bare AS new JOIN bare FOR SYSTEM_TIME AS OF @first AS old USING (a) ORDER BY 1;
-- What is not committed has no write and has replaced nothing; several updates in one transaction are one.
BEGIN;
UPDATE t SET v = 'un' WHERE id = 1;
SELECT _write_id, _prev_write_id FROM t WHERE id = 1;
SELECT count(_write_id), count(_prev_write_id) FROM t;
UPDATE t SET v = 'eins' WHERE id = 1;
SAVEPOINT s;
UPDATE t SET v = 'lost' WHERE id = 2;
ROLLBACK TO s;
INSERT INTO t VALUES (4, 'four', 4);
UPDATE t SET v = 'vier' WHERE id = 4;
COMMIT;
SELECT v, lag(_write_id) OVER (ORDER BY _system_from) IS NOT DISTINCT FROM _prev_write_id AS leads FROM t FOR SYSTEM_TIME ALL WHERE id = 1 ORDER BY _system_from;
SELECT id, v, _prev_write_id IS NULL AS inserted FROM t ORDER BY id;
-- A changed key, keys that are exchanged, a row that is deleted and inserted again.
--@ moment second
UPDATE t SET id = 30 WHERE id = 3;
UPDATE t SET w = w + 100 WHERE id <= 2;
BEGIN;
UPDATE t SET id = 99 WHERE id = 1;
UPDATE t SET id = 1 WHERE id = 2;
UPDATE t SET id = 2 WHERE id = 99;
COMMIT;
DELETE FROM t WHERE id = 4;
INSERT INTO t VALUES (4, 'again', 4);
SELECT new.id, new.v, old.id AS was, old.v AS was_v FROM t AS new LEFT JOIN t FOR SYSTEM_TIME ALL AS old ON old._write_id = new._prev_write_id ORDER BY 1;
SELECT new.v, old.id AS was FROM t AS new JOIN t FOR SYSTEM_TIME ALL AS old ON old._write_id = new._prev_write_id WHERE new.id = 30;
SELECT count(*) AS versions, count(_prev_write_id) AS updates FROM t FOR SYSTEM_TIME ALL;
SELECT * FROM broken;
--@ checkpoint
SELECT new.id, new.v, old.id AS was, old.v AS was_v FROM t AS new LEFT JOIN t FOR SYSTEM_TIME ALL AS old ON old._write_id = new._prev_write_id ORDER BY 1;
SELECT count(*) AS versions, count(_prev_write_id) AS updates FROM t FOR SYSTEM_TIME ALL;
SELECT * FROM broken;
-- The new version in memory, the old one in a segment.
UPDATE t SET v = v || '!' WHERE id IN (2, 30);
UPDATE bare SET b = 3;
SELECT new.id, new.v, old.v AS was FROM t AS new LEFT JOIN t FOR SYSTEM_TIME ALL AS old ON old._write_id = new._prev_write_id ORDER BY 1;
SELECT * FROM broken;
--@ restart
SELECT new.id, new.v, old.v AS was FROM t AS new LEFT JOIN t FOR SYSTEM_TIME ALL AS old ON old._write_id = new._prev_write_id ORDER BY 1;
SELECT new.a, new.b, old.b AS was FROM bare AS new JOIN bare FOR SYSTEM_TIME ALL AS old ON old._write_id = new._prev_write_id ORDER BY 1;
SELECT count(*) AS versions, count(_prev_write_id) AS updates FROM t FOR SYSTEM_TIME ALL;
SELECT * FROM broken;
UPDATE t SET id = 31 WHERE id = 30;
--@ checkpoint
UPDATE t SET id = 32 WHERE id = 31;
--@ checkpoint
VACUUM t;
VACUUM bare;
SELECT new.id, new.v, old.id AS was FROM t AS new LEFT JOIN t FOR SYSTEM_TIME ALL AS old ON old._write_id = new._prev_write_id ORDER BY 1;
SELECT id, _prev_write_id IS NOT NULL AS updated FROM t FOR SYSTEM_TIME AS OF @second ORDER BY id;
SELECT * FROM broken;
--@ restart
SELECT * FROM broken;
SELECT new.a, new.b, old.b AS was FROM bare AS new JOIN bare FOR SYSTEM_TIME ALL AS old ON old._write_id = new._prev_write_id ORDER BY 1;
-- Emptied tables, and rows by the thousand in one commit.
TRUNCATE t;
SELECT * FROM broken;
INSERT INTO t SELECT n, 'n', n FROM generate_series(1, 3000) AS n;
UPDATE t SET v = 'm', id = -id WHERE w % 3 = 0;
UPDATE t SET v = 'o' WHERE w % 2 = 0;
SELECT count(*), count(_prev_write_id), count(DISTINCT _prev_write_id) FROM t;
SELECT * FROM broken;
--@ checkpoint
SELECT count(*), count(_prev_write_id), count(DISTINCT _prev_write_id) FROM t;
SELECT * FROM broken;
SELECT _prev_write_id IS NULL AS inserted FROM t WHERE id IN (-3, -6, 1, 2) ORDER BY id;
-- The history that is given up leads nowhere.
ALTER TABLE t SET (history_retention = '0 s');
UPDATE t SET v = 'last' WHERE id = 1;
CHECKPOINT;
VACUUM t;
SELECT count(_prev_write_id) FROM t WHERE id <> 1;
-- Shown when named; a view may show it, a kept one and a feed may not.
SELECT * FROM bare ORDER BY a LIMIT 1;
CREATE MATERIALIZED VIEW kept AS SELECT _prev_write_id FROM t;
SUBSCRIBE (SELECT _prev_write_id FROM bare);
UPDATE bare SET b = 4 WHERE a = 1 RETURNING _prev_write_id;
UPDATE bare SET b = 5 WHERE _prev_write_id IS NOT NULL;
SELECT a, b FROM bare ORDER BY a;
