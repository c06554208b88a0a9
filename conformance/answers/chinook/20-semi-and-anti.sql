SELECT count(*) FROM track WHERE track_id NOT IN (SELECT track_id FROM invoice_line);
SELECT count(*) FROM track t WHERE t.album_id IN (SELECT al.album_id FROM album al WHERE al.artist_id IN (SELECT artist_id FROM artist WHERE name LIKE 'M%'));
SELECT p.name, count(*) FROM playlist p JOIN playlist_track pt USING (playlist_id) WHERE (pt.playlist_id, pt.track_id) IN (SELECT 1, track_id FROM track WHERE milliseconds > 1000000) OR p.playlist_id = 18 GROUP BY p.playlist_id, p.name ORDER BY 1;
SELECT c.last_name, sum(i.total) AS spent FROM customer c JOIN invoice i USING (customer_id) GROUP BY c.customer_id HAVING sum(i.total) > (SELECT avg(s) FROM (SELECT sum(total) AS s FROM invoice GROUP BY customer_id) x) ORDER BY spent DESC, c.last_name FETCH FIRST 10 ROWS ONLY;
SELECT e.last_name, m.last_name AS manager FROM employee e LEFT JOIN employee m ON m.employee_id = e.reports_to ORDER BY e.employee_id OFFSET 2 LIMIT 4;
