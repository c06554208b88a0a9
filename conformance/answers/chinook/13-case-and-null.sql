SELECT CASE WHEN milliseconds < 120000 THEN 'short' WHEN milliseconds < 300000 THEN 'normal' ELSE 'long' END AS kind, count(*), min(milliseconds), max(bytes), avg(bytes)
FROM track GROUP BY 1 ORDER BY 2;
SELECT coalesce(company, '(private)'), nullif(state, 'SP'), greatest(length(first_name), length(last_name)), fax IS NULL, state IS DISTINCT FROM 'CA' FROM customer ORDER BY customer_id LIMIT 20;
SELECT customer_id FROM customer WHERE state NOT IN ('CA', 'NY', NULL);
SELECT count(*) FILTER (WHERE composer IS NULL), count(*) FILTER (WHERE composer LIKE '%/%'), bool_and(unit_price > 0), bool_or(bytes IS NULL) FROM track;
