SELECT billing_country, extract(year FROM invoice_date) AS year, count(*), sum(total), grouping(billing_country, extract(year FROM invoice_date))
FROM invoice WHERE billing_country IN ('Brazil', 'France', 'India', 'USA')
GROUP BY ROLLUP (billing_country, extract(year FROM invoice_date)) ORDER BY billing_country NULLS LAST, year NULLS LAST;
SELECT g.name, m.name, count(*), grouping(g.name, m.name) FROM track t JOIN genre g USING (genre_id) JOIN media_type m USING (media_type_id)
WHERE g.genre_id < 5 GROUP BY CUBE (g.name, m.name) ORDER BY 4, 1, 2;
SELECT customer_id % 3 AS a, billing_state IS NULL AS b, count(*) FROM invoice GROUP BY GROUPING SETS ((1), (2), ()) ORDER BY 1, 2;
