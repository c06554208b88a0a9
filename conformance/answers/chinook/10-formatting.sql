SELECT invoice_id, to_char(invoice_date, 'YYYY-MM-DD HH24:MI:SS Day DDth Month'), to_char(total, 'FM999,990.00'), to_char(total, '$9G990D99MI'),
       lpad(invoice_id::text, 8, '*'), format('%s has %L for %I', customer_id, billing_city, billing_country)
FROM invoice ORDER BY invoice_id LIMIT 15;
SELECT initcap(lower(title)), upper(left(title, 3)), length(title), md5(title), reverse(title), split_part(title, ' ', 2) FROM album ORDER BY album_id LIMIT 12;
SELECT birth_date, age(timestamp '2020-06-15', birth_date), extract(epoch FROM birth_date), date_trunc('quarter', hire_date), hire_date - birth_date FROM employee ORDER BY employee_id;
