SELECT ar.name AS artist, al.title, count(*) AS tracks, sum(t.milliseconds) AS total, round(avg(t.unit_price), 3) AS price
FROM artist ar JOIN album al USING (artist_id) JOIN track t ON t.album_id = al.album_id
GROUP BY ar.name, al.title HAVING count(*) > 20 ORDER BY tracks DESC, al.title;
