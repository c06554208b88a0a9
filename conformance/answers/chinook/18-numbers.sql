SELECT genre_id, sum(unit_price), avg(unit_price), stddev(milliseconds), variance(bytes), round(corr(milliseconds, bytes)::numeric, 9), round(regr_slope(bytes, milliseconds)::numeric, 9) FROM track WHERE genre_id < 6 GROUP BY 1 ORDER BY 1;
SELECT total, total * 1.19, total / 3, total % 2, -total, round(total, 1), trunc(total, 1), ceil(total), floor(total), sqrt(total), power(total, 2), total::int, total::float8 FROM invoice ORDER BY invoice_id LIMIT 15;
SELECT sum(bytes), avg(bytes), sum(milliseconds)::float8 / count(*), bit_and(media_type_id), max(milliseconds) - min(milliseconds) FROM track;
SELECT width_bucket(total, 0, 30, 6) AS bucket, count(*) FROM invoice GROUP BY 1 ORDER BY 1;
