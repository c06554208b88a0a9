SELECT json_build_object('id', album_id, 'title', title), to_json(title), row_to_json(a) FROM album a ORDER BY album_id LIMIT 5;
SELECT jsonb_agg(jsonb_build_object('n', name, 'id', genre_id) ORDER BY genre_id) -> 3 ->> 'n', json_agg(name ORDER BY name) FROM genre WHERE genre_id < 8;
SELECT key, value FROM jsonb_each('{"a": 1, "bb": [true, null], "c": {"d": "x"}}');
SELECT '{"a": {"b": [10, 20]}}'::jsonb #> '{a,b}', '{"a": {"b": [10, 20]}}'::jsonb #>> '{a,b,1}', '{"a":1,"b":2}'::jsonb @> '{"b":2}', '{"a":1}'::jsonb || '{"c":3}';
