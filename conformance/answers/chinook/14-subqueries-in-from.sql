SELECT year, country, total FROM (
  SELECT extract(year FROM invoice_date) AS year, billing_country AS country, sum(total) AS total,
         row_number() OVER (PARTITION BY extract(year FROM invoice_date) ORDER BY sum(total) DESC, billing_country) AS place
  FROM invoice GROUP BY 1, 2) ranked WHERE place <= 3 ORDER BY year, place;
SELECT a.n, b.n FROM (VALUES (1, 'one'), (2, 'two'), (3, NULL)) AS a (i, n) NATURAL JOIN (VALUES (2, 'zwei'), (3, 'drei')) AS c (i, m) JOIN (VALUES (2, 'deux'), (3, 'trois')) b (i, n) USING (i);
