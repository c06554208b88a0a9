CREATE TABLE k (a int, b text, c text DEFAULT 'd', d numeric);
COPY k FROM STDIN WHERE a > 1;
1	one	x	1.5
2	two	y	2.5
3	three	\N	\N
\.
COPY k (a, b) FROM STDIN WITH (FORMAT csv, HEADER match) WHERE b <> 'skip';
a,b
4,four
5,skip
6,"six, 6"
\.
COPY k (a, b) FROM STDIN WITH (FORMAT csv, HEADER match);
a,wrong
7,seven
\.
COPY k (a, b) FROM STDIN WITH (FORMAT csv, HEADER match);
a
7
\.
COPY k FROM STDIN WITH (HEADER match);
a	b	c	d
8	eight	h	8
\.
COPY k FROM STDIN WITH (HEADER true, FORMAT csv);
anything,goes,here,now
9,nine,n,9
\.
COPY k FROM STDIN WITH (FORMAT csv, FORCE_NULL (b, c), FORCE_NOT_NULL (b), NULL 'nil');
10,"nil","nil",1
11,nil,nil,nil
\.
COPY k FROM STDIN WITH (FORMAT csv, FORCE_NOT_NULL (b));
12,,,
\.
COPY k FROM STDIN WITH (FORMAT csv, FORCE_NULL (c));
13,"","",
\.
SELECT * FROM k ORDER BY a;
COPY k TO STDOUT WITH (FORMAT csv, FORCE_QUOTE (b, c));
COPY k TO STDOUT WITH (FORMAT csv, FORCE_QUOTE *, HEADER);
COPY (SELECT a, b FROM k WHERE a < 4 ORDER BY a) TO STDOUT WITH (FORMAT csv, HEADER, DELIMITER ';', QUOTE '''', NULL '-');
COPY (SELECT a, b, d FROM k ORDER BY a) TO STDOUT WITH (DELIMITER '|', NULL 'null', HEADER);
COPY k TO STDOUT WITH (FORMAT csv, ESCAPE '\', QUOTE '"');
COPY k TO STDOUT (FORCE_QUOTE (b));
COPY k TO STDOUT (FORMAT csv, FORCE_NULL (b));
COPY k TO STDOUT (FORMAT csv, HEADER match);
COPY k TO STDOUT (FORMAT csv, DELIMITER ',,');
COPY k TO STDOUT (FORMAT csv, QUOTE 'ab');
COPY k TO STDOUT (DELIMITER 'a');
COPY k TO STDOUT (NULL E'a\nb');
COPY k TO STDOUT (NONSENSE true);
COPY k TO STDOUT (FORMAT csv, FORMAT csv);
COPY k (a, a) TO STDOUT;
COPY k TO STDOUT CSV HEADER;
COPY missing TO STDOUT;
COPY (SELECT * FROM missing) TO STDOUT;
