//! Conversions between types: which exist, in which context they may be applied, and the trees that do them. (One set of
//! rules that call each other, as in PostgreSQL's parse_coerce.c; that makes the file a little longer than others.)

use catalog::builtin::{self, CastContext, CastMethod};
use engine::Value;

use super::Analyzer;
use super::types::{STRING, is_polymorphic};
use crate::error::{Error, Result, SqlState};
use crate::tree::{Expression, ExpressionKind, Form, Type};
use crate::types::oid;

/// How one type becomes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pathway {
    Function(u32),
    Relabel,
    Array,
    Text,
}

impl Analyzer<'_> {
    /// The conversion from `source` to `target` that may be applied in a context, if there is one.
    pub(super) fn pathway(&self, source: u32, target: u32, context: CastContext) -> Option<Pathway> {
        if source == target {
            return Some(Pathway::Relabel);
        }
        if let Some(cast) = builtin::cast(source, target) {
            if cast.context < context {
                return None;
            }
            return Some(match cast.method {
                CastMethod::Function => Pathway::Function(cast.function),
                CastMethod::Binary => Pathway::Relabel,
                CastMethod::InputOutput => Pathway::Text,
            });
        }
        if !matches!(target, oid::OIDVECTOR | oid::INT2VECTOR) {
            let (source_element, target_element) = (self.element_type(source), self.element_type(target));
            if source_element != 0 && target_element != 0 {
                let element = self.pathway(source_element, target_element, context)?;
                let alike = crate::types::physical(source_element) == crate::types::physical(target_element);
                let relabel = element == Pathway::Relabel && alike;
                return Some(if relabel { Pathway::Relabel } else { Pathway::Array });
            }
        }
        let to_string = context <= CastContext::Assignment && self.category(target) == STRING;
        let from_string = context == CastContext::Explicit && self.category(source) == STRING;
        (to_string || from_string).then_some(Pathway::Text)
    }

    /// Whether values of these types may stand where those types are wanted.
    pub(super) fn can_coerce(&self, sources: &[u32], targets: &[u32], context: CastContext) -> bool {
        let mut generic = false;
        for (&source, &target) in sources.iter().zip(targets) {
            if source == target || target == oid::ANY {
                continue;
            }
            if is_polymorphic(target) {
                generic = true;
                continue;
            }
            let composite = self.is_composite(source) && target == oid::RECORD
                || source == oid::RECORD && self.is_composite(target)
                || self.is_composite_array(source) && target == oid::RECORD_ARRAY;
            if source == oid::UNKNOWN || composite || self.pathway(source, target, context).is_some() {
                continue;
            }
            return false;
        }
        !generic || self.generics_agree(sources, targets)
    }

    fn is_composite_array(&self, type_oid: u32) -> bool {
        let element = self.element_type(type_oid);
        element != 0 && self.is_composite(element)
    }

    /// How a conversion shows in a tree that is stored; one of any other tree has no form.
    fn form(&self, context: CastContext) -> Form {
        match context {
            _ if !self.keep_views => Form::Call,
            CastContext::Explicit => Form::Explicit,
            CastContext::Assignment | CastContext::Implicit => Form::Implicit,
        }
    }

    /// Converts to a type with its typmod; None where no conversion may be applied.
    pub(super) fn coerce_to(
        &mut self,
        node: Expression,
        target: Type,
        context: CastContext,
        position: Option<u32>,
    ) -> Result<Option<Expression>> {
        if !self.can_coerce(&[node.ty.oid], &[target.oid], context) {
            return Ok(None);
        }
        let node = self.coerce(node, target, context, position)?;
        Ok(Some(self.coerce_typmod(node, target, context == CastContext::Explicit)))
    }

    /// Converts to a type that `can_coerce` has allowed.
    pub(super) fn coerce(
        &mut self,
        node: Expression,
        target: Type,
        context: CastContext,
        position: Option<u32>,
    ) -> Result<Expression> {
        let source = node.ty.oid;
        // A column of pg_attribute or pg_statistic is of anyarray; NULL beside it is, too.
        let nothing = matches!(node.kind, ExpressionKind::Constant(Value::Null)) && source == oid::UNKNOWN;
        if nothing && target.oid == oid::ANYARRAY {
            return Ok(Expression { ty: Type::new(target.oid), ..node });
        }
        if source == target.oid || target.oid == oid::ANY || is_polymorphic(target.oid) {
            return Ok(node);
        }
        if source == oid::UNKNOWN {
            return self.coerce_unknown(node, target, context, position);
        }
        if let ExpressionKind::Row { .. } = node.kind
            && target.oid != oid::RECORD
            && self.is_composite(target.oid)
        {
            return self.coerce_row(node, target.oid, context, position);
        }
        if target.oid == oid::RECORD || target.oid == oid::RECORD_ARRAY {
            return Ok(relabel(node, target.oid, 0, self.form(context)));
        }
        match self.pathway(source, target.oid, context) {
            Some(Pathway::Relabel) => {
                let collation = self.default_collation(target.oid);
                Ok(reinterpret(node, target.oid, collation, self.form(context)))
            }
            Some(Pathway::Function(function)) => {
                Ok(self.cast_call(node, function, target, context, position))
            }
            Some(Pathway::Text) => Ok(Expression {
                ty: Type::new(target.oid),
                collation: self.default_collation(target.oid),
                position,
                kind: ExpressionKind::CoerceViaText {
                    argument: Box::new(node),
                    explicit: context == CastContext::Explicit,
                },
            }),
            Some(Pathway::Array) => self.coerce_array(node, target, context, position),
            None => Err(Error::internal(format!(
                "failed to find conversion function from {} to {}",
                self.type_text(source),
                self.type_text(target.oid)
            ))),
        }
    }

    /// A literal or parameter without a type takes the one asked for.
    fn coerce_unknown(
        &mut self,
        node: Expression,
        target: Type,
        context: CastContext,
        position: Option<u32>,
    ) -> Result<Expression> {
        let collation = self.default_collation(target.oid);
        match node.kind {
            ExpressionKind::Constant(value) => {
                // Only interval's input looks at the typmod; the others are cut or checked afterwards.
                let typmod = if target.oid == oid::INTERVAL { target.typmod } else { -1 };
                let value = match value {
                    Value::Text(text) => {
                        crate::types::input(target.oid, typmod, &text, &self.environment.input)
                            .map_err(|error| error.at(node.position))?
                    }
                    other => other,
                };
                Ok(Expression {
                    kind: ExpressionKind::Constant(value),
                    ty: Type::with_typmod(target.oid, typmod),
                    collation,
                    position: node.position,
                })
            }
            ExpressionKind::Parameter(number) => self.coerce_parameter(number, target.oid, node.position),
            ExpressionKind::Collate(argument) => {
                let argument = self.coerce(*argument, target, context, position)?;
                Ok(Expression {
                    ty: argument.ty,
                    collation: node.collation,
                    position: node.position,
                    kind: ExpressionKind::Collate(Box::new(argument)),
                })
            }
            kind => Ok(Expression {
                ty: Type::new(target.oid),
                collation,
                position,
                kind: ExpressionKind::CoerceViaText {
                    argument: Box::new(Expression { kind, ..node }),
                    explicit: context == CastContext::Explicit,
                },
            }),
        }
    }

    fn cast_call(
        &self,
        node: Expression,
        function: u32,
        target: Type,
        context: CastContext,
        position: Option<u32>,
    ) -> Expression {
        let form = self.form(context);
        let wanted = builtin::function_by_oid(function).map_or(1, |row| row.arguments.len());
        let mut arguments = vec![node];
        if wanted > 1 {
            arguments.push(constant(Value::Int32(target.typmod), oid::INT4));
        }
        if wanted > 2 {
            arguments.push(constant(Value::Bool(context == CastContext::Explicit), oid::BOOL));
        }
        let result = builtin::function_by_oid(function).map_or(target.oid, |row| row.return_type);
        let collation = self.default_collation(target.oid);
        let call = Expression {
            kind: ExpressionKind::Call { function, operator: 0, arguments, variadic_array: false, form },
            ty: Type::new(result),
            collation,
            position,
        };
        // Some casts end in a type that PostgreSQL stores like the one wanted: int2 to oid gives int4.
        if result == target.oid { call } else { reinterpret(call, target.oid, collation, form) }
    }

    fn coerce_array(
        &mut self,
        node: Expression,
        target: Type,
        context: CastContext,
        position: Option<u32>,
    ) -> Result<Expression> {
        let source_element = self.element_type(node.ty.oid);
        let target_element = self.element_type(target.oid);
        let element_column = self.new_column();
        let item = Expression {
            kind: ExpressionKind::Column(element_column),
            ty: Type::new(source_element),
            collation: self.default_collation(source_element),
            position: None,
        };
        let wanted = Type::with_typmod(target_element, target.typmod);
        let element = Box::new(self.coerce(item, wanted, context, position)?);
        Ok(Expression {
            kind: ExpressionKind::CoerceArray {
                argument: Box::new(node),
                element,
                element_column,
                form: self.form(context),
            },
            ty: Type::new(target.oid),
            collation: self.default_collation(target.oid),
            position,
        })
    }

    /// ROW(...) to a named composite type, field by field.
    fn coerce_row(
        &mut self,
        node: Expression,
        target: u32,
        context: CastContext,
        cast_position: Option<u32>,
    ) -> Result<Expression> {
        let columns = self.composite_columns(target);
        let ExpressionKind::Row { fields, .. } = node.kind else {
            return Err(Error::internal("a row that is none"));
        };
        let cannot = |detail: String| Error::new(SqlState::CannotCoerce, detail).at(cast_position);
        if fields.len() != columns.len() {
            let which = if fields.len() < columns.len() { "few" } else { "many" };
            return Err(cannot(format!("cannot cast type record to {}", self.type_text(target)))
                .detail(format!("Input has too {which} columns.")));
        }
        let mut converted = Vec::with_capacity(fields.len());
        let mut names = Vec::with_capacity(fields.len());
        for (field, (name, ty)) in fields.into_iter().zip(columns) {
            let source = field.ty.oid;
            let position = field.position;
            match self.coerce_to(field, ty, context, position)? {
                Some(field) => converted.push(field),
                None => {
                    return Err(cannot(format!(
                        "cannot cast type {} to {}",
                        self.type_text(source),
                        self.type_text(ty.oid)
                    )));
                }
            }
            names.push(name);
        }
        Ok(Expression {
            kind: ExpressionKind::Row { fields: converted, names },
            ty: Type::new(target),
            collation: 0,
            position: node.position,
        })
    }

    /// Applies a typmod to a value of its type already, unless it has it.
    pub(super) fn coerce_typmod(&self, node: Expression, target: Type, explicit: bool) -> Expression {
        if target.typmod < 0 || node.ty.typmod == target.typmod {
            return node;
        }
        let base = match self.element_type(target.oid) {
            0 => target.oid,
            element => element,
        };
        if builtin::cast(base, base).is_none() {
            return node;
        }
        let (collation, position) = (node.collation, node.position);
        if let ExpressionKind::Constant(value) = &node.kind
            && !self.keep_views
        {
            // A literal that does not fit is reported when the statement runs, as PostgreSQL may never get there.
            let folded = crate::types::apply_typmod(target.oid, target.typmod, value.clone(), explicit);
            if let Ok(value) = folded {
                return Expression { kind: ExpressionKind::Constant(value), ty: target, collation, position };
            }
        }
        let kind = ExpressionKind::CoerceTypmod { argument: Box::new(node), explicit };
        Expression { kind, ty: target, collation, position }
    }

    /// An explicit cast.
    pub(super) fn cast(
        &mut self,
        node: Expression,
        target: Type,
        position: Option<u32>,
    ) -> Result<Expression> {
        let source = node.ty.oid;
        match self.coerce_to(node, target, CastContext::Explicit, position)? {
            Some(node) => Ok(node),
            None => Err(Error::new(
                SqlState::CannotCoerce,
                format!("cannot cast type {} to {}", self.type_text(source), self.type_text(target.oid)),
            )
            .at(position)),
        }
    }

    /// A condition: `construct` names where it stands.
    pub(super) fn coerce_boolean(&mut self, node: Expression, construct: &str) -> Result<Expression> {
        let (source, position) = (node.ty.oid, node.position);
        match self.coerce_to(node, Type::new(oid::BOOL), CastContext::Assignment, position)? {
            Some(node) => Ok(node),
            None => Err(Error::new(
                SqlState::DatatypeMismatch,
                format!("argument of {construct} must be type boolean, not type {}", self.type_text(source)),
            )
            .at(position)),
        }
    }

    /// A value of one given type: the count of LIMIT, the offset of a frame.
    pub(super) fn coerce_specific(
        &mut self,
        node: Expression,
        target: u32,
        construct: &str,
    ) -> Result<Expression> {
        let (source, position) = (node.ty.oid, node.position);
        match self.coerce_to(node, Type::new(target), CastContext::Assignment, position)? {
            Some(node) => Ok(node),
            None => Err(Error::new(
                SqlState::DatatypeMismatch,
                format!(
                    "argument of {construct} must be type {}, not type {}",
                    self.type_text(target),
                    self.type_text(source)
                ),
            )
            .at(position)),
        }
    }

    /// The type that all of these can become: CASE, UNION, VALUES, ARRAY and their kin.
    pub(super) fn common_type(&self, nodes: &[(u32, Option<u32>)], construct: &str) -> Result<u32> {
        let Some(&(first, _)) = nodes.first() else { return Ok(oid::TEXT) };
        if first != oid::UNKNOWN && nodes.iter().all(|(ty, _)| *ty == first) {
            return Ok(first);
        }
        let mut best = oid::UNKNOWN;
        for &(ty, position) in nodes {
            if ty == oid::UNKNOWN || ty == best {
                continue;
            }
            if best == oid::UNKNOWN {
                best = ty;
            } else if self.category(ty) != self.category(best) {
                return Err(Error::new(
                    SqlState::DatatypeMismatch,
                    format!(
                        "{construct} types {} and {} cannot be matched",
                        self.type_text(best),
                        self.type_text(ty)
                    ),
                )
                .at(position));
            } else if !self.is_preferred(best)
                && self.can_coerce(&[best], &[ty], CastContext::Implicit)
                && !self.can_coerce(&[ty], &[best], CastContext::Implicit)
            {
                best = ty;
            }
        }
        Ok(if best == oid::UNKNOWN { oid::TEXT } else { best })
    }

    /// Converts to the common type.
    pub(super) fn coerce_common(
        &mut self,
        node: Expression,
        target: u32,
        construct: &str,
    ) -> Result<Expression> {
        let (source, position) = (node.ty.oid, node.position);
        if source == target {
            return Ok(node);
        }
        if !self.can_coerce(&[source], &[target], CastContext::Implicit) {
            return Err(Error::new(
                SqlState::CannotCoerce,
                format!(
                    "{construct} could not convert type {} to {}",
                    self.type_text(source),
                    self.type_text(target)
                ),
            )
            .at(position));
        }
        self.coerce(node, Type::new(target), CastContext::Implicit, position)
    }

    /// Resolves the common type of expressions and converts them all; the typmod survives where all agree.
    pub(super) fn unify(
        &mut self,
        nodes: Vec<Expression>,
        construct: &str,
    ) -> Result<(Vec<Expression>, Type)> {
        let types: Vec<_> = nodes.iter().map(|node| (node.ty.oid, node.position)).collect();
        let common = self.common_type(&types, construct)?;
        let nodes: Vec<_> = nodes
            .into_iter()
            .map(|node| self.coerce_common(node, common, construct))
            .collect::<Result<_>>()?;
        let first = nodes.first().map_or(-1, |node| node.ty.typmod);
        let typmod = if nodes.iter().all(|node| node.ty.typmod == first) { first } else { -1 };
        Ok((nodes, Type::with_typmod(common, typmod)))
    }
}

/// A constant of a type, at no place of the text.
pub(super) fn constant(value: Value, type_oid: u32) -> Expression {
    Expression {
        kind: ExpressionKind::Constant(value),
        ty: Type::new(type_oid),
        collation: 0,
        position: None,
    }
}

/// pg_proc oids of the casts between int4, int8 and oid.
const INT8_OF_INT4: u32 = 481;
const INT4_OF_INT8: u32 = 480;
const OID_OF_INT8: u32 = 1287;
const INT8_OF_OID: u32 = 1288;

/// The value of a type that PostgreSQL stores alike under another type. Here int4 and the oid types differ: one has a
/// sign.
fn reinterpret(node: Expression, type_oid: u32, collation: u32, form: Form) -> Expression {
    use engine::PhysicalType::{Int32, UInt32};
    let (source, target) = (crate::types::physical(node.ty.oid), crate::types::physical(type_oid));
    let position = node.position;
    let (first, second, through) = match (source, target) {
        (Int32, UInt32) => (INT8_OF_INT4, OID_OF_INT8, oid::OID),
        (UInt32, Int32) => (INT8_OF_OID, INT4_OF_INT8, oid::INT4),
        _ => return relabel(node, type_oid, collation, form),
    };
    let constant = match &node.kind {
        ExpressionKind::Constant(Value::Int32(value)) => Some(Value::UInt32(value.cast_unsigned())),
        ExpressionKind::Constant(Value::UInt32(value)) => Some(Value::Int32(value.cast_signed())),
        ExpressionKind::Constant(Value::Null) => Some(Value::Null),
        _ => None,
    };
    if let Some(value) = constant {
        let kind = ExpressionKind::Constant(value);
        return Expression { kind, ty: Type::new(type_oid), collation, position };
    }
    let call = |function, argument, ty, form| Expression {
        kind: ExpressionKind::Call {
            function,
            operator: 0,
            arguments: vec![argument],
            variadic_array: false,
            form,
        },
        ty: Type::new(ty),
        collation: 0,
        position,
    };
    let inner = if form == Form::Call { form } else { Form::Implicit };
    let converted = call(second, call(first, node, oid::INT8, inner), through, form);
    if through == type_oid { converted } else { relabel(converted, type_oid, collation, form) }
}

/// The same value under another type.
pub(super) fn relabel(node: Expression, type_oid: u32, collation: u32, form: Form) -> Expression {
    // A collation chosen by COLLATE or inherited from a column stays with the value.
    let collation = if collation != 0 && node.collation != 0 { node.collation } else { collation };
    let position = node.position;
    match node.kind {
        // A stored tree keeps the constant as it was written.
        ExpressionKind::Constant(value) if form == Form::Call => {
            Expression { kind: ExpressionKind::Constant(value), ty: Type::new(type_oid), collation, position }
        }
        _ => Expression {
            kind: ExpressionKind::Relabel(Box::new(node), form),
            ty: Type::new(type_oid),
            collation,
            position,
        },
    }
}
