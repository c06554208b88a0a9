SELECT date_trunc('month', invoice_date)::date AS month, count(*), sum(total) FROM invoice GROUP BY 1 ORDER BY 1 LIMIT 24;
SELECT d::date, (SELECT count(*) FROM invoice WHERE invoice_date::date = d::date) FROM generate_series(timestamp '2022-01-01', '2022-01-15', '1 day') d;
SELECT min(invoice_date), max(invoice_date), max(invoice_date) - min(invoice_date), justify_interval(max(invoice_date) - min(invoice_date)) FROM invoice;
SELECT employee_id, hire_date + interval '1 year 2 months 3 days' AS later, hire_date AT TIME ZONE 'Europe/Paris' AT TIME ZONE 'UTC', to_char(hire_date, 'ID IW IYYY DDD Q') FROM employee ORDER BY 1;
