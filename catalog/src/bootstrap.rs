//! The objects of a new cluster: what PostgreSQL's initdb leaves, with its oids.

use crate::builtin::{BOOTSTRAP_ROLE, DEFAULT_TABLESPACE, PG_DATABASE_CLASS, PUBLIC};
use crate::object::{
    AclItem, Change, Comment, Database, Object, ObjectAddress, ObjectKind, Privileges, Role, RoleMembership,
    Schema,
};

/// Oid of the database postgres.
pub const POSTGRES_DATABASE: u32 = 5;
/// Oid of the database template1.
pub const TEMPLATE1_DATABASE: u32 = 1;
/// Oid of the database template0.
pub const TEMPLATE0_DATABASE: u32 = 4;
/// Oids below this one are PostgreSQL's own; the counter of objects starts here.
pub const FIRST_OBJECT_OID: u32 = 16384;
/// Oid of the role that owns schema public: whoever owns the database.
pub const DATABASE_OWNER_ROLE: u32 = 6171;

/// The predefined roles, none of which can log in.
pub const PREDEFINED_ROLES: [(u32, &str); 12] = [
    (6171, "pg_database_owner"),
    (6181, "pg_read_all_data"),
    (6182, "pg_write_all_data"),
    (3373, "pg_monitor"),
    (3374, "pg_read_all_settings"),
    (3375, "pg_read_all_stats"),
    (3377, "pg_stat_scan_tables"),
    (4569, "pg_read_server_files"),
    (4570, "pg_write_server_files"),
    (4571, "pg_execute_server_program"),
    (4200, "pg_signal_backend"),
    (4544, "pg_checkpoint"),
];

/// Everything a new cluster holds.
pub fn bootstrap() -> Vec<Change> {
    let mut objects = vec![Object::Role(role(BOOTSTRAP_ROLE, "postgres", true))];
    objects.extend(PREDEFINED_ROLES.iter().map(|(oid, name)| Object::Role(role(*oid, name, false))));
    for reader in [3374, 3375, 3377] {
        objects.push(Object::Membership(RoleMembership {
            role: reader,
            member: 3373,
            grantor: BOOTSTRAP_ROLE,
            admin: false,
        }));
    }
    let databases = [
        (TEMPLATE1_DATABASE, "template1", "default template for new databases"),
        (TEMPLATE0_DATABASE, "template0", "unmodifiable empty database"),
        (POSTGRES_DATABASE, "postgres", "default administrative connection database"),
    ];
    for (oid, name, comment) in databases {
        objects.push(Object::Database(database(oid, name)));
        let address = ObjectAddress::new(PG_DATABASE_CLASS, oid);
        objects.push(Object::Comment(Comment { database: 0, address, text: comment.to_string() }));
        objects.extend(contents_of_new_database(oid));
    }
    objects.into_iter().map(Change::Put).collect()
}

/// The privileges on a built-in schema: everything for the first superuser, use for everybody.
pub fn readable_schema_acl() -> Vec<AclItem> {
    schema_acl(BOOTSTRAP_ROLE)
}

/// The privileges on schema public of a new database.
pub fn public_schema_acl() -> Vec<AclItem> {
    schema_acl(DATABASE_OWNER_ROLE)
}

fn schema_acl(owner: u32) -> Vec<AclItem> {
    let item =
        |grantee, privileges| AclItem { grantee, grantor: owner, privileges, grantable: Privileges::NONE };
    vec![item(owner, Privileges::all(ObjectKind::Schema)), item(0, Privileges::USAGE)]
}

/// What a new database holds: schema public and its comment. The other schemas are built in.
pub fn contents_of_new_database(database: u32) -> Vec<Object> {
    let schema = Schema {
        oid: PUBLIC,
        database,
        name: "public".to_string(),
        owner: DATABASE_OWNER_ROLE,
        acl: Some(public_schema_acl()),
    };
    let address = ObjectAddress::new(crate::builtin::PG_NAMESPACE_CLASS, PUBLIC);
    let comment = Comment { database, address, text: "standard public schema".to_string() };
    vec![Object::Schema(schema), Object::Comment(comment)]
}

fn role(oid: u32, name: &str, superuser: bool) -> Role {
    Role {
        oid,
        name: name.to_string(),
        superuser,
        inherit: true,
        create_role: superuser,
        create_database: superuser,
        login: superuser,
        replication: superuser,
        bypass_row_security: superuser,
        connection_limit: -1,
        verifier: None,
        valid_until: None,
    }
}

fn database(oid: u32, name: &str) -> Database {
    let template = name != "postgres";
    let item = |grantee, privileges| AclItem {
        grantee,
        grantor: BOOTSTRAP_ROLE,
        privileges,
        grantable: Privileges::NONE,
    };
    let acl = vec![item(0, Privileges::CONNECT), item(BOOTSTRAP_ROLE, Privileges::all(ObjectKind::Database))];
    Database {
        oid,
        name: name.to_string(),
        owner: BOOTSTRAP_ROLE,
        encoding: 6,
        collate: "C".to_string(),
        ctype: "C".to_string(),
        is_template: template,
        allow_connections: name != "template0",
        connection_limit: -1,
        tablespace: DEFAULT_TABLESPACE,
        acl: template.then_some(acl),
    }
}
