//! The has_…_privilege family, pg_has_role, and acldefault.
//!
//! A superuser may do everything; an owner what the object's acl gives it; everyone what PUBLIC or one of the roles it
//! inherits from was given. A missing acl stands for the kind's default.

use catalog::{AclItem, ObjectKind, Privileges, Snapshot, builtin};
use engine::Value;

use super::name::find_relation;
use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::Call;
use crate::functions::registry::{ScalarFunction, Scalars};
use crate::types::oid;

/// What a privilege function asks about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Table,
    Sequence,
    AnyColumn,
    Database,
    Function,
    Language,
    Schema,
    Tablespace,
    Type,
    /// Foreign servers and wrappers, and settings: there are none with an acl.
    Other,
}

/// A privilege of the list, and whether the right to grant it is meant.
type Wanted = (Privileges, bool);

fn parse_privileges(text: &str) -> Result<Vec<Wanted>> {
    text.split(',')
        .map(|part| {
            let name = part.trim();
            let upper = name.to_ascii_uppercase();
            let (plain, grant) = match upper.strip_suffix(" WITH GRANT OPTION") {
                Some(plain) => (plain, true),
                None => (upper.as_str(), false),
            };
            Privileges::by_name(plain).map(|privilege| (privilege, grant)).ok_or_else(|| {
                Error::new(
                    SqlState::InvalidParameterValue,
                    format!("unrecognized privilege type: \"{name}\""),
                )
            })
        })
        .collect()
}

fn role_by_name(catalog: &Snapshot, name: &str) -> Result<u32> {
    if name == "public" {
        return Ok(0);
    }
    catalog
        .role_by_name(name)
        .map(|role| role.oid)
        .ok_or_else(|| Error::new(SqlState::UndefinedObject, format!("role \"{name}\" does not exist")))
}

fn role(context: &Context, catalog: &Snapshot, value: Option<&Value>) -> Result<u32> {
    match value {
        None => role_by_name(catalog, &context.environment.current_user()),
        Some(Value::Text(name)) => role_by_name(catalog, name),
        Some(Value::UInt32(oid)) => Ok(*oid),
        Some(_) => Err(Error::internal("a role is neither a name nor an oid")),
    }
}

/// The owner and the acl of an object; `None` for an oid of no object.
type Access = Option<(u32, Vec<AclItem>)>;

fn given(owner: u32, acl: Option<&Vec<AclItem>>, kind: ObjectKind) -> Access {
    Some((owner, acl.cloned().unwrap_or_else(|| AclItem::defaults(kind, owner))))
}

fn missing(state: SqlState, what: &str, name: &str) -> Error {
    Error::new(state, format!("{what} \"{name}\" does not exist"))
}

fn relation_access(context: &Context, object: &Value) -> Result<Access> {
    let catalog = context.environment.catalog();
    let found = match object {
        Value::Text(name) => Some(find_relation(context, name)?),
        Value::UInt32(oid) => catalog.relation(context.environment.database(), *oid).cloned(),
        _ => None,
    };
    let Some(relation) = found else { return Ok(None) };
    if relation.is_system() && relation.acl.is_none() {
        // Everyone may read the catalogs.
        let public = AclItem {
            grantee: 0,
            grantor: relation.owner,
            privileges: Privileges::SELECT,
            grantable: Privileges::NONE,
        };
        let mut items = AclItem::defaults(ObjectKind::Relation, relation.owner);
        items.push(public);
        return Ok(Some((relation.owner, items)));
    }
    let kind = if relation.as_sequence().is_some() { ObjectKind::Sequence } else { ObjectKind::Relation };
    Ok(given(relation.owner, relation.acl.as_ref(), kind))
}

fn schema_access(context: &Context, object: &Value) -> Result<Access> {
    let catalog = context.environment.catalog();
    let database = context.environment.database();
    let found = match object {
        Value::Text(name) => Some(
            catalog
                .schema_by_name(database, name)
                .ok_or_else(|| missing(SqlState::InvalidSchemaName, "schema", name))?,
        ),
        Value::UInt32(oid) => catalog.schema(database, *oid),
        _ => None,
    };
    Ok(found.and_then(|schema| given(schema.owner, schema.acl.as_ref(), ObjectKind::Schema)))
}

fn database_access(context: &Context, object: &Value) -> Result<Access> {
    let catalog = context.environment.catalog();
    let found = match object {
        Value::Text(name) => Some(
            catalog
                .database_by_name(name)
                .ok_or_else(|| missing(SqlState::InvalidCatalogName, "database", name))?,
        ),
        Value::UInt32(oid) => catalog.database(*oid),
        _ => None,
    };
    Ok(found.and_then(|database| given(database.owner, database.acl.as_ref(), ObjectKind::Database)))
}

/// Built-in objects that carry no acl of their own: their kind's default counts.
fn default_access(kind: ObjectKind, exists: bool) -> Access {
    if exists { given(builtin::BOOTSTRAP_ROLE, None, kind) } else { None }
}

fn access(context: &Context, kind: Kind, object: &Value) -> Result<Access> {
    match kind {
        Kind::Table | Kind::Sequence | Kind::AnyColumn => relation_access(context, object),
        Kind::Schema => schema_access(context, object),
        Kind::Database => database_access(context, object),
        Kind::Function => Ok(default_access(ObjectKind::Function, true)),
        Kind::Language => Ok(default_access(ObjectKind::Language, true)),
        Kind::Type => Ok(default_access(ObjectKind::Type, true)),
        Kind::Tablespace => Ok(default_access(ObjectKind::Tablespace, true)),
        Kind::Other => Ok(None),
    }
}

/// Whether a role has any of the privileges wanted.
fn allowed(
    context: &Context,
    catalog: &Snapshot,
    role: u32,
    access: &(u32, Vec<AclItem>),
    wanted: &[Wanted],
) -> bool {
    if role != 0 && catalog.is_superuser(role) {
        return true;
    }
    let database = context.environment.database();
    let roles = catalog.privileged_roles(database, role);
    let (owner, acl) = access;
    let owns = roles.contains(owner);
    wanted.iter().any(|&(privilege, grant)| {
        if owns && grant {
            return true;
        }
        acl.iter().filter(|item| item.grantee == 0 || roles.contains(&item.grantee)).any(|item| {
            if grant { item.grantable.contains(privilege) } else { item.privileges.contains(privilege) }
        })
    })
}

/// The arguments are (role,) object, privileges.
fn has_privilege(context: &Context, arguments: &[Value], kind: Kind) -> Result<Value> {
    let (role_value, object, privileges) = match arguments {
        [object, privileges] => (None, object, privileges),
        [role, object, privileges] => (Some(role), object, privileges),
        _ => {
            return Err(Error::internal(
                "a privilege function was called with the wrong number of arguments",
            ));
        }
    };
    let catalog = context.environment.catalog();
    let role = role(context, &catalog, role_value)?;
    let wanted = parse_privileges(privileges.as_text().unwrap_or_default())?;
    Ok(match access(context, kind, object)? {
        Some(access) => Value::Bool(allowed(context, &catalog, role, &access, &wanted)),
        None => Value::Null,
    })
}

/// (role,) table, column, privileges: the table's privilege, or the column's own.
fn has_column_privilege(context: &Context, _: &Call, arguments: &[Value]) -> Result<Value> {
    let (role_value, table, column, privileges) = match arguments {
        [table, column, privileges] => (None, table, column, privileges),
        [role, table, column, privileges] => (Some(role), table, column, privileges),
        _ => {
            return Err(Error::internal(
                "a privilege function was called with the wrong number of arguments",
            ));
        }
    };
    let catalog = context.environment.catalog();
    let role = role(context, &catalog, role_value)?;
    let wanted = parse_privileges(privileges.as_text().unwrap_or_default())?;
    let Some(of_table) = relation_access(context, table)? else { return Ok(Value::Null) };
    if allowed(context, &catalog, role, &of_table, &wanted) {
        return Ok(Value::Bool(true));
    }
    let relation = match table {
        Value::Text(name) => Some(find_relation(context, name)?),
        Value::UInt32(oid) => catalog.relation(context.environment.database(), *oid).cloned(),
        _ => None,
    };
    let found = relation.as_ref().and_then(|relation| match column {
        Value::Text(name) => relation.column_by_name(name),
        Value::Int16(number) => relation.column(*number),
        _ => None,
    });
    Ok(match (found, column) {
        (Some(column), _) => {
            let acl = column.acl.clone().unwrap_or_default();
            Value::Bool(allowed(context, &catalog, role, &(of_table.0, acl), &wanted))
        }
        (None, Value::Text(name)) => return Err(missing(SqlState::UndefinedColumn, "column", name)),
        (None, _) => Value::Null,
    })
}

/// pg_has_role((user,) role, 'MEMBER' | 'USAGE' …).
fn has_role(context: &Context, _: &Call, arguments: &[Value]) -> Result<Value> {
    let (user, of, mode) = match arguments {
        [of, mode] => (None, of, mode),
        [user, of, mode] => (Some(user), of, mode),
        _ => return Err(Error::internal("pg_has_role was called with the wrong number of arguments")),
    };
    let catalog = context.environment.catalog();
    let database = context.environment.database();
    let (member, of) = (role(context, &catalog, user)?, role(context, &catalog, Some(of))?);
    let mode = mode.as_text().unwrap_or_default();
    for part in mode.split(',') {
        let upper = part.trim().to_ascii_uppercase();
        let holds = match upper.as_str() {
            "USAGE" => catalog.has_privileges_of(database, member, of),
            "MEMBER" => catalog.is_member(database, member, of),
            "MEMBER WITH ADMIN OPTION"
            | "MEMBER WITH GRANT OPTION"
            | "USAGE WITH ADMIN OPTION"
            | "USAGE WITH GRANT OPTION" => {
                catalog.is_superuser(member)
                    || catalog.membership(of, member).is_some_and(|membership| membership.admin)
            }
            _ => {
                return Err(Error::new(
                    SqlState::InvalidParameterValue,
                    format!("unrecognized privilege type: \"{}\"", part.trim()),
                ));
            }
        };
        if holds {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

/// acldefault(kind, owner) as aclitem[].
fn default_acl(context: &Context, _: &Call, arguments: &[Value]) -> Result<Value> {
    let [kind, Value::UInt32(owner)] = arguments else { return Ok(Value::Null) };
    let letter = kind.as_text().and_then(|text| text.chars().next()).unwrap_or(' ');
    let kind = ObjectKind::from_letter(letter).ok_or_else(|| {
        Error::new(
            SqlState::InvalidParameterValue,
            format!("unrecognized object type abbreviation: {letter}"),
        )
    })?;
    let catalog = context.environment.catalog();
    let name = |oid: u32| catalog.role_name(oid);
    let items = AclItem::defaults(kind, *owner);
    let elements = items.iter().map(|item| Value::from(catalog::object::acl_text(item, &name))).collect();
    Ok(crate::types::array::Array::from_elements(oid::ACLITEM, elements).to_value())
}

macro_rules! privilege {
    ($kind:expr) => {{
        const FUNCTION: ScalarFunction = |context, _, arguments| has_privilege(context, arguments, $kind);
        FUNCTION
    }};
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // has_table_privilege(name,text,text)
    (1922, privilege!(Kind::Table)),
    // has_table_privilege(name,oid,text)
    (1923, privilege!(Kind::Table)),
    // has_table_privilege(oid,text,text)
    (1924, privilege!(Kind::Table)),
    // has_table_privilege(oid,oid,text)
    (1925, privilege!(Kind::Table)),
    // has_table_privilege(text,text)
    (1926, privilege!(Kind::Table)),
    // has_table_privilege(oid,text)
    (1927, privilege!(Kind::Table)),
    // has_sequence_privilege(name,text,text)
    (2181, privilege!(Kind::Sequence)),
    // has_sequence_privilege(name,oid,text)
    (2182, privilege!(Kind::Sequence)),
    // has_sequence_privilege(oid,text,text)
    (2183, privilege!(Kind::Sequence)),
    // has_sequence_privilege(oid,oid,text)
    (2184, privilege!(Kind::Sequence)),
    // has_sequence_privilege(text,text)
    (2185, privilege!(Kind::Sequence)),
    // has_sequence_privilege(oid,text)
    (2186, privilege!(Kind::Sequence)),
    // has_any_column_privilege(name,text,text)
    (3024, privilege!(Kind::AnyColumn)),
    // has_any_column_privilege(name,oid,text)
    (3025, privilege!(Kind::AnyColumn)),
    // has_any_column_privilege(oid,text,text)
    (3026, privilege!(Kind::AnyColumn)),
    // has_any_column_privilege(oid,oid,text)
    (3027, privilege!(Kind::AnyColumn)),
    // has_any_column_privilege(text,text)
    (3028, privilege!(Kind::AnyColumn)),
    // has_any_column_privilege(oid,text)
    (3029, privilege!(Kind::AnyColumn)),
    // has_database_privilege(name,text,text)
    (2250, privilege!(Kind::Database)),
    // has_database_privilege(name,oid,text)
    (2251, privilege!(Kind::Database)),
    // has_database_privilege(oid,text,text)
    (2252, privilege!(Kind::Database)),
    // has_database_privilege(oid,oid,text)
    (2253, privilege!(Kind::Database)),
    // has_database_privilege(text,text)
    (2254, privilege!(Kind::Database)),
    // has_database_privilege(oid,text)
    (2255, privilege!(Kind::Database)),
    // has_function_privilege(name,text,text)
    (2256, privilege!(Kind::Function)),
    // has_function_privilege(name,oid,text)
    (2257, privilege!(Kind::Function)),
    // has_function_privilege(oid,text,text)
    (2258, privilege!(Kind::Function)),
    // has_function_privilege(oid,oid,text)
    (2259, privilege!(Kind::Function)),
    // has_function_privilege(text,text)
    (2260, privilege!(Kind::Function)),
    // has_function_privilege(oid,text)
    (2261, privilege!(Kind::Function)),
    // has_language_privilege(name,text,text)
    (2262, privilege!(Kind::Language)),
    // has_language_privilege(name,oid,text)
    (2263, privilege!(Kind::Language)),
    // has_language_privilege(oid,text,text)
    (2264, privilege!(Kind::Language)),
    // has_language_privilege(oid,oid,text)
    (2265, privilege!(Kind::Language)),
    // has_language_privilege(text,text)
    (2266, privilege!(Kind::Language)),
    // has_language_privilege(oid,text)
    (2267, privilege!(Kind::Language)),
    // has_schema_privilege(name,text,text)
    (2268, privilege!(Kind::Schema)),
    // has_schema_privilege(name,oid,text)
    (2269, privilege!(Kind::Schema)),
    // has_schema_privilege(oid,text,text)
    (2270, privilege!(Kind::Schema)),
    // has_schema_privilege(oid,oid,text)
    (2271, privilege!(Kind::Schema)),
    // has_schema_privilege(text,text)
    (2272, privilege!(Kind::Schema)),
    // has_schema_privilege(oid,text)
    (2273, privilege!(Kind::Schema)),
    // has_tablespace_privilege(name,text,text)
    (2390, privilege!(Kind::Tablespace)),
    // has_tablespace_privilege(name,oid,text)
    (2391, privilege!(Kind::Tablespace)),
    // has_tablespace_privilege(oid,text,text)
    (2392, privilege!(Kind::Tablespace)),
    // has_tablespace_privilege(oid,oid,text)
    (2393, privilege!(Kind::Tablespace)),
    // has_tablespace_privilege(text,text)
    (2394, privilege!(Kind::Tablespace)),
    // has_tablespace_privilege(oid,text)
    (2395, privilege!(Kind::Tablespace)),
    // has_type_privilege(name,text,text)
    (3138, privilege!(Kind::Type)),
    // has_type_privilege(name,oid,text)
    (3139, privilege!(Kind::Type)),
    // has_type_privilege(oid,text,text)
    (3140, privilege!(Kind::Type)),
    // has_type_privilege(oid,oid,text)
    (3141, privilege!(Kind::Type)),
    // has_type_privilege(text,text)
    (3142, privilege!(Kind::Type)),
    // has_type_privilege(oid,text)
    (3143, privilege!(Kind::Type)),
    // has_server_privilege(name,text,text)
    (3006, privilege!(Kind::Other)),
    // has_server_privilege(name,oid,text)
    (3007, privilege!(Kind::Other)),
    // has_server_privilege(oid,text,text)
    (3008, privilege!(Kind::Other)),
    // has_server_privilege(oid,oid,text)
    (3009, privilege!(Kind::Other)),
    // has_server_privilege(text,text)
    (3010, privilege!(Kind::Other)),
    // has_server_privilege(oid,text)
    (3011, privilege!(Kind::Other)),
    // has_foreign_data_wrapper_privilege(name,text,text)
    (3000, privilege!(Kind::Other)),
    // has_foreign_data_wrapper_privilege(name,oid,text)
    (3001, privilege!(Kind::Other)),
    // has_foreign_data_wrapper_privilege(oid,text,text)
    (3002, privilege!(Kind::Other)),
    // has_foreign_data_wrapper_privilege(oid,oid,text)
    (3003, privilege!(Kind::Other)),
    // has_foreign_data_wrapper_privilege(text,text)
    (3004, privilege!(Kind::Other)),
    // has_foreign_data_wrapper_privilege(oid,text)
    (3005, privilege!(Kind::Other)),
    // has_parameter_privilege(name,text,text)
    (6205, privilege!(Kind::Other)),
    // has_parameter_privilege(oid,text,text)
    (6206, privilege!(Kind::Other)),
    // has_parameter_privilege(text,text)
    (6207, privilege!(Kind::Other)),
    // has_column_privilege(name,text,text,text)
    (3012, has_column_privilege),
    // has_column_privilege(name,text,int2,text)
    (3013, has_column_privilege),
    // has_column_privilege(name,oid,text,text)
    (3014, has_column_privilege),
    // has_column_privilege(name,oid,int2,text)
    (3015, has_column_privilege),
    // has_column_privilege(oid,text,text,text)
    (3016, has_column_privilege),
    // has_column_privilege(oid,text,int2,text)
    (3017, has_column_privilege),
    // has_column_privilege(oid,oid,text,text)
    (3018, has_column_privilege),
    // has_column_privilege(oid,oid,int2,text)
    (3019, has_column_privilege),
    // has_column_privilege(text,text,text)
    (3020, has_column_privilege),
    // has_column_privilege(text,int2,text)
    (3021, has_column_privilege),
    // has_column_privilege(oid,text,text)
    (3022, has_column_privilege),
    // has_column_privilege(oid,int2,text)
    (3023, has_column_privilege),
    // pg_has_role(name,name,text)
    (2705, has_role),
    // pg_has_role(name,oid,text)
    (2706, has_role),
    // pg_has_role(oid,name,text)
    (2707, has_role),
    // pg_has_role(oid,oid,text)
    (2708, has_role),
    // pg_has_role(name,text)
    (2709, has_role),
    // pg_has_role(oid,text)
    (2710, has_role),
    // acldefault(char,oid)
    (3943, default_acl),
];
