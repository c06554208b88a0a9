-- Named moments, and what else names one; the log of commits; the writes that made versions.
CREATE TABLE t (id int PRIMARY KEY, v text);
INSERT INTO t VALUES (1, 'one');
CREATE SNAPSHOT before_change;
--@ moment first
BEGIN;
SET LOCAL strata.commit_message = 'the change';
UPDATE t SET v = 'two';
COMMIT;
CREATE SNAPSHOT earlier AS OF @first;
SELECT v FROM t FOR SYSTEM_TIME AS OF 'before_change';
SELECT v FROM t FOR SYSTEM_TIME AS OF 'before_change' WHERE id = 1;
SELECT v FROM t AS OF SYSTEM TIME 'earlier';
SELECT v FROM t FOR SYSTEM_TIME AS OF concat('ear', 'lier') WHERE id = 1;
SELECT v FROM t FOR SYSTEM_TIME AS OF 'nothing' WHERE id = 1;
SELECT v FROM t FOR SYSTEM_TIME AS OF interval '-100 years';
SELECT v FROM t FOR SYSTEM_TIME AS OF '-100 years';
SELECT v FROM t FOR SYSTEM_TIME AS OF '0 s' WHERE id = 1;
SELECT v FROM t FOR SYSTEM_TIME AS OF interval '1 day';
SELECT s.name, s.owner, s.moment < s.created AS past, s.moment = @first AS first FROM strata.snapshots AS s ORDER BY 1;
-- Transactional, unique, its owner's.
BEGIN;
CREATE SNAPSHOT gone;
ROLLBACK;
SELECT v FROM t FOR SYSTEM_TIME AS OF 'gone';
CREATE SNAPSHOT earlier;
CREATE SNAPSHOT "2020-01-01";
CREATE SNAPSHOT today;
CREATE SNAPSHOT future AS OF '2999-01-01';
CREATE SNAPSHOT nothing AS OF NULL;
DROP SNAPSHOT nothing;
DROP SNAPSHOT IF EXISTS nothing;
BEGIN READ ONLY;
CREATE SNAPSHOT no;
ROLLBACK;
SET strata.as_of = @first;
CREATE SNAPSHOT no;
DROP SNAPSHOT earlier;
SELECT v FROM t;
RESET strata.as_of;
-- Commits.
SELECT c."user", c.database, c.message FROM strata.commits AS c WHERE message IS NOT NULL;
SELECT c.message FROM strata.commits AS c JOIN (SELECT _system_from FROM t) AS t ON t._system_from = c.time;
SELECT v FROM t FOR SYSTEM_TIME AS OF (SELECT 1);
SELECT count(*) = count(DISTINCT lsn) AS apart, bool_and(time <= now()) AS past FROM strata.commits;
SELECT count(*) FROM strata.commits AS OF SYSTEM TIME @first WHERE message IS NOT NULL;
BEGIN;
SELECT 1 AS reads_only;
SET LOCAL strata.commit_message = 'nothing written';
COMMIT;
BEGIN;
SET LOCAL strata.commit_message = 'rolled back';
INSERT INTO t VALUES (2, 'x');
ROLLBACK;
SELECT count(*) FROM strata.commits WHERE message IN ('nothing written', 'rolled back');
INSERT INTO strata.commits (message) VALUES ('forged');
DELETE FROM strata.snapshots;
DROP TABLE strata.commits;
SELECT v FROM t FOR SYSTEM_TIME AS OF (SELECT 1) LIMIT 1;
PREPARE at_commit AS SELECT v FROM t FOR SYSTEM_TIME AS OF $1::pg_lsn WHERE id = 1;
-- Writes.
SELECT count(DISTINCT _write_id) FROM t FOR SYSTEM_TIME ALL;
SELECT a._write_id = b._write_id AS same FROM t AS a, t FOR SYSTEM_TIME AS OF 'earlier' AS b;
SELECT pg_typeof(_write_id) FROM t;
SELECT * FROM t;
INSERT INTO t VALUES (5, 'five') RETURNING _write_id;
DELETE FROM t WHERE id = 5;
--@ checkpoint
--@ restart
SELECT v FROM t FOR SYSTEM_TIME AS OF 'earlier';
SELECT count(DISTINCT _write_id) FROM t FOR SYSTEM_TIME ALL WHERE id = 1;
SELECT message FROM strata.commits WHERE message IS NOT NULL;
DROP SNAPSHOT earlier;
SELECT v FROM t FOR SYSTEM_TIME AS OF 'earlier';
CREATE ROLE stranger LOGIN;
--@ role stranger
DROP SNAPSHOT before_change;
CREATE SNAPSHOT mine;
SELECT name, owner FROM strata.snapshots ORDER BY name;
DROP SNAPSHOT mine;
