-- What the README shows of looking back and taking back.
CREATE TABLE t (id int PRIMARY KEY, amount int);
INSERT INTO t VALUES (1, 10);
--@ moment first
CREATE SNAPSHOT before_migration;
BEGIN;
SET LOCAL strata.commit_message = 'prices of May';
UPDATE t SET amount = 11;
COMMIT;
SELECT amount, _system_to = 'infinity' AS alive FROM strata.history('t', 1);
SELECT op, key, changed, old, new FROM strata.table_changes('t', @first, now());
SELECT * FROM t FOR SYSTEM_TIME AS OF 'before_migration';
SELECT message FROM strata.commits WHERE message IS NOT NULL;
RESTORE TABLE t TO SYSTEM_TIME AS OF 'before_migration';
SELECT * FROM t;
DROP TABLE t;
UNDROP TABLE t;
SELECT amount FROM strata.history('t', 1);
