create table people (id int primary key, name text not null, age smallint, height float8, salary numeric(10,2), born date, seen timestamptz, tags text[], data jsonb, active bool default true, code varchar(10), flag char(3), big bigint, raw bytea, span interval, boss int)
create table orders (id bigint generated always as identity, person int not null, amount numeric, placed timestamp default now(), note varchar, total numeric generated always as (amount * 2) stored)
create table items (order_id bigint, line int, sku text, qty int default 1, price real, primary key (order_id, line))
create table pairs (a int, b int, c text)
create unique index people_name on people (lower(name)) where active
create unique index pairs_ab on pairs (a, b)
create view rich as select id, name, salary * 2 as double from people where salary > 100
create view richer (k, n) as select r.id, r.name from rich r join orders o on o.person = r.id
