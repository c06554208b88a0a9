SELECT c.customer_id, c.last_name, (SELECT max(total) FROM invoice i WHERE i.customer_id = c.customer_id) AS biggest,
       (SELECT string_agg(i.invoice_id::text, ',' ORDER BY i.invoice_id) FROM invoice i WHERE i.customer_id = c.customer_id AND i.total > 10) AS big_ones
FROM customer c WHERE EXISTS (SELECT 1 FROM invoice i WHERE i.customer_id = c.customer_id AND i.total > 15) ORDER BY c.customer_id;
SELECT name FROM genre g WHERE NOT EXISTS (SELECT FROM track t WHERE t.genre_id = g.genre_id AND t.milliseconds < 300000) ORDER BY name;
SELECT a.title FROM album a WHERE (SELECT count(*) FROM track t WHERE t.album_id = a.album_id) > ALL (SELECT 25 UNION SELECT 20) ORDER BY 1;
