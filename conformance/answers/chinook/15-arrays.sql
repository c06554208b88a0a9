SELECT billing_country, array_agg(DISTINCT billing_city ORDER BY billing_city) AS cities, (array_agg(total ORDER BY total DESC))[1:3] AS top, cardinality(array_agg(invoice_id)) FROM invoice GROUP BY 1 ORDER BY 1 LIMIT 12;
SELECT g.genre_id, x.ordinality, x.word FROM genre g, unnest(string_to_array(g.name, ' ')) WITH ORDINALITY AS x(word, ordinality) ORDER BY 1, 2 LIMIT 20;
SELECT name FROM genre WHERE genre_id = ANY (ARRAY[1, 3, 5]) OR name = ANY ('{Jazz,Opera}') ORDER BY genre_id;
SELECT generate_series(1, 3), ARRAY(SELECT name FROM media_type ORDER BY media_type_id), ARRAY[[1,2],[3,4]] || ARRAY[5,6];
