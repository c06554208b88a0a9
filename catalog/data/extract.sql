-- Regenerates the data files of this folder from a PostgreSQL 15: run with psql in this folder, in a fresh database.
-- The functions of schema strata (oids from 9000) are not PostgreSQL's: their rows are added to functions.tsv by hand.
-- Only facts are taken: oids, names, signatures, descriptions. The list of kept types decides everything else.
\set ON_ERROR_STOP on
CREATE TEMP TABLE kept_relation AS
SELECT oid, reltype FROM pg_class
WHERE relkind IN ('r', 'v') AND oid < 16384;

CREATE TEMP TABLE kept_type AS
SELECT oid FROM pg_type t
WHERE t.oid < 16384 AND (t.typrelid IN (SELECT oid FROM kept_relation)
   OR typname IN ('bool', 'bytea', 'char', 'name', 'int8', 'int2', 'int2vector', 'int4', 'regproc', 'text', 'oid', 'tid',
     'xid', 'cid', 'oidvector', 'json', 'pg_node_tree', 'float4', 'float8', 'unknown', 'money', 'aclitem', 'bpchar',
     'varchar', 'date', 'time', 'timestamp', 'timestamptz', 'interval', 'timetz', 'bit', 'varbit', 'numeric',
     'regprocedure', 'regoper', 'regoperator', 'regclass', 'regcollation', 'regtype', 'regrole', 'regnamespace', 'uuid',
     'pg_lsn', 'jsonb', 'xid8', 'record', 'cstring', 'any', 'anyarray', 'void', 'trigger', 'internal', 'anyelement',
     'anynonarray', 'anyenum', 'anyrange', 'anycompatible', 'anycompatiblearray', 'anycompatiblenonarray',
     'anycompatiblerange', 'anymultirange', 'anycompatiblemultirange', 'inet', 'pg_ndistinct', 'pg_dependencies',
     'pg_mcv_list', 'index_am_handler', 'table_am_handler',
     'cardinal_number', 'character_data', 'sql_identifier', 'time_stamp', 'yes_or_no'));
INSERT INTO kept_type
SELECT oid FROM pg_type a WHERE typcategory = 'A' AND typelem IN (SELECT oid FROM kept_type)
  AND oid NOT IN (SELECT oid FROM kept_type);

CREATE TEMP TABLE kept_function AS
SELECT oid FROM pg_proc p
WHERE oid < 16384 AND prolang <> 13
  AND (SELECT bool_and(a IN (SELECT oid FROM kept_type)) FROM unnest(proargtypes::oid[] || prorettype) a)
  AND (proallargtypes IS NULL OR (SELECT bool_and(a IN (SELECT oid FROM kept_type)) FROM unnest(proallargtypes) a))
  AND proname !~ '^(gin|gist|brin|spg|ts_|ts|lo_|binary_upgrade|dsnowball|dsimple|dsynonym|dispell|thesaurus|prsd|RI_FKey|amvalidate|fmgr|path_|box_|poly_|circle_|line_|lseg_|point_)'
  AND prolang <> 13563;

CREATE TEMP TABLE kept_operator AS
SELECT oid FROM pg_operator
WHERE (oprleft = 0 OR oprleft IN (SELECT oid FROM kept_type)) AND oprright IN (SELECT oid FROM kept_type)
  AND oprresult IN (SELECT oid FROM kept_type) AND oprcode IN (SELECT oid FROM kept_function);

CREATE TEMP TABLE kept_opclass AS
SELECT oid, opcfamily FROM pg_opclass
WHERE opcmethod IN (403, 405) AND opcintype IN (SELECT oid FROM kept_type);

\copy (SELECT oid, relname, relnamespace, reltype, relkind, relisshared, relnatts, relacl FROM pg_class WHERE oid IN (SELECT oid FROM kept_relation) ORDER BY oid) TO 'relations.tsv' HEADER
\copy (SELECT attrelid, attnum, attname, atttypid, atttypmod, attlen, attndims, attbyval, attalign, attstorage, attnotnull, attcollation FROM pg_attribute WHERE attnum > 0 AND attrelid IN (SELECT oid FROM kept_relation) ORDER BY attrelid, attnum) TO 'columns.tsv' HEADER
\copy (SELECT oid, typname, typnamespace, typowner, typlen, typbyval, typtype, typcategory, typispreferred, typisdefined, typdelim, typrelid, typsubscript::oid, typelem, CASE WHEN typarray IN (SELECT oid FROM kept_type) THEN typarray ELSE 0 END AS typarray, typinput::oid, typoutput::oid, typreceive::oid, typsend::oid, typmodin::oid, typmodout::oid, typanalyze::oid, typalign, typstorage, typnotnull, typbasetype, typtypmod, typndims, typcollation, NULL AS typdefaultbin, typdefault, typacl FROM pg_type WHERE oid IN (SELECT oid FROM kept_type) ORDER BY oid) TO 'types.tsv' HEADER
\copy (SELECT oid, proname, pronamespace, proowner, prolang, procost, prorows, provariadic, prosupport::oid, prokind, prosecdef, proleakproof, proisstrict, proretset, provolatile, proparallel, pronargs, pronargdefaults, prorettype, proargtypes, proallargtypes, proargmodes, proargnames, pg_get_expr(proargdefaults, 0) AS proargdefaults, NULL AS protrftypes, prosrc, NULL AS probin, NULL AS prosqlbody, proconfig, NULL AS proacl FROM pg_proc WHERE oid IN (SELECT oid FROM kept_function) ORDER BY oid) TO 'functions.tsv' HEADER
\copy (SELECT oid, oprname, oprnamespace, oprowner, oprkind, oprcanmerge, oprcanhash, oprleft, oprright, oprresult, oprcom, oprnegate, oprcode::oid, oprrest::oid, oprjoin::oid FROM pg_operator WHERE oid IN (SELECT oid FROM kept_operator) ORDER BY oid) TO 'operators.tsv' HEADER
\copy (SELECT oid, castsource, casttarget, castfunc::oid, castcontext, castmethod FROM pg_cast WHERE castsource IN (SELECT oid FROM kept_type) AND casttarget IN (SELECT oid FROM kept_type) ORDER BY oid) TO 'casts.tsv' HEADER
\copy (SELECT aggfnoid::oid, aggkind, aggnumdirectargs, aggtransfn::oid, aggfinalfn::oid, aggcombinefn::oid, aggserialfn::oid, aggdeserialfn::oid, aggmtransfn::oid, aggminvtransfn::oid, aggmfinalfn::oid, aggfinalextra, aggmfinalextra, aggfinalmodify, aggmfinalmodify, aggsortop, aggtranstype, aggtransspace, aggmtranstype, aggmtransspace, agginitval, aggminitval FROM pg_aggregate WHERE aggfnoid::oid IN (SELECT oid FROM kept_function) ORDER BY 1) TO 'aggregates.tsv' HEADER
\copy (SELECT oid, amname, amhandler::oid, amtype FROM pg_am WHERE oid IN (2, 403, 405) ORDER BY oid) TO 'access_methods.tsv' HEADER
\copy (SELECT oid, opcmethod, opcname, opcnamespace, opcowner, opcfamily, opcintype, opcdefault, opckeytype FROM pg_opclass WHERE oid IN (SELECT oid FROM kept_opclass) ORDER BY oid) TO 'operator_classes.tsv' HEADER
\copy (SELECT oid, opfmethod, opfname, opfnamespace, opfowner FROM pg_opfamily WHERE oid IN (SELECT opcfamily FROM kept_opclass) ORDER BY oid) TO 'operator_families.tsv' HEADER
\copy (SELECT oid, amopfamily, amoplefttype, amoprighttype, amopstrategy, amoppurpose, amopopr, amopmethod, amopsortfamily FROM pg_amop WHERE amopfamily IN (SELECT opcfamily FROM kept_opclass) AND amopopr IN (SELECT oid FROM kept_operator) ORDER BY oid) TO 'family_operators.tsv' HEADER
\copy (SELECT oid, amprocfamily, amproclefttype, amprocrighttype, amprocnum, amproc::oid FROM pg_amproc WHERE amprocfamily IN (SELECT opcfamily FROM kept_opclass) AND amproc::oid IN (SELECT oid FROM kept_function) ORDER BY oid) TO 'family_functions.tsv' HEADER
\copy (SELECT oid, collname, collnamespace, collowner, collprovider, collisdeterministic, collencoding, collcollate, collctype, colliculocale, collversion FROM pg_collation WHERE collname IN ('default', 'C', 'POSIX', 'ucs_basic') ORDER BY oid) TO 'collations.tsv' HEADER
\copy (SELECT oid, lanname, lanowner, lanispl, lanpltrusted, lanplcallfoid, laninline, lanvalidator, lanacl FROM pg_language WHERE lanname IN ('internal', 'sql') ORDER BY oid) TO 'languages.tsv' HEADER
\copy (SELECT objoid, classoid, objsubid, description FROM pg_description WHERE objsubid = 0 AND ((classoid = 1255 AND objoid IN (SELECT oid FROM kept_function)) OR (classoid = 1247 AND objoid IN (SELECT oid FROM kept_type)) OR (classoid = 2617 AND objoid IN (SELECT oid FROM kept_operator)) OR (classoid = 2601 AND objoid IN (2, 403, 405)) OR (classoid = 2615 AND objoid IN (11, 99, 2200)) OR (classoid = 2612 AND objoid IN (12, 14)) OR (classoid = 3456 AND objoid IN (100, 950, 951, 12341))) ORDER BY classoid, objoid) TO 'descriptions.tsv' HEADER
