//! Functions whose answer only a running session has: routed to `Environment::system_call` by their oid.
//!
//! Deparsers (pg_get_viewdef and its kin) are routed too: they need statements' trees, which functions do not see.

use engine::Value;

use crate::error::Result;
use crate::evaluate::Context;
use crate::functions::Call;
use crate::functions::registry::{ScalarFunction, Scalars};

fn ask(context: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    context.environment.system_call(call.function, arguments)
}

const ASK: ScalarFunction = ask;

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // pg_cancel_backend(int4)
    (2171, ASK),
    // pg_terminate_backend(int4,int8)
    (2096, ASK),
    // pg_sleep(float8)
    (2626, ASK),
    // pg_notify(text,text)
    (3036, ASK),
    // pg_blocking_pids(int4)
    (2561, ASK),
    // pg_sleep_for(interval)
    (3935, ASK),
    // pg_sleep_until(timestamptz)
    (3936, ASK),
    // pg_advisory_lock(int8)
    (2880, ASK),
    // pg_advisory_xact_lock(int8)
    (3089, ASK),
    // pg_advisory_lock_shared(int8)
    (2881, ASK),
    // pg_advisory_xact_lock_shared(int8)
    (3090, ASK),
    // pg_try_advisory_lock(int8)
    (2882, ASK),
    // pg_try_advisory_xact_lock(int8)
    (3091, ASK),
    // pg_try_advisory_lock_shared(int8)
    (2883, ASK),
    // pg_try_advisory_xact_lock_shared(int8)
    (3092, ASK),
    // pg_advisory_unlock(int8)
    (2884, ASK),
    // pg_advisory_unlock_shared(int8)
    (2885, ASK),
    // pg_advisory_lock(int4,int4)
    (2886, ASK),
    // pg_advisory_xact_lock(int4,int4)
    (3093, ASK),
    // pg_advisory_lock_shared(int4,int4)
    (2887, ASK),
    // pg_advisory_xact_lock_shared(int4,int4)
    (3094, ASK),
    // pg_try_advisory_lock(int4,int4)
    (2888, ASK),
    // pg_try_advisory_xact_lock(int4,int4)
    (3095, ASK),
    // pg_try_advisory_lock_shared(int4,int4)
    (2889, ASK),
    // pg_try_advisory_xact_lock_shared(int4,int4)
    (3096, ASK),
    // pg_advisory_unlock(int4,int4)
    (2890, ASK),
    // pg_advisory_unlock_shared(int4,int4)
    (2891, ASK),
    // pg_advisory_unlock_all()
    (2892, ASK),
    // pg_relation_size(regclass,text)
    (2332, ASK),
    // pg_total_relation_size(regclass)
    (2286, ASK),
    // pg_table_size(regclass)
    (2997, ASK),
    // pg_indexes_size(regclass)
    (2998, ASK),
    // pg_database_size(oid)
    (2324, ASK),
    // pg_tablespace_size(oid), (name)
    (2322, ASK),
    (2323, ASK),
    // pg_database_size(name)
    (2168, ASK),
    // txid_current()
    (2943, ASK),
    // pg_current_xact_id()
    (5059, ASK),
    // txid_current_if_assigned()
    (3348, ASK),
    // pg_current_xact_id_if_assigned()
    (5060, ASK),
    // pg_postmaster_start_time()
    (2560, ASK),
    // pg_conf_load_time()
    (2034, ASK),
    // pg_is_in_recovery()
    (3810, ASK),
    // pg_reload_conf()
    (2621, ASK),
    // pg_isolation_test_session_is_blocked(int4,_int4)
    (3378, ASK),
    // pg_get_viewdef(oid)
    (1641, ASK),
    // pg_get_viewdef(oid,bool)
    (2506, ASK),
    // pg_get_viewdef(oid,int4)
    (3159, ASK),
    // pg_get_viewdef(text)
    (1640, ASK),
    // pg_get_viewdef(text,bool)
    (2505, ASK),
    // pg_get_indexdef(oid)
    (1643, ASK),
    // pg_get_indexdef(oid,int4,bool)
    (2507, ASK),
    // pg_get_constraintdef(oid)
    (1387, ASK),
    // pg_get_constraintdef(oid,bool)
    (2508, ASK),
    // pg_get_expr(pg_node_tree,oid)
    (1716, ASK),
    // pg_get_expr(pg_node_tree,oid,bool)
    (2509, ASK),
    // pg_get_ruledef(oid)
    (1573, ASK),
    // pg_get_ruledef(oid,bool)
    (2504, ASK),
    // pg_sequence_last_value(regclass)
    (4032, ASK),
    // strata.snapshot_time()
    (9000, ASK),
    // pg_relation_size(regclass)
    (2325, ASK),
];
