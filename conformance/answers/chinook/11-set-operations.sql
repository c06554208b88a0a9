SELECT city FROM customer INTERSECT SELECT city FROM employee ORDER BY 1;
SELECT country FROM customer EXCEPT SELECT billing_country FROM invoice WHERE total > 10 ORDER BY 1;
(SELECT 'customer' AS kind, count(*) FROM customer) UNION ALL (SELECT 'employee', count(*) FROM employee) UNION ALL SELECT 'track', count(*) FROM track ORDER BY 2 DESC;
SELECT state FROM customer INTERSECT ALL SELECT billing_state FROM invoice ORDER BY 1 NULLS FIRST LIMIT 10;
