//! Privileges: who may do what, and who granted it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A set of privileges, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Privileges(pub u16);

/// The kinds of object that privileges are granted on, as `acldefault` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ObjectKind {
    Column,
    Relation,
    Sequence,
    Database,
    Function,
    Language,
    LargeObject,
    Schema,
    Tablespace,
    Type,
}

impl ObjectKind {
    /// The kind of acldefault's letter.
    pub fn from_letter(letter: char) -> Option<ObjectKind> {
        Some(match letter {
            'c' => ObjectKind::Column,
            'r' => ObjectKind::Relation,
            's' => ObjectKind::Sequence,
            'd' => ObjectKind::Database,
            'f' => ObjectKind::Function,
            'l' => ObjectKind::Language,
            'L' => ObjectKind::LargeObject,
            'n' => ObjectKind::Schema,
            't' => ObjectKind::Tablespace,
            'T' => ObjectKind::Type,
            _ => return None,
        })
    }
}

impl Privileges {
    pub const NONE: Privileges = Privileges(0);
    pub const INSERT: Privileges = Privileges(1);
    pub const SELECT: Privileges = Privileges(1 << 1);
    pub const UPDATE: Privileges = Privileges(1 << 2);
    pub const DELETE: Privileges = Privileges(1 << 3);
    pub const TRUNCATE: Privileges = Privileges(1 << 4);
    pub const REFERENCES: Privileges = Privileges(1 << 5);
    pub const TRIGGER: Privileges = Privileges(1 << 6);
    pub const EXECUTE: Privileges = Privileges(1 << 7);
    pub const USAGE: Privileges = Privileges(1 << 8);
    pub const CREATE: Privileges = Privileges(1 << 9);
    pub const TEMPORARY: Privileges = Privileges(1 << 10);
    pub const CONNECT: Privileges = Privileges(1 << 11);

    /// Letters of aclitem's text, by bit, and their names in SQL.
    pub const NAMES: [(char, &'static str); 12] = [
        ('a', "INSERT"),
        ('r', "SELECT"),
        ('w', "UPDATE"),
        ('d', "DELETE"),
        ('D', "TRUNCATE"),
        ('x', "REFERENCES"),
        ('t', "TRIGGER"),
        ('X', "EXECUTE"),
        ('U', "USAGE"),
        ('C', "CREATE"),
        ('T', "TEMPORARY"),
        ('c', "CONNECT"),
    ];

    /// Everything that can be granted on a kind of object.
    pub fn all(kind: ObjectKind) -> Privileges {
        match kind {
            ObjectKind::Column => Self::INSERT | Self::SELECT | Self::UPDATE | Self::REFERENCES,
            ObjectKind::Relation => Privileges(0x7f),
            ObjectKind::Sequence => Self::SELECT | Self::UPDATE | Self::USAGE,
            ObjectKind::Database => Self::CREATE | Self::TEMPORARY | Self::CONNECT,
            ObjectKind::Function => Self::EXECUTE,
            ObjectKind::Language | ObjectKind::Type => Self::USAGE,
            ObjectKind::LargeObject => Self::SELECT | Self::UPDATE,
            ObjectKind::Schema => Self::CREATE | Self::USAGE,
            ObjectKind::Tablespace => Self::CREATE,
        }
    }

    /// What PUBLIC has while nobody has granted or revoked anything.
    pub fn public_default(kind: ObjectKind) -> Privileges {
        match kind {
            ObjectKind::Database => Self::TEMPORARY | Self::CONNECT,
            ObjectKind::Function => Self::EXECUTE,
            ObjectKind::Language | ObjectKind::Type => Self::USAGE,
            ObjectKind::Column
            | ObjectKind::Relation
            | ObjectKind::Sequence
            | ObjectKind::LargeObject
            | ObjectKind::Schema
            | ObjectKind::Tablespace => Self::NONE,
        }
    }

    /// The privilege of that SQL name.
    pub fn by_name(name: &str) -> Option<Privileges> {
        let name = if name.eq_ignore_ascii_case("TEMP") { "TEMPORARY" } else { name };
        let bit = Self::NAMES.iter().position(|(_, known)| known.eq_ignore_ascii_case(name))?;
        Some(Privileges(1 << bit))
    }

    pub fn contains(self, other: Privileges) -> bool {
        self.0 & other.0 == other.0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn intersection(self, other: Privileges) -> Privileges {
        Privileges(self.0 & other.0)
    }

    pub fn without(self, other: Privileges) -> Privileges {
        Privileges(self.0 & !other.0)
    }

    /// The single privileges of the set, with their letters and names.
    pub fn each(self) -> impl Iterator<Item = (Privileges, char, &'static str)> {
        Self::NAMES.iter().enumerate().filter_map(move |(bit, (letter, name))| {
            let one = Privileges(1 << bit);
            self.contains(one).then_some((one, *letter, *name))
        })
    }
}

impl std::ops::BitOr for Privileges {
    type Output = Privileges;

    fn bitor(self, other: Privileges) -> Privileges {
        Privileges(self.0 | other.0)
    }
}

/// What one grantor gave to one grantee (0: PUBLIC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AclItem {
    pub grantee: u32,
    pub grantor: u32,
    pub privileges: Privileges,
    /// The subset that the grantee may pass on.
    pub grantable: Privileges,
}

impl AclItem {
    /// The privileges an object of this kind has while its acl is NULL, written out.
    pub fn defaults(kind: ObjectKind, owner: u32) -> Vec<AclItem> {
        let public = Privileges::public_default(kind);
        let mut items = Vec::new();
        if !public.is_empty() {
            items.push(AclItem {
                grantee: 0,
                grantor: owner,
                privileges: public,
                grantable: Privileges::NONE,
            });
        }
        if kind != ObjectKind::Column {
            let privileges = Privileges::all(kind);
            items.push(AclItem { grantee: owner, grantor: owner, privileges, grantable: Privileges::NONE });
        }
        items
    }
}

/// aclitem's text; `role` names a role.
pub fn acl_text(item: &AclItem, role: &dyn Fn(u32) -> String) -> String {
    struct Letters<'a>(&'a AclItem);
    impl fmt::Display for Letters<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            for (privilege, letter, _) in self.0.privileges.each() {
                write!(f, "{letter}")?;
                if self.0.grantable.contains(privilege) {
                    f.write_str("*")?;
                }
            }
            Ok(())
        }
    }
    let quoted = |oid: u32| {
        let name = role(oid);
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if plain { name } else { format!("\"{}\"", name.replace('"', "\"\"")) }
    };
    let grantee = if item.grantee == 0 { String::new() } else { quoted(item.grantee) };
    format!("{grantee}={}/{}", Letters(item), quoted(item.grantor))
}

/// ALTER DEFAULT PRIVILEGES: what objects that `role` creates will carry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DefaultAcl {
    pub oid: u32,
    pub database: u32,
    pub role: u32,
    /// 0: in every schema.
    pub schema: u32,
    /// r tables, S sequences, f functions, T types, n schemas.
    pub object_type: char,
    pub acl: Vec<AclItem>,
}
