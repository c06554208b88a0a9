SELECT name, regexp_replace(name, '\s*\(.*\)', '') AS bare, substring(name FROM '\((.*)\)') AS inside, position('e' IN name) FROM track WHERE name ~ '\(.*[Ll]ive.*\)' ORDER BY track_id LIMIT 20;
SELECT name FROM artist WHERE name ILIKE '%the %' AND name NOT LIKE 'The%' ORDER BY name LIMIT 15;
SELECT regexp_split_to_array(composer, '[,/]\s*') FROM track WHERE composer LIKE '%,%' ORDER BY track_id LIMIT 10;
SELECT name FROM artist WHERE name SIMILAR TO '(A|B)[a-c]+%' ORDER BY name;
