SELECT DISTINCT ON (billing_country) billing_country, invoice_id, total FROM invoice ORDER BY billing_country, total DESC, invoice_id;
SELECT DISTINCT unit_price, media_type_id FROM track ORDER BY 1, 2;
SELECT count(DISTINCT composer), count(composer), count(*) FROM track;
