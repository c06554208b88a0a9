//! Functions by name and argument types: PostgreSQL's func_get_detail.

use catalog::builtin::{self, CastContext, FunctionKind, FunctionRow};

use super::Analyzer;
use super::coerce::Pathway;
use super::types::STRING;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::ObjectName;
use crate::types::oid;

/// What a call's name and arguments mean.
pub(super) enum Resolution {
    Function(Chosen),
    /// `text(x)`: the name is a type's and there is no function.
    Cast(u32),
}

/// A function chosen for a call.
#[derive(Clone)]
pub(super) struct Chosen {
    pub row: &'static FunctionRow,
    /// The declared type for each argument given, VARIADIC spread out, then for each default taken.
    pub types: Vec<u32>,
    /// For each parameter in order, which argument given it takes; None is the default.
    pub order: Vec<Option<usize>>,
    /// How many of the last arguments are elements of the VARIADIC array.
    pub spread: usize,
}

/// What is known of a call before resolution.
pub(super) struct Request<'r> {
    pub name: &'r ObjectName,
    pub types: &'r [u32],
    /// Names of the last arguments, where they are given by name.
    pub names: &'r [Option<&'r str>],
    /// The last argument is VARIADIC array.
    pub variadic: bool,
}

impl Analyzer<'_> {
    /// Which function a call means.
    pub(super) fn find_function(&self, request: &Request<'_>) -> Result<Resolution> {
        let position = self.position(request.name.at);
        let candidates = self.candidates(request)?;
        let given = request.types.len();
        let exact = |candidate: &Chosen| candidate.types.get(..given) == Some(request.types);
        if let Some(chosen) = candidates.iter().find(|candidate| exact(candidate)) {
            return Ok(Resolution::Function(chosen.clone()));
        }
        if let Some(target) = self.as_cast(request) {
            return Ok(Resolution::Cast(target));
        }
        let mut fitting = self.matching(request.types, candidates, |candidate| &candidate.types);
        if fitting.len() > 1 {
            return match self.select_candidate(request.types, fitting, |candidate| &candidate.types) {
                Some(chosen) => Ok(Resolution::Function(chosen)),
                None => Err(Error::new(
                    SqlState::AmbiguousFunction,
                    format!("function {} is not unique", self.call_text(request)),
                )
                .hint(
                    "Could not choose a best candidate function. You might need to add explicit type casts.",
                )
                .at(position)),
            };
        }
        match fitting.pop() {
            Some(chosen) => Ok(Resolution::Function(chosen)),
            None => Err(self.no_function(request)),
        }
    }

    /// The complaint about a call that no function takes.
    pub(super) fn no_function(&self, request: &Request<'_>) -> Error {
        if matches!(request.name.parts.as_slice(), [schema, name] if schema == "strata" && name == "revert") {
            return Error::unsupported("strata.revert as a part of a statement")
                .hint("It stands alone: SELECT strata.revert('table', key, ..., moment).")
                .at(self.position(request.name.at));
        }
        let text = self.call_text(request);
        Error::new(SqlState::UndefinedFunction, format!("function {text} does not exist"))
            .hint("No function matches the given name and argument types. You might need to add explicit type casts.")
            .at(self.position(request.name.at))
    }

    fn call_text(&self, request: &Request<'_>) -> String {
        let arguments: Vec<String> = request
            .types
            .iter()
            .zip(request.names)
            .map(|(ty, name)| match name {
                Some(name) => format!("{name} => {}", self.type_text(*ty)),
                None => self.type_text(*ty),
            })
            .collect();
        format!("{}({})", request.name, arguments.join(", "))
    }

    fn candidates(&self, request: &Request<'_>) -> Result<Vec<Chosen>> {
        let schemas = match request.name.parts.as_slice() {
            [_] => self.search_schemas(),
            _ => vec![self.schema_by_name(request.name.schema().unwrap_or_default(), request.name.at)?],
        };
        let rows = builtin::functions_by_name(request.name.name()).iter();
        let mut found: Vec<Chosen> = Vec::new();
        let found_in = |schema| self.placed(schema).is_some_and(|schema| schemas.contains(&schema));
        for row in rows.filter(|row| found_in(row.schema)) {
            let Some(candidate) = candidate(row, request) else { continue };
            // The same parameters twice: the plain form goes before the one with VARIADIC spread out.
            match found.iter_mut().find(|other| other.types == candidate.types) {
                Some(other) if other.spread > 0 && candidate.spread == 0 => *other = candidate,
                Some(_) => {}
                None => found.push(candidate),
            }
        }
        Ok(found)
    }

    /// `type(x)` as a cast that needs no function of that name.
    fn as_cast(&self, request: &Request<'_>) -> Option<u32> {
        let [source] = request.types else { return None };
        if request.variadic || request.names.iter().any(Option::is_some) {
            return None;
        }
        let target = match request.name.schema() {
            None => self.environment.catalog.find_type(
                self.environment.database,
                self.environment.search_path,
                request.name.name(),
            )?,
            Some(schema) => {
                let schema = self.schema_by_name(schema, request.name.at).ok()?;
                self.environment.catalog.type_by_name(
                    self.environment.database,
                    schema,
                    request.name.name(),
                )?
            }
        };
        if target.kind == 'c' {
            return None;
        }
        if *source == oid::UNKNOWN {
            return Some(target.oid);
        }
        match self.pathway(*source, target.oid, CastContext::Explicit) {
            Some(Pathway::Relabel) => Some(target.oid),
            Some(Pathway::Text) => {
                let strings = self.category(target.oid) == STRING;
                (!strings || !self.is_composite(*source)).then_some(target.oid)
            }
            Some(Pathway::Function(_) | Pathway::Array) | None => None,
        }
    }
}

/// A function as a candidate for a call, if the number and names of the arguments allow.
fn candidate(row: &'static FunctionRow, request: &Request<'_>) -> Option<Chosen> {
    let given = request.types.len();
    let parameters = row.arguments.len();
    if request.names.iter().any(Option::is_some) {
        return named_candidate(row, request);
    }
    if row.variadic != 0 && !request.variadic && given >= parameters {
        let mut types: Vec<u32> = row.arguments.iter().take(parameters.saturating_sub(1)).copied().collect();
        let spread = given + 1 - parameters;
        types.extend(std::iter::repeat_n(row.variadic, spread));
        return Some(Chosen { row, types, order: (0..given).map(Some).collect(), spread });
    }
    if request.variadic && row.variadic == 0 || given > parameters || given + row.default_count < parameters {
        return None;
    }
    let order = (0..parameters).map(|i| (i < given).then_some(i)).collect();
    Some(Chosen { row, types: row.arguments.clone(), order, spread: 0 })
}

/// Arguments by name: each to the parameter of that name, the rest to defaults.
fn named_candidate(row: &'static FunctionRow, request: &Request<'_>) -> Option<Chosen> {
    if row.argument_names.is_empty() {
        return None;
    }
    let parameters = row.arguments.len();
    let mut order: Vec<Option<usize>> = vec![None; parameters];
    for (given, name) in request.names.iter().enumerate() {
        let parameter = match name {
            None => given,
            Some(name) => row.argument_names.iter().take(parameters).position(|known| known == name)?,
        };
        let slot = order.get_mut(parameter)?;
        if slot.is_some() {
            return None;
        }
        *slot = Some(given);
    }
    let first_default = parameters.checked_sub(row.default_count)?;
    if order.iter().take(first_default).any(Option::is_none) {
        return None;
    }
    // Types in the order of the arguments given, as candidates are compared by them.
    let mut types = vec![0; request.types.len()];
    for (parameter, given) in order.iter().enumerate() {
        if let Some(given) = given {
            *types.get_mut(*given)? = row.arguments.get(parameter).copied()?;
        }
    }
    Some(Chosen { row, types, order, spread: 0 })
}

/// The word for a kind of function where it is the wrong one.
pub(super) fn kind_word(kind: FunctionKind) -> &'static str {
    match kind {
        FunctionKind::Plain => "a function",
        FunctionKind::Aggregate => "an aggregate function",
        FunctionKind::Window => "a window function",
        FunctionKind::Procedure => "a procedure",
    }
}
