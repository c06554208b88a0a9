-- ANALYZE and what pg_stats shows of it. (Widths of numerics and arrays differ, and are left out; correlations go by where
-- PostgreSQL found room for a row.)
CREATE SCHEMA study;
CREATE DOMAIN study.score AS int CHECK (VALUE >= 0);
CREATE TYPE study.mood AS ENUM ('low', 'even', 'high');
CREATE TABLE study.reading (
  id int PRIMARY KEY, site text NOT NULL, kind varchar(10), value numeric, taken date, at timestamp, good boolean,
  rank study.score, mood study.mood, ratio float8, small int2, note text, body json, tags int[]
);
INSERT INTO study.reading
SELECT i, 'site ' || (i * i) % 7, CASE WHEN i % 10 < 6 THEN 'common' WHEN i % 3 = 0 THEN NULL ELSE 'kind ' || i % 40 END,
  (i % 50) / 4.0, date '2020-01-01' + (i % 300), timestamp '2021-01-01' + i * interval '1 hour', i % 5 = 0,
  (i * 37) % 1000, (enum_range(NULL::study.mood))[1 + i % 3], i / 8.0, i % 2, CASE WHEN i % 4 > 0 THEN repeat('x', i % 90) END,
  '{}', ARRAY[i % 3, i % 2]
FROM generate_series(1, 2000) AS i;
SELECT count(*) FROM pg_stats WHERE schemaname = 'study';
ANALYZE study.reading;
SELECT attname, inherited, null_frac, n_distinct, round(correlation::numeric, 1) AS correlation FROM pg_stats WHERE schemaname = 'study' ORDER BY attname;
SELECT attname, avg_width FROM pg_stats WHERE schemaname = 'study' AND attname NOT IN ('value', 'tags', 'body') ORDER BY 1;
SELECT attname, most_common_vals, most_common_freqs FROM pg_stats WHERE schemaname = 'study' ORDER BY attname;
SELECT attname, histogram_bounds FROM pg_stats WHERE schemaname = 'study' ORDER BY attname;
SELECT tablename, most_common_elems IS NULL FROM pg_stats WHERE attname = 'id';
-- Columns that are listed alone are renewed.
INSERT INTO study.reading (id, site) SELECT i, 'new' FROM generate_series(2001, 6000) AS i;
ANALYZE study.reading (site);
SELECT attname, null_frac, n_distinct FROM pg_stats WHERE attname IN ('site', 'kind') ORDER BY 1;
ANALYZE study.reading (site, nowhere);
ANALYZE study.reading (site, site);
VACUUM study.reading (site);
VACUUM (ANALYZE) study.reading (kind);
SELECT attname, null_frac FROM pg_stats WHERE attname IN ('kind', 'good') ORDER BY 1;
-- Values that are gone, types that have changed, columns that are dropped.
ALTER TABLE study.reading ALTER COLUMN small TYPE int8, DROP COLUMN good;
SELECT attname FROM pg_stats WHERE attname IN ('small', 'good', 'site') ORDER BY 1;
ANALYZE;
SELECT attname, n_distinct FROM pg_stats WHERE attname IN ('small', 'good', 'site') ORDER BY 1;
DELETE FROM study.reading;
ANALYZE study.reading;
SELECT count(*) FROM pg_stats WHERE schemaname = 'study';
-- All NULL, one row, a column without an order.
CREATE TABLE bare (a int, b text, c json, d text);
ANALYZE bare;
SELECT count(*) FROM pg_stats WHERE tablename = 'bare';
INSERT INTO bare VALUES (1, NULL, '{}', repeat('long', 2000));
ANALYZE bare;
SELECT attname, null_frac, n_distinct, most_common_vals, histogram_bounds, correlation FROM pg_stats WHERE tablename = 'bare' ORDER BY 1;
-- In a block and in a read-only transaction.
BEGIN;
INSERT INTO bare SELECT 2 FROM generate_series(1, 99);
ANALYZE bare (a);
COMMIT;
SELECT attname, n_distinct, most_common_vals, most_common_freqs FROM pg_stats WHERE tablename = 'bare' AND attname = 'a';
BEGIN READ ONLY;
ANALYZE bare;
COMMIT;
BEGIN;
VACUUM bare;
ROLLBACK;
-- What is refused, and what is passed over.
ANALYZE (verbos) bare;
ANALYZE (full) bare;
VACUUM (nonsense) bare;
ANALYZE (verbose maybe) bare;
VACUUM (full, parallel 2) bare;
VACUUM (freeze, analyze, parallel 2, index_cleanup off, truncate, skip_locked) bare;
VACUUM FULL bare;
VACUUM (analyze maybe) bare;
VACUUM (truncate 7) bare;
VACUUM (index_cleanup maybe) bare;
VACUUM (index_cleanup auto) bare;
VACUUM (parallel) bare;
VACUUM (parallel 2000) bare;
VACUUM (parallel many) bare;
VACUUM (full, parallel 0) bare;
CREATE VIEW shown AS SELECT 1 AS one;
ANALYZE shown;
ANALYZE missing;
ANALYZE pg_class;
CREATE MATERIALIZED VIEW kept AS SELECT a, count(*) AS n FROM bare GROUP BY a;
ANALYZE kept;
SELECT attname, n_distinct FROM pg_stats WHERE tablename = 'kept' ORDER BY 1;
-- Others see what they may read, and may not analyze.
CREATE ROLE reader;
GRANT SELECT ON kept TO reader;
SET ROLE reader;
SELECT DISTINCT tablename FROM pg_stats WHERE schemaname = 'public';
ANALYZE bare;
VACUUM bare;
RESET ROLE;
REVOKE ALL ON kept FROM reader;
DROP ROLE reader;
DROP TABLE bare CASCADE;
SELECT count(*) FROM pg_stats WHERE tablename = 'bare';
