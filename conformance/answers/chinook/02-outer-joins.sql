SELECT ar.artist_id, ar.name, al.title FROM artist ar LEFT JOIN album al ON al.artist_id = ar.artist_id
WHERE al.album_id IS NULL AND ar.name ~ '^[A-D]' ORDER BY ar.name COLLATE "C", ar.artist_id LIMIT 25;
SELECT e.last_name, count(c.customer_id) FROM employee e FULL JOIN customer c ON c.support_rep_id = e.employee_id
GROUP BY e.employee_id, e.last_name ORDER BY 2 DESC, 1;
SELECT g.name, m.name FROM genre g RIGHT JOIN media_type m ON m.media_type_id = g.genre_id ORDER BY m.media_type_id;
