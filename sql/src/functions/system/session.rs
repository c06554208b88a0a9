//! Facts about the session: names, settings, version.

use engine::Value;

use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::Call;
use crate::functions::argument::{at, contextual, scalar};
use crate::functions::registry::Scalars;
use crate::types::array::Array;
use crate::types::oid;

fn version(context: &Context) -> String {
    let version = context.environment.setting("server_version").unwrap_or_else(|| "15".to_owned());
    format!(
        "PostgreSQL {version} (Strata {}) on {}-{}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
        std::env::consts::OS
    )
}

/// The schemas of the search path that exist, in order.
fn schemas(context: &Context, implicit: bool) -> Vec<String> {
    let catalog = context.environment.catalog();
    let database = context.environment.database();
    let path = &context.settings.search_path;
    let mut names: Vec<String> = path
        .iter()
        .filter(|name| catalog.schema_by_name(database, name).is_some() || &***name == "pg_catalog")
        .filter(|name| implicit || !catalog::is_temporary_schema(name))
        .map(|name| name.to_string())
        .collect();
    if implicit && !names.iter().any(|name| name == "pg_catalog") {
        let after = usize::from(names.first().is_some_and(|name| catalog::is_temporary_schema(name)));
        names.insert(after, "pg_catalog".to_owned());
    }
    names
}

/// The schema of this session's temporary relations, 0 where it has none.
fn own_temporary_schema(context: &Context) -> u32 {
    let (catalog, database) = (context.environment.catalog(), context.environment.database());
    let own = catalog.named_schema(database, &context.settings.search_path, "pg_temp");
    own.map_or(0, |schema| schema.oid)
}

fn is_other_temporary_schema(context: &Context, schema: u32) -> bool {
    let (catalog, database) = (context.environment.catalog(), context.environment.database());
    let found = catalog.schema(database, schema);
    schema != own_temporary_schema(context)
        && found.is_some_and(|schema| catalog::is_temporary_schema(&schema.name))
}

fn current_schema(context: &Context) -> Option<String> {
    schemas(context, false).into_iter().next()
}

fn current_schemas(context: &Context, implicit: bool) -> Value {
    let names = schemas(context, implicit).into_iter().map(Value::from).collect();
    Array::from_elements(oid::NAME, names).to_value()
}

fn current_database(context: &Context) -> String {
    let database = context.environment.database();
    context
        .environment
        .catalog()
        .database(database)
        .map_or_else(String::new, |database| database.name.to_string())
}

fn unknown_setting(name: &str) -> Error {
    Error::new(SqlState::UndefinedObject, format!("unrecognized configuration parameter \"{name}\""))
}

fn current_setting(context: &Context, name: &str) -> Result<String> {
    context.environment.setting(name).ok_or_else(|| unknown_setting(name))
}

fn current_setting_or_null(context: &Context, name: &str, missing_ok: bool) -> Result<Option<String>> {
    match context.environment.setting(name) {
        None if !missing_ok => Err(unknown_setting(name)),
        found => Ok(found),
    }
}

/// Sets and answers with the new value; NULL resets to the default.
fn set_config(context: &Context, _: &Call, arguments: &[Value]) -> Result<Value> {
    let Some(name) = at::<Option<&str>>(arguments, 0)? else {
        return Err(Error::new(SqlState::NullValueNotAllowed, "SET requires parameter name"));
    };
    let value = at::<Option<&str>>(arguments, 1)?.unwrap_or_default();
    let local = at::<Option<bool>>(arguments, 2)?.unwrap_or(false);
    context.environment.set_setting(name, value, local)?;
    Ok(context.environment.setting(name).map_or_else(|| Value::from(value), Value::from))
}

/// A version 4 uuid.
fn random_uuid() -> Result<[u8; 16]> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|_| Error::new(SqlState::InternalError, "could not generate random values"))?;
    bytes[6] = (bytes[6] & 0x0F) | 0x40;
    bytes[8] = (bytes[8] & 0x3F) | 0x80;
    Ok(bytes)
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // version()
    (89, contextual!(version)),
    // current_schema()
    (1402, contextual!(current_schema)),
    // current_schemas(bool)
    (1403, contextual!(current_schemas, bool)),
    // current_database()
    (861, contextual!(current_database)),
    // getpgusername()
    (710, contextual!(|context: &Context| context.environment.current_user().to_string())),
    // current_user()
    (745, contextual!(|context: &Context| context.environment.current_user().to_string())),
    // session_user()
    (746, contextual!(|context: &Context| context.environment.session_user().to_string())),
    // pg_backend_pid()
    (2026, contextual!(|context: &Context| context.environment.backend_pid())),
    // current_setting(text)
    (2077, contextual!(current_setting, &str)),
    // current_setting(text,bool)
    (3294, contextual!(current_setting_or_null, &str, bool)),
    // set_config(text,text,bool)
    (2078, set_config),
    // gen_random_uuid()
    (3432, scalar!(random_uuid)),
    // pg_trigger_depth()
    (3163, scalar!(|| 0i32)),
    // pg_jit_available()
    (315, scalar!(|| false)),
    // Temporary tables have no schema of their own.
    // pg_my_temp_schema()
    (2854, contextual!(own_temporary_schema)),
    // pg_is_other_temp_schema(oid)
    (2855, contextual!(is_other_temporary_schema, u32)),
    // Transaction ids do not wrap around here, so none grows old.
    // age(xid)
    (1181, scalar!(|_xid: u32| 0i32)),
    // mxid_age(xid)
    (3939, scalar!(|_xid: u32| 0i32)),
];
