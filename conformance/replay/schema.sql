-- What the recorded clients look at: their schema, but for composite types, partitions, functions, triggers, rules and
-- row security.
CREATE SCHEMA app;
CREATE TYPE mood AS ENUM ('sad','ok','happy');
CREATE DOMAIN posint AS integer CHECK (VALUE > 0);
CREATE TABLE author (id serial PRIMARY KEY, name varchar(80) NOT NULL, email text UNIQUE, born date, bio text,
    m mood DEFAULT 'ok', tags text[], meta jsonb, created_at timestamptz DEFAULT now());
COMMENT ON TABLE author IS 'authors';
COMMENT ON COLUMN author.name IS 'full name';
CREATE TABLE book (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    author_id integer NOT NULL REFERENCES author(id) ON DELETE CASCADE, title text NOT NULL,
    price numeric(10,2) CHECK (price>=0), qty posint, tax numeric GENERATED ALWAYS AS (price*0.2) STORED,
    uid uuid DEFAULT gen_random_uuid(), body bytea, UNIQUE(author_id,title));
CREATE INDEX book_title_lower ON book (lower(title));
CREATE INDEX book_cheap ON book(price DESC NULLS LAST) INCLUDE (title) WHERE price<10;
CREATE VIEW v_book AS SELECT b.id,b.title,a.name FROM book b JOIN author a ON a.id=b.author_id;
CREATE MATERIALIZED VIEW mv_cnt AS SELECT author_id,count(*) c FROM book GROUP BY 1;
CREATE SEQUENCE app.s1 START 10 INCREMENT 5;
INSERT INTO author(name,email) VALUES('a','a@x'),('b','b@x');
INSERT INTO book(author_id,title,price,qty) VALUES (1,'t1',5,1),(2,'t2',15,2);
