-- Tables and indexes as clients list them by the statistics views. (What is counted differs, and is left out.)
CREATE SCHEMA depot;
CREATE TABLE depot.part (id int PRIMARY KEY, name text UNIQUE, price numeric);
CREATE INDEX part_price ON depot.part (price DESC) WHERE price > 0;
CREATE TABLE bare (x int);
CREATE MATERIALIZED VIEW cheap AS SELECT id FROM depot.part;
CREATE VIEW plain AS SELECT 1;
CREATE SEQUENCE counter;
SELECT schemaname, relname, indexrelname FROM pg_stat_user_indexes ORDER BY 1, 2, 3;
SELECT schemaname, relname FROM pg_stat_user_tables ORDER BY 1, 2;
SELECT i.indexrelname, c.conname FROM pg_stat_user_indexes i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid ORDER BY 1;
SELECT s.relid = c.oid AND s.relid = 'depot.part'::regclass AS right FROM pg_stat_all_tables s JOIN pg_class c ON c.relname = s.relname WHERE s.relname = 'part';
SELECT indexrelid::regclass, relid::regclass FROM pg_stat_all_indexes WHERE schemaname = 'depot' ORDER BY indexrelname;
DROP INDEX depot.part_price;
SELECT indexrelname FROM pg_stat_user_indexes ORDER BY 1;
DROP TABLE depot.part CASCADE;
SELECT count(*) FROM pg_stat_user_indexes;
SELECT relname FROM pg_stat_user_tables ORDER BY 1;
