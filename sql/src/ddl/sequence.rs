//! CREATE and ALTER SEQUENCE, and the sequences of serial and identity columns.

use catalog::{Relation, RelationKind, Sequence};
use engine::{RelationLockMode, SequenceState};

use super::Definer;
use crate::analyze;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, AlterSequence, CreateSequence, SequenceOption};
use crate::session::engine_error;
use crate::types::oid;

/// Options as they were given; what is missing is a default that depends on the others.
#[derive(Default)]
struct Given {
    type_oid: Option<u32>,
    increment: Option<i64>,
    minimum: Option<Option<i64>>,
    maximum: Option<Option<i64>>,
    start: Option<i64>,
    restart: Option<Option<i64>>,
    cache: Option<i64>,
    cycle: Option<bool>,
    owned_by: Option<Option<syntax::ObjectName>>,
    name: Option<syntax::ObjectName>,
}

impl Definer {
    fn read_options(&self, options: &[SequenceOption]) -> Result<Given> {
        fn once<T>(slot: &mut Option<T>, value: T) -> Result<()> {
            match slot.replace(value) {
                None => Ok(()),
                Some(_) => Err(Error::new(SqlState::SyntaxError, "conflicting or redundant options")),
            }
        }
        let mut given = Given::default();
        for option in options {
            match option {
                SequenceOption::As(name) => {
                    let snapshot = self.snapshot();
                    let ty = analyze::resolve_type(self.environment(&snapshot), &self.text, name)?;
                    if !matches!(ty.oid, oid::INT2 | oid::INT4 | oid::INT8) {
                        return Err(Error::new(
                            SqlState::InvalidParameterValue,
                            "sequence type must be smallint, integer, or bigint",
                        ));
                    }
                    once(&mut given.type_oid, ty.oid)?;
                }
                SequenceOption::Increment(value) => once(&mut given.increment, *value)?,
                SequenceOption::MinValue(value) => once(&mut given.minimum, *value)?,
                SequenceOption::MaxValue(value) => once(&mut given.maximum, *value)?,
                SequenceOption::Start(value) => once(&mut given.start, *value)?,
                SequenceOption::Restart(value) => once(&mut given.restart, *value)?,
                SequenceOption::Cache(value) => once(&mut given.cache, *value)?,
                SequenceOption::Cycle(value) => once(&mut given.cycle, *value)?,
                SequenceOption::OwnedBy(value) => once(&mut given.owned_by, value.clone())?,
                SequenceOption::SequenceName(value) => once(&mut given.name, value.clone())?,
            }
        }
        Ok(given)
    }

    pub(super) async fn create_sequence(&mut self, create: &CreateSequence) -> Result<String> {
        let (schema, _) = self.creation_place(&create.name, create.persistence).await?;
        if !self.check_free(schema.oid, create.name.name(), create.if_not_exists)? {
            return Ok("CREATE SEQUENCE".to_string());
        }
        let given = self.read_options(&create.options)?;
        if given.restart.is_some() {
            return Err(Error::new(SqlState::SyntaxError, "RESTART is not an option of CREATE SEQUENCE"));
        }
        let mut sequence = build(&given, None)?;
        sequence.owned_by = match &given.owned_by {
            Some(Some(column)) => Some(self.owner_column(column, schema.oid)?),
            Some(None) | None => None,
        };
        self.make_sequence(schema.oid, create.name.name(), sequence).await?;
        Ok("CREATE SEQUENCE".to_string())
    }

    /// The sequence of a serial or identity column.
    pub(super) async fn column_sequence(
        &mut self,
        schema: u32,
        table: &str,
        column: &str,
        type_oid: u32,
        owned_by: (u32, i16),
        identity: Option<&[SequenceOption]>,
    ) -> Result<(u32, String)> {
        let mut given = self.read_options(identity.unwrap_or_default())?;
        given.type_oid.get_or_insert(type_oid);
        let mut sequence = build(&given, None)?;
        sequence.owned_by = Some(owned_by);
        sequence.identity = identity.is_some();
        let name = match &given.name {
            Some(name) => name.name().to_string(),
            None => self.free_name(schema, &[table, column], "seq"),
        };
        let oid = self.make_sequence(schema, &name, sequence).await?;
        Ok((oid, name))
    }

    async fn make_sequence(&mut self, schema: u32, name: &str, sequence: Sequence) -> Result<u32> {
        let oid = self.new_oid()?;
        let state = SequenceState { last: sequence.start, called: false };
        self.engine.sequence_set(oid, state).map_err(engine_error)?;
        self.put_relation(Relation {
            oid,
            database: self.database,
            schema,
            name: name.to_string(),
            owner: self.role,
            persistence: self.persistence_in(schema),
            acl: None,
            options: Default::default(),
            columns: Vec::new(),
            row_type: 0,
            array_type: 0,
            kind: RelationKind::Sequence(sequence),
        })
        .await?;
        Ok(oid)
    }

    fn owner_column(&self, column: &syntax::ObjectName, schema: u32) -> Result<(u32, i16)> {
        let Some((name, table)) = column.parts.split_last() else {
            return Err(Error::new(SqlState::SyntaxError, "invalid OWNED BY option"));
        };
        if table.is_empty() {
            return Err(Error::new(SqlState::SyntaxError, "invalid OWNED BY option")
                .hint("Specify OWNED BY table.column or OWNED BY NONE."));
        }
        let table = self.relation(&syntax::ObjectName { parts: table.to_vec(), at: column.at })?;
        if table.schema != schema {
            return Err(Error::new(
                SqlState::ObjectNotInPrerequisiteState,
                "sequence must be in same schema as table it is linked to",
            ));
        }
        let found = table.column_by_name(name).ok_or_else(|| {
            Error::new(
                SqlState::UndefinedColumn,
                format!("column \"{name}\" of relation \"{}\" does not exist", table.name),
            )
        })?;
        Ok((table.oid, found.number))
    }

    pub(super) async fn alter_sequence(&mut self, alter: &AlterSequence) -> Result<String> {
        let tag = "ALTER SEQUENCE".to_string();
        let Some(relation) = self.find(&alter.name) else {
            if alter.if_exists {
                self.notice(format!("relation \"{}\" does not exist, skipping", alter.name));
                return Ok(tag);
            }
            return self.relation(&alter.name).map(|_| tag);
        };
        self.check_owner(&relation)?;
        self.lock(relation.oid, RelationLockMode::ShareRowExclusive).await?;
        self.change_sequence(relation.oid, &alter.options).await?;
        Ok(tag)
    }

    /// Changes a sequence's parameters and, for RESTART, where it stands.
    pub(super) async fn change_sequence(&mut self, oid: u32, options: &[SequenceOption]) -> Result<()> {
        let given = self.read_options(options)?;
        let mut relation = (*self.current(oid)?).clone();
        let Some(old) = relation.as_sequence().cloned() else {
            let message = format!("\"{}\" is not a sequence", relation.name);
            return Err(Error::new(SqlState::WrongObjectType, message));
        };
        let mut sequence = build(&given, Some(&old))?;
        sequence.owned_by = match &given.owned_by {
            Some(Some(column)) => Some(self.owner_column(column, relation.schema)?),
            Some(None) => None,
            None => old.owned_by,
        };
        sequence.identity = old.identity;
        if let Some(restart) = given.restart {
            let state = SequenceState { last: restart.unwrap_or(sequence.start), called: false };
            if !(sequence.minimum..=sequence.maximum).contains(&state.last) {
                let side = if state.last < sequence.minimum {
                    ("less", "MINVALUE", sequence.minimum)
                } else {
                    ("greater", "MAXVALUE", sequence.maximum)
                };
                return Err(Error::new(
                    SqlState::InvalidParameterValue,
                    format!(
                        "RESTART value ({}) cannot be {} than {} ({})",
                        state.last, side.0, side.1, side.2
                    ),
                ));
            }
            self.engine.sequence_set(oid, state).map_err(engine_error)?;
        }
        relation.kind = RelationKind::Sequence(sequence);
        self.put_relation(relation).await
    }
}

/// The parameters, with PostgreSQL's defaults and checks (sequence.c, init_params).
fn build(given: &Given, old: Option<&Sequence>) -> Result<Sequence> {
    let type_oid = given.type_oid.or(old.map(|old| old.type_oid)).unwrap_or(oid::INT8);
    let (least, greatest) = match type_oid {
        oid::INT2 => (i64::from(i16::MIN), i64::from(i16::MAX)),
        oid::INT4 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    let invalid = |message: String| Err(Error::new(SqlState::InvalidParameterValue, message));
    let increment = given.increment.or(old.map(|old| old.increment)).unwrap_or(1);
    if increment == 0 {
        return invalid("INCREMENT must not be zero".to_string());
    }
    let up = increment > 0;
    let kept = |value: fn(&Sequence) -> i64| old.filter(|_| given.type_oid.is_none()).map(value);
    let maximum = match given.maximum {
        Some(Some(value)) => value,
        Some(None) => {
            if up {
                greatest
            } else {
                -1
            }
        }
        None => kept(|old| old.maximum).unwrap_or(if up { greatest } else { -1 }),
    };
    let minimum = match given.minimum {
        Some(Some(value)) => value,
        Some(None) => {
            if up {
                1
            } else {
                least
            }
        }
        None => kept(|old| old.minimum).unwrap_or(if up { 1 } else { least }),
    };
    let type_name = crate::types::format_type(type_oid, -1, &crate::types::NoNames);
    if maximum > greatest || maximum < least {
        return invalid(format!("MAXVALUE ({maximum}) is out of range for sequence data type {type_name}"));
    }
    if minimum > greatest || minimum < least {
        return invalid(format!("MINVALUE ({minimum}) is out of range for sequence data type {type_name}"));
    }
    if minimum >= maximum {
        return invalid(format!("MINVALUE ({minimum}) must be less than MAXVALUE ({maximum})"));
    }
    let start = given.start.or(old.map(|old| old.start)).unwrap_or(if up { minimum } else { maximum });
    if start < minimum {
        return invalid(format!("START value ({start}) cannot be less than MINVALUE ({minimum})"));
    }
    if start > maximum {
        return invalid(format!("START value ({start}) cannot be greater than MAXVALUE ({maximum})"));
    }
    let cache = given.cache.or(old.map(|old| old.cache)).unwrap_or(1);
    if cache < 1 {
        return invalid(format!("CACHE ({cache}) must be greater than zero"));
    }
    let cycle = given.cycle.or(old.map(|old| old.cycle)).unwrap_or(false);
    Ok(Sequence {
        type_oid,
        start,
        increment,
        minimum,
        maximum,
        cache,
        cycle,
        owned_by: None,
        identity: false,
    })
}
