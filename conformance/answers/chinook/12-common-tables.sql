WITH sold AS (SELECT t.genre_id, il.quantity * il.unit_price AS amount FROM invoice_line il JOIN track t USING (track_id)),
     by_genre AS MATERIALIZED (SELECT genre_id, sum(amount) AS amount, count(*) AS n FROM sold GROUP BY genre_id)
SELECT g.name, b.amount, b.n, round(b.amount / (SELECT sum(amount) FROM by_genre) * 100, 2) AS percent FROM by_genre b JOIN genre g USING (genre_id) ORDER BY b.amount DESC, g.name;
