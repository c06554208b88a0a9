SELECT billing_country, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY total) AS median,
       percentile_disc(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY total) AS quartiles, mode() WITHIN GROUP (ORDER BY billing_city) AS city
FROM invoice GROUP BY billing_country ORDER BY billing_country;
SELECT rank(5.00) WITHIN GROUP (ORDER BY total), percent_rank(5.00) WITHIN GROUP (ORDER BY total), cume_dist(5.00) WITHIN GROUP (ORDER BY total) FROM invoice;
