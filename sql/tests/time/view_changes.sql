-- strata.table_changes of materialized views.
CREATE TABLE t (id int PRIMARY KEY, g int, v int);
--@ moment empty
INSERT INTO t VALUES (1, 1, 10), (2, 1, 20), (3, NULL, 5);
CREATE MATERIALIZED VIEW m AS SELECT g, count(*) AS n, sum(v) AS s FROM t GROUP BY g;
CREATE MATERIALIZED VIEW plain AS SELECT g, v FROM t;
--@ moment made
UPDATE t SET v = v + 1 WHERE id IN (1, 3);
BEGIN;
INSERT INTO t VALUES (4, 2, 7);
DELETE FROM t WHERE id = 3;
COMMIT;
--@ moment changed
UPDATE t SET v = v WHERE id = 1;
--@ moment same
-- What was there when the view was made came with it.
SELECT op, key, changed, old, new FROM strata.table_changes('m', @empty, @made);
-- Its groups tell rows apart.
SELECT op, key, changed, old, new FROM strata.table_changes('m', @made, @changed);
SELECT count(*) FROM strata.table_changes('m', @changed, @same);
-- Nothing tells the rows of the other apart, until an index does.
SELECT op, key, changed, old, new FROM strata.table_changes('plain', @made, @changed);
CREATE UNIQUE INDEX ON plain (g, v);
CREATE MATERIALIZED VIEW keyed AS SELECT id, v FROM t;
CREATE UNIQUE INDEX ON keyed (id);
--@ moment before
UPDATE t SET v = 100 WHERE id = 1;
--@ moment after
SELECT op, key, changed, old, new FROM strata.table_changes('keyed', @before, @after);
-- The times are those of the commits beneath.
SELECT at = (SELECT max(at) FROM strata.table_changes('t', @before, @after)) AS same FROM strata.table_changes('m', @before, @after);
--@ restart
SELECT op, key, changed, old, new FROM strata.table_changes('m', @made, @changed);
-- A renamed column goes by the name that it has at the end of the period.
ALTER MATERIALIZED VIEW m RENAME COLUMN n TO rows;
SELECT new FROM strata.table_changes('m', @before, @after);
SELECT new FROM strata.table_changes('m', @before, now());
-- An emptied table; a view that is left and made WITH NO DATA.
--@ moment full
TRUNCATE t;
--@ moment emptied
SELECT op, old FROM strata.table_changes('m', @full, @emptied);
CREATE MATERIALIZED VIEW late AS SELECT count(*) AS n FROM t WITH NO DATA;
INSERT INTO t VALUES (1, 1, 1);
SELECT count(*) FROM strata.table_changes('late', @empty, now());
REFRESH MATERIALIZED VIEW late;
SELECT op, new FROM strata.table_changes('late', @empty, now());
-- Views that are not kept exact change with their steps.
CREATE MATERIALIZED VIEW slow WITH (refresh = manual) AS SELECT v FROM t;
UPDATE t SET v = 2;
SELECT op, old, new FROM strata.table_changes('slow', @empty, now());
REFRESH MATERIALIZED VIEW slow;
SELECT op, old, new FROM strata.table_changes('slow', @empty, now());
-- A commit after which the query fails is told of by nobody.
CREATE MATERIALIZED VIEW ratio AS SELECT id, 10 / v AS r FROM t;
--@ moment well
INSERT INTO t VALUES (2, 2, 0);
--@ moment failing
DELETE FROM t WHERE id = 2;
SELECT op, new FROM strata.table_changes('ratio', @well, @failing);
SELECT op, new FROM strata.table_changes('ratio', @empty, @well);
-- What cannot be.
CREATE VIEW v AS SELECT * FROM t;
SELECT * FROM strata.table_changes('v', @empty, @made);
SELECT * FROM strata.table_changes('m', @made, @empty);
SELECT * FROM strata.table_changes('m', @made, '2999-01-01');
SELECT * FROM strata.history('m', 1);
-- Privileges.
CREATE ROLE stranger LOGIN;
GRANT SELECT ON keyed TO stranger;
--@ role stranger
SELECT * FROM strata.table_changes('m', @made, @changed);
SELECT count(*) FROM strata.table_changes('keyed', @before, @after);
