-- Reads of one row by its key, as of moments: by clause, by statement, by setting, before and after the shapes change.
CREATE TABLE t (id int PRIMARY KEY, name text, amount int);
INSERT INTO t VALUES (1, 'one', 10), (2, 'two', 20);
--@ moment first
UPDATE t SET amount = amount + 1;
DELETE FROM t WHERE id = 2;
--@ moment second
INSERT INTO t VALUES (2, 'anew', 5);
SELECT name, amount FROM t FOR SYSTEM_TIME AS OF @first WHERE id = 1;
SELECT name, amount FROM t FOR SYSTEM_TIME AS OF timestamptz @first WHERE id = 2;
SELECT name, amount FROM t FOR SYSTEM_TIME AS OF @second WHERE id = 2;
SELECT name, amount FROM t AS OF SYSTEM TIME @first WHERE id = 2;
SELECT name, amount FROM t WHERE id = 2;
SET strata.as_of = @first;
SELECT name, amount FROM t WHERE id = 1;
SELECT name, amount FROM t WHERE id = 2;
SET strata.as_of = @second;
SELECT name, amount FROM t WHERE id = 1;
SELECT name, amount FROM t WHERE id = 2;
RESET strata.as_of;
SELECT name, amount FROM t WHERE id = 1;
SELECT name FROM t FOR SYSTEM_TIME AS OF '2999-01-01' WHERE id = 1;
SELECT name FROM t FOR SYSTEM_TIME AS OF 'no moment' WHERE id = 1;
SELECT name FROM t FOR SYSTEM_TIME AS OF '1999-01-01' WHERE id = 1;
SELECT name FROM t FOR SYSTEM_TIME AS OF NULL WHERE id = 1;
-- Another shape, another key.
ALTER TABLE t RENAME COLUMN name TO label;
SELECT name FROM t FOR SYSTEM_TIME AS OF @first WHERE id = 1;
SELECT label FROM t FOR SYSTEM_TIME AS OF @first WHERE id = 1;
CREATE UNIQUE INDEX by_label ON t (label);
SELECT id FROM t FOR SYSTEM_TIME AS OF @first WHERE name = 'two';
PREPARE p AS SELECT amount FROM t FOR SYSTEM_TIME AS OF $1 WHERE id = $2;
EXECUTE p (@first, 1);
EXECUTE p (@second, 1);
EXECUTE p (@second, 2);
EXECUTE p (clock_timestamp(), 2);
BEGIN;
UPDATE t SET amount = 100 WHERE id = 1;
SELECT amount FROM t FOR SYSTEM_TIME AS OF @second WHERE id = 1;
SELECT amount FROM t WHERE id = 1;
ROLLBACK;
--@ checkpoint
SELECT name, amount FROM t FOR SYSTEM_TIME AS OF @first WHERE id = 2;
--@ restart
SELECT name, amount FROM t FOR SYSTEM_TIME AS OF @first WHERE id = 2;
SELECT name, amount FROM t FOR SYSTEM_TIME AS OF @first WHERE id = 2;
SELECT name, amount FROM t AS OF SYSTEM TIME @second WHERE id = 2;
