CREATE TABLE k (id int PRIMARY KEY, t text, n numeric(6,2), d text DEFAULT 'dflt');
COPY k FROM STDIN;
1	one	1.5	x
2	tab\there	\N	y
3	back\\slash	3	
\.
COPY k (id, t) FROM STDIN WITH (FORMAT csv, HEADER);
id,t
4,"quoted, comma"
5,"double "" quote"
6,
7,""
\.
SELECT * FROM k ORDER BY id;
COPY k TO STDOUT;
COPY k TO STDOUT WITH (FORMAT csv, HEADER);
COPY k (t, id) TO STDOUT (DELIMITER '|', NULL 'nil');
COPY (SELECT id, n * 2 AS twice FROM k WHERE id < 3 ORDER BY id) TO STDOUT;
COPY k FROM STDIN;
8	a
\.
COPY k FROM STDIN;
x	a	1	b
\.
COPY k FROM STDIN;
8	a	1	b	c
\.
COPY k FROM STDIN;
1	dup	1	b
\.
COPY k (nothing) TO STDOUT;
COPY missing TO STDOUT;
COPY k TO STDOUT WITH (FORMAT xml);
SELECT count(*) FROM k;
