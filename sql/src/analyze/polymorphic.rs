//! Polymorphic parameters: whether arguments agree with them, and what they stand for in a call.

use catalog::builtin::CastContext;

use super::Analyzer;
use super::types::{is_polymorphic, is_polymorphic_range};
use crate::error::{Error, Result, SqlState};
use crate::types::oid;

/// What the polymorphic parameters of a call stand for.
#[derive(Clone, Copy, Debug, Default)]
struct Generic {
    /// Of anyelement and anyarray; 0 while unknown.
    element: u32,
    array: u32,
    /// Of anycompatible and anycompatiblearray.
    compatible: u32,
    compatible_array: u32,
    wants_compatible: bool,
    /// A parameter says that the element is no array.
    non_array: bool,
    compatible_non_array: bool,
    saw_unknown: bool,
}

impl Analyzer<'_> {
    /// Whether known arguments agree with each other about the polymorphic parameters.
    pub(super) fn generics_agree(&self, sources: &[u32], targets: &[u32]) -> bool {
        self.generics(sources, targets).is_ok()
    }

    fn generics(&self, sources: &[u32], targets: &[u32]) -> Result<Generic> {
        let mut generic = Generic::default();
        let mut compatible = Vec::new();
        for (&source, &target) in sources.iter().zip(targets) {
            let is_enum = |source| self.type_row(source).is_some_and(|row| row.kind == 'e');
            if source != oid::UNKNOWN
                && (is_polymorphic_range(target) || target == oid::ANYENUM && !is_enum(source))
            {
                let wanted = self.type_text(target);
                return Err(self.not_of_kind(source, &wanted));
            }
            match target {
                oid::ANYCOMPATIBLE | oid::ANYCOMPATIBLENONARRAY => {
                    generic.wants_compatible = true;
                    generic.compatible_non_array |= target == oid::ANYCOMPATIBLENONARRAY;
                    compatible.push((source, None));
                }
                oid::ANYCOMPATIBLEARRAY => {
                    generic.wants_compatible = true;
                    if source != oid::UNKNOWN {
                        let element = self.element_type(source);
                        if element == 0 {
                            return Err(self.not_an_array(source, "anycompatiblearray"));
                        }
                        compatible.push((element, None));
                    }
                }
                oid::ANYELEMENT | oid::ANYNONARRAY | oid::ANYENUM => {
                    generic.non_array |= target == oid::ANYNONARRAY;
                    if source == oid::UNKNOWN {
                        generic.saw_unknown = true;
                    } else if generic.element != 0 && generic.element != source {
                        return Err(self.not_alike("anyelement", generic.element, source));
                    } else {
                        generic.element = source;
                    }
                }
                oid::ANYARRAY => {
                    if source == oid::UNKNOWN {
                        generic.saw_unknown = true;
                    } else if generic.array != 0 && generic.array != source {
                        return Err(self.not_alike("anyarray", generic.array, source));
                    } else {
                        generic.array = source;
                    }
                }
                _ => {}
            }
        }
        self.settle(&mut generic)?;
        if generic.wants_compatible {
            self.settle_compatible(&mut generic, &compatible)?;
        }
        Ok(generic)
    }

    fn not_of_kind(&self, source: u32, wanted: &str) -> Error {
        let source = self.type_text(source);
        let message = format!("argument declared {wanted} is not of that kind but type {source}");
        Error::new(SqlState::DatatypeMismatch, message)
    }

    fn not_an_array(&self, source: u32, parameter: &str) -> Error {
        let source = self.type_text(source);
        Error::new(
            SqlState::DatatypeMismatch,
            format!("argument declared {parameter} is not an array but type {source}"),
        )
    }

    fn not_alike(&self, parameter: &str, first: u32, second: u32) -> Error {
        Error::new(
            SqlState::DatatypeMismatch,
            format!("arguments declared \"{parameter}\" are not all alike"),
        )
        .detail(format!("{} versus {}", self.type_text(first), self.type_text(second)))
    }

    fn settle(&self, generic: &mut Generic) -> Result<()> {
        if generic.array != 0 && generic.array != oid::ANYARRAY {
            let element = match generic.array {
                oid::INT2VECTOR => oid::INT2,
                oid::OIDVECTOR => oid::OID,
                array => self.element_type(array),
            };
            if element == 0 {
                return Err(self.not_an_array(generic.array, "anyarray"));
            }
            if generic.element == 0 {
                generic.element = element;
            } else if generic.element != element {
                let (array, found) = (self.type_text(generic.array), self.type_text(generic.element));
                return Err(Error::new(
                    SqlState::DatatypeMismatch,
                    "argument declared anyarray is not consistent with argument declared anyelement",
                )
                .detail(format!("{array} versus {found}")));
            }
        }
        if generic.non_array && self.element_type(generic.element) != 0 {
            let element = self.type_text(generic.element);
            return Err(Error::new(
                SqlState::DatatypeMismatch,
                format!("type matched to anynonarray is an array type: {element}"),
            ));
        }
        Ok(())
    }

    fn settle_compatible(&self, generic: &mut Generic, nodes: &[(u32, Option<u32>)]) -> Result<()> {
        generic.compatible = self.common_type(nodes, "anycompatible")?;
        if generic.compatible_non_array && self.element_type(generic.compatible) != 0 {
            return Err(Error::new(
                SqlState::DatatypeMismatch,
                "type matched to anycompatiblenonarray is an array type",
            ));
        }
        generic.compatible_array = self.array_type(generic.compatible);
        let fits = |ty: &u32| self.can_coerce(&[*ty], &[generic.compatible], CastContext::Implicit);
        if nodes.iter().map(|(ty, _)| ty).all(fits) {
            Ok(())
        } else {
            Err(Error::new(
                SqlState::DatatypeMismatch,
                "arguments of anycompatible family cannot be cast to a common type",
            ))
        }
    }

    /// Replaces polymorphic parameter types by what they stand for in this call, and answers with the result type.
    pub(super) fn enforce_generics(&self, sources: &[u32], targets: &mut [u32], result: u32) -> Result<u32> {
        if !targets.iter().any(|target| is_polymorphic(*target)) {
            return Ok(result);
        }
        let mut generic = self.generics(sources, targets)?;
        if generic.element == 0 && generic.array == 0 && generic.saw_unknown {
            return Err(Error::new(
                SqlState::DatatypeMismatch,
                "could not determine polymorphic type because input has type unknown",
            ));
        }
        if generic.array == 0 && generic.element != 0 {
            generic.array = self.array_type(generic.element);
        }
        let replace = |ty: u32| match ty {
            oid::ANYELEMENT | oid::ANYNONARRAY | oid::ANYENUM => generic.element,
            oid::ANYARRAY => generic.array,
            oid::ANYCOMPATIBLE | oid::ANYCOMPATIBLENONARRAY => generic.compatible,
            oid::ANYCOMPATIBLEARRAY => generic.compatible_array,
            other => other,
        };
        for target in targets.iter_mut() {
            *target = replace(*target);
        }
        let resolved = replace(result);
        if resolved == 0 {
            let message = match result {
                oid::ANYARRAY | oid::ANYCOMPATIBLEARRAY => "could not find array type for data type",
                _ => "could not determine polymorphic type",
            };
            return Err(Error::new(SqlState::UndefinedObject, message));
        }
        Ok(resolved)
    }
}
