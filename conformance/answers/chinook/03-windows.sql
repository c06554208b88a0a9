SELECT invoice_id, customer_id, total, sum(total) OVER w AS running, rank() OVER (ORDER BY total DESC) AS place,
       lag(total, 1, 0.00) OVER w AS before, round(100 * total / sum(total) OVER (), 4) AS share
FROM invoice WINDOW w AS (PARTITION BY customer_id ORDER BY invoice_date, invoice_id)
ORDER BY customer_id, invoice_id LIMIT 40;
SELECT billing_country, ntile(4) OVER (ORDER BY sum(total), billing_country), first_value(billing_country) OVER (ORDER BY sum(total) DESC, billing_country),
       sum(sum(total)) OVER (ORDER BY sum(total), billing_country ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)
FROM invoice GROUP BY billing_country ORDER BY sum(total), billing_country;
SELECT invoice_date::date, total, count(*) OVER (ORDER BY invoice_date RANGE BETWEEN '7 days' PRECEDING AND CURRENT ROW) FROM invoice ORDER BY invoice_date, invoice_id LIMIT 20;
