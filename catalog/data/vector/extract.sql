-- Regenerates the data files of this folder: what the extension vector brings, beside the files of the folder above.
-- Run with psql in this folder, in a fresh database of a PostgreSQL that has pgvector 0.8. What is not served (distances
-- of bit, vector indexes over sparsevec) is left out. Only facts are taken: names, signatures, contexts.
-- PostgreSQL gives these objects oids as they are made; here they have fixed ones below 9000, which PostgreSQL leaves
-- free, numbered over all objects of the extension, so that none moves when more of them are served. Schema 8190
-- stands for the one that the extension is installed in.
\set ON_ERROR_STOP on
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TEMP TABLE member AS
SELECT classid, objid FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'vector');
INSERT INTO member SELECT 'pg_type'::regclass, typarray FROM pg_type
WHERE oid IN (SELECT objid FROM member WHERE classid = 'pg_type'::regclass) AND typarray <> 0
  AND typarray NOT IN (SELECT objid FROM member WHERE classid = 'pg_type'::regclass);
INSERT INTO member SELECT 'pg_amop'::regclass, oid FROM pg_amop
WHERE amopfamily IN (SELECT objid FROM member WHERE classid = 'pg_opfamily'::regclass);
INSERT INTO member SELECT 'pg_amproc'::regclass, oid FROM pg_amproc
WHERE amprocfamily IN (SELECT objid FROM member WHERE classid = 'pg_opfamily'::regclass);

CREATE TEMP TABLE renumbered AS
SELECT classid, objid, (CASE classid::regclass::text
    WHEN 'pg_type' THEN 8199 WHEN 'pg_proc' THEN 8299 WHEN 'pg_operator' THEN 8499 WHEN 'pg_cast' THEN 8599
    WHEN 'pg_am' THEN 8699 WHEN 'pg_opfamily' THEN 8709 WHEN 'pg_opclass' THEN 8749 WHEN 'pg_amop' THEN 8799
    WHEN 'pg_amproc' THEN 8899 END + row_number() OVER (PARTITION BY classid ORDER BY objid))::oid AS number
FROM member;

CREATE FUNCTION pg_temp.new(class regclass, object oid) RETURNS oid LANGUAGE sql
RETURN coalesce((SELECT number FROM renumbered WHERE classid = class AND objid = object), object);
CREATE FUNCTION pg_temp.new_list(class regclass, objects oidvector) RETURNS text LANGUAGE sql
RETURN (SELECT coalesce(string_agg(pg_temp.new(class, o)::text, ' ' ORDER BY n), '')
        FROM unnest(objects::oid[]) WITH ORDINALITY AS u(o, n));

CREATE TEMP TABLE kept_function AS
SELECT p.oid FROM pg_proc p JOIN member ON classid = 'pg_proc'::regclass AND objid = p.oid
WHERE proname !~ '(handler|_support)$'
  AND proname NOT IN ('hamming_distance', 'jaccard_distance');
CREATE TEMP TABLE kept_operator AS
SELECT o.oid FROM pg_operator o WHERE oprcode IN (SELECT oid FROM kept_function);
CREATE TEMP TABLE kept_class AS
SELECT c.oid, c.opcfamily FROM pg_opclass c JOIN member ON classid = 'pg_opclass'::regclass AND objid = c.oid
WHERE opcname !~ '^bit_' AND opcname !~ '^sparsevec_.*_ops';

\copy (SELECT pg_temp.new('pg_type', oid) AS oid, typname, 8190 AS typnamespace, 10 AS typowner, typlen, typbyval, typtype, typcategory, typispreferred, typisdefined, typdelim, typrelid, typsubscript::oid, pg_temp.new('pg_type', typelem) AS typelem, pg_temp.new('pg_type', typarray) AS typarray, pg_temp.new('pg_proc', typinput) AS typinput, pg_temp.new('pg_proc', typoutput) AS typoutput, pg_temp.new('pg_proc', typreceive) AS typreceive, pg_temp.new('pg_proc', typsend) AS typsend, pg_temp.new('pg_proc', typmodin) AS typmodin, pg_temp.new('pg_proc', typmodout) AS typmodout, typanalyze::oid, typalign, typstorage, typnotnull, typbasetype, typtypmod, typndims, typcollation, NULL AS typdefaultbin, typdefault, typacl FROM pg_type WHERE oid IN (SELECT objid FROM member WHERE classid = 'pg_type'::regclass) ORDER BY 1) TO 'types.tsv' HEADER
\copy (SELECT pg_temp.new('pg_proc', oid) AS oid, proname, 8190 AS pronamespace, 10 AS proowner, 12 AS prolang, procost, prorows, provariadic, prosupport::oid, prokind, prosecdef, proleakproof, proisstrict, proretset, provolatile, proparallel, pronargs, pronargdefaults, pg_temp.new('pg_type', prorettype) AS prorettype, pg_temp.new_list('pg_type', proargtypes) AS proargtypes, NULL AS proallargtypes, proargmodes, proargnames, NULL AS proargdefaults, NULL AS protrftypes, prosrc, NULL AS probin, NULL AS prosqlbody, proconfig, NULL AS proacl FROM pg_proc WHERE oid IN (SELECT oid FROM kept_function) ORDER BY 1) TO 'functions.tsv' HEADER
\copy (SELECT pg_temp.new('pg_operator', oid) AS oid, oprname, 8190 AS oprnamespace, 10 AS oprowner, oprkind, oprcanmerge, oprcanhash, pg_temp.new('pg_type', oprleft) AS oprleft, pg_temp.new('pg_type', oprright) AS oprright, pg_temp.new('pg_type', oprresult) AS oprresult, pg_temp.new('pg_operator', oprcom) AS oprcom, pg_temp.new('pg_operator', oprnegate) AS oprnegate, pg_temp.new('pg_proc', oprcode) AS oprcode, oprrest::oid, oprjoin::oid FROM pg_operator WHERE oid IN (SELECT oid FROM kept_operator) ORDER BY 1) TO 'operators.tsv' HEADER
\copy (SELECT pg_temp.new('pg_cast', oid) AS oid, pg_temp.new('pg_type', castsource) AS castsource, pg_temp.new('pg_type', casttarget) AS casttarget, pg_temp.new('pg_proc', castfunc) AS castfunc, castcontext, castmethod FROM pg_cast WHERE castfunc IN (SELECT oid FROM kept_function) ORDER BY 1) TO 'casts.tsv' HEADER
\copy (SELECT pg_temp.new('pg_proc', aggfnoid) AS aggfnoid, aggkind, aggnumdirectargs, pg_temp.new('pg_proc', aggtransfn) AS aggtransfn, pg_temp.new('pg_proc', aggfinalfn) AS aggfinalfn, pg_temp.new('pg_proc', aggcombinefn) AS aggcombinefn, aggserialfn::oid, aggdeserialfn::oid, aggmtransfn::oid, aggminvtransfn::oid, aggmfinalfn::oid, aggfinalextra, aggmfinalextra, aggfinalmodify, aggmfinalmodify, aggsortop, pg_temp.new('pg_type', aggtranstype) AS aggtranstype, aggtransspace, aggmtranstype, aggmtransspace, agginitval, aggminitval FROM pg_aggregate WHERE aggfnoid IN (SELECT oid FROM kept_function) ORDER BY 1) TO 'aggregates.tsv' HEADER
\copy (SELECT pg_temp.new('pg_am', oid) AS oid, amname, 0 AS amhandler, amtype FROM pg_am WHERE oid IN (SELECT objid FROM member WHERE classid = 'pg_am'::regclass) ORDER BY 1) TO 'access_methods.tsv' HEADER
\copy (SELECT pg_temp.new('pg_opclass', oid) AS oid, pg_temp.new('pg_am', opcmethod) AS opcmethod, opcname, 8190 AS opcnamespace, 10 AS opcowner, pg_temp.new('pg_opfamily', opcfamily) AS opcfamily, pg_temp.new('pg_type', opcintype) AS opcintype, opcdefault, opckeytype FROM pg_opclass WHERE oid IN (SELECT oid FROM kept_class) ORDER BY 1) TO 'operator_classes.tsv' HEADER
\copy (SELECT pg_temp.new('pg_opfamily', oid) AS oid, pg_temp.new('pg_am', opfmethod) AS opfmethod, opfname, 8190 AS opfnamespace, 10 AS opfowner FROM pg_opfamily WHERE oid IN (SELECT opcfamily FROM kept_class) ORDER BY 1) TO 'operator_families.tsv' HEADER
\copy (SELECT pg_temp.new('pg_amop', oid) AS oid, pg_temp.new('pg_opfamily', amopfamily) AS amopfamily, pg_temp.new('pg_type', amoplefttype) AS amoplefttype, pg_temp.new('pg_type', amoprighttype) AS amoprighttype, amopstrategy, amoppurpose, pg_temp.new('pg_operator', amopopr) AS amopopr, pg_temp.new('pg_am', amopmethod) AS amopmethod, amopsortfamily FROM pg_amop WHERE amopfamily IN (SELECT opcfamily FROM kept_class) AND amopopr IN (SELECT oid FROM kept_operator) ORDER BY 1) TO 'family_operators.tsv' HEADER
\copy (SELECT pg_temp.new('pg_amproc', oid) AS oid, pg_temp.new('pg_opfamily', amprocfamily) AS amprocfamily, pg_temp.new('pg_type', amproclefttype) AS amproclefttype, pg_temp.new('pg_type', amprocrighttype) AS amprocrighttype, amprocnum, pg_temp.new('pg_proc', amproc) AS amproc FROM pg_amproc WHERE amprocfamily IN (SELECT opcfamily FROM kept_class) AND amproc::oid IN (SELECT oid FROM kept_function) ORDER BY 1) TO 'family_functions.tsv' HEADER
