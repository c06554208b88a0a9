SELECT ar.name, top.title, top.tracks FROM artist ar
CROSS JOIN LATERAL (SELECT al.title, count(t.track_id) AS tracks FROM album al JOIN track t USING (album_id)
                    WHERE al.artist_id = ar.artist_id GROUP BY al.album_id, al.title ORDER BY tracks DESC, al.title LIMIT 2) top
WHERE ar.name LIKE 'L%' ORDER BY ar.name, top.tracks DESC, top.title;
SELECT c.first_name, x.* FROM customer c LEFT JOIN LATERAL (SELECT i.invoice_id, i.total FROM invoice i WHERE i.customer_id = c.customer_id ORDER BY i.total DESC, i.invoice_id LIMIT 1) x ON x.total > 20 ORDER BY c.customer_id LIMIT 30;
