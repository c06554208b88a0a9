//! Expressions.

use super::Deparser;
use super::constant::Label;
use super::level::Node;
use super::simple::{Parent, symbol};
use crate::tree::{BooleanTest, Expression, ExpressionKind, Form, SpecialValue, Type};
use crate::types::oid;
use engine::Value;

/// A change of type: what is cast, and whether that was written.
struct Cast<'a> {
    argument: &'a Expression,
    ty: Type,
    implicit: bool,
}

impl<'a> Deparser<'a> {
    /// An expression; `implicit`: casts that were not written show, too.
    pub(super) fn value(&mut self, expression: &'a Expression, implicit: bool) {
        let node = self.node(expression);
        self.node_text(&node, implicit);
    }

    /// Expressions with commas between them.
    pub(super) fn list(&mut self, items: &'a [Expression], implicit: bool) {
        for (place, item) in items.iter().enumerate() {
            if place > 0 {
                self.push(", ");
            }
            self.value(item, implicit);
        }
    }

    /// An operand beneath something that binds: in parentheses where the pretty layout needs them.
    pub(super) fn operand(&mut self, expression: &'a Expression, implicit: bool, parent: Parent) {
        let node = self.node(expression);
        let parenthesized = self.layout.pretty && !self.is_simple(&node, parent);
        if parenthesized {
            self.push("(");
        }
        self.node_text(&node, implicit);
        if parenthesized {
            self.push(")");
        }
    }

    pub(super) fn node_text(&mut self, node: &Node<'a>, implicit: bool) {
        match node {
            Node::Value(expression) => self.expression_text(expression, implicit),
            Node::Aggregate(call) => self.aggregate(call),
            Node::Window(number, call) => self.window_call(*number, call),
            Node::Grouping(indexes, groups) => {
                self.push("GROUPING(");
                for (place, index) in indexes.iter().enumerate() {
                    if place > 0 {
                        self.push(", ");
                    }
                    if let Some((_, group)) = usize::try_from(*index).ok().and_then(|index| groups.get(index))
                    {
                        self.value(group, true);
                    }
                }
                self.push(")");
            }
            Node::Variable(entry, column) => self.variable(entry.as_deref(), column),
        }
    }

    pub(super) fn variable(&mut self, entry: Option<&str>, column: &str) {
        if self.of_domain {
            return self.push(column);
        }
        if let Some(entry) = entry {
            self.identifier(entry);
            self.push(".");
        }
        self.identifier(column);
    }

    /// One arm a node; longer than a function should be for that.
    fn expression_text(&mut self, expression: &'a Expression, implicit: bool) {
        if let Some(cast) = cast_of(expression) {
            return self.cast(expression, &cast, implicit);
        }
        match &expression.kind {
            ExpressionKind::Constant(value) => self.constant(value, expression.ty, Label::Needed),
            ExpressionKind::Parameter(number) => self.push(&format!("${}", number + 1)),
            // A column that nothing around produces: only a damaged tree has one.
            ExpressionKind::Column(number) => self.push(&format!("?column {}?", number.0)),
            ExpressionKind::Call { function, operator, arguments, variadic_array, form } => {
                if *operator != 0 {
                    self.operator(*operator, arguments);
                } else if *form != Form::Syntax || !self.special_syntax(*function, arguments) {
                    self.call(*function, arguments, *variadic_array);
                }
            }
            ExpressionKind::And(items) => self.connective(items, " AND ", Parent::And),
            ExpressionKind::Or(items) => self.connective(items, " OR ", Parent::Or),
            ExpressionKind::Not(argument) => {
                self.plain_parenthesis('(');
                self.push("NOT ");
                self.operand(argument, false, Parent::Not);
                self.plain_parenthesis(')');
            }
            ExpressionKind::IsNull { argument, negated }
            | ExpressionKind::RowIsNull { argument, negated } => {
                self.test(argument, true, if *negated { " IS NOT NULL" } else { " IS NULL" });
            }
            ExpressionKind::BooleanTest { argument, test } => self.test(argument, false, test_words(*test)),
            ExpressionKind::IsDistinct { left, right, equality: _, negated } => {
                self.is_distinct(left, right, *negated);
            }
            ExpressionKind::Case { simple, arms, otherwise } => {
                self.case(*simple, arms, otherwise.as_deref(), expression.ty);
            }
            ExpressionKind::Coalesce(items) => self.named_list("COALESCE(", items),
            ExpressionKind::Greatest(items) => self.named_list("GREATEST(", items),
            ExpressionKind::Least(items) => self.named_list("LEAST(", items),
            ExpressionKind::NullIf { left, right, equality: _ } => {
                self.push("NULLIF(");
                self.value(left, true);
                self.push(", ");
                self.value(right, true);
                self.push(")");
            }
            ExpressionKind::Array { elements, nested: _ } => {
                self.push("ARRAY[");
                self.list(elements, true);
                self.push("]");
                if elements.is_empty() {
                    self.label(expression.ty);
                }
            }
            ExpressionKind::Row { fields, names: _ } => self.row(expression, fields),
            ExpressionKind::Field { argument, index } => self.field(argument, *index),
            ExpressionKind::Subscript { argument, indexes, slice } => {
                self.subscript(argument, indexes, *slice, implicit);
            }
            ExpressionKind::AnyArray { left, right, function: _, operator, all } => {
                self.any_array(left, right, *operator, *all);
            }
            ExpressionKind::Subquery(subquery) => self.subquery(subquery),
            ExpressionKind::Special(special) => self.push(special_words(*special)),
            ExpressionKind::Collate(argument) => {
                self.plain_parenthesis('(');
                self.operand(argument, implicit, Parent::Other);
                self.push(" COLLATE ");
                self.collation(expression.collation);
                self.plain_parenthesis(')');
            }
            ExpressionKind::Relabel(..)
            | ExpressionKind::CoerceViaText { .. }
            | ExpressionKind::CoerceTypmod { .. }
            | ExpressionKind::CoerceArray { .. }
            | ExpressionKind::CoerceToDomain { .. } => {}
        }
    }

    pub(super) fn collation(&mut self, collation: u32) {
        let name = catalog::builtin::collation_by_oid(collation).map_or("default", |row| row.name);
        self.identifier(name);
    }

    fn cast(&mut self, expression: &'a Expression, cast: &Cast<'a>, implicit: bool) {
        // A literal that a parameter of any type took as it was.
        if let ExpressionKind::Constant(value) = &cast.argument.kind
            && cast.implicit
            && cast.argument.ty.oid == oid::UNKNOWN
        {
            return self.constant(value, cast.argument.ty, Label::Never);
        }
        if cast.implicit && !implicit {
            return self.operand(cast.argument, false, Parent::Other);
        }
        let bare = match &cast.argument.kind {
            ExpressionKind::Constant(value)
                if cast.argument.ty.oid == expression.ty.oid
                    && cast.argument.ty.typmod == -1
                    && cast.ty.oid == expression.ty.oid =>
            {
                self.constant(value, cast.argument.ty, Label::Never);
                true
            }
            _ => false,
        };
        if !bare {
            self.plain_parenthesis('(');
            self.operand(cast.argument, false, Parent::Other);
            self.plain_parenthesis(')');
        }
        self.label(cast.ty);
    }

    fn operator(&mut self, operator: u32, arguments: &'a [Expression]) {
        let name = self.operator_name(operator);
        let symbol = symbol(operator, arguments.len());
        self.plain_parenthesis('(');
        match arguments {
            [left, right] => {
                self.operand(left, true, Parent::Operator { symbol, first: true });
                self.push(&format!(" {name} "));
                self.operand(right, true, Parent::Operator { symbol, first: false });
            }
            _ => {
                self.push(&format!("{name} "));
                for argument in arguments {
                    self.operand(argument, true, Parent::Operator { symbol: None, first: true });
                }
            }
        }
        self.plain_parenthesis(')');
    }

    fn connective(&mut self, items: &'a [Expression], word: &str, parent: Parent) {
        self.plain_parenthesis('(');
        for (place, item) in items.iter().enumerate() {
            if place > 0 {
                self.push(word);
            }
            self.operand(item, false, parent);
        }
        self.plain_parenthesis(')');
    }

    fn test(&mut self, argument: &'a Expression, implicit: bool, words: &str) {
        self.plain_parenthesis('(');
        self.operand(argument, implicit, Parent::Other);
        self.push(words);
        self.plain_parenthesis(')');
    }

    /// IS NOT DISTINCT FROM is the negation of IS DISTINCT FROM.
    fn is_distinct(&mut self, left: &'a Expression, right: &'a Expression, negated: bool) {
        if negated {
            self.plain_parenthesis('(');
            self.push("NOT ");
        }
        self.plain_parenthesis('(');
        self.operand(left, true, Parent::Other);
        self.push(" IS DISTINCT FROM ");
        self.operand(right, true, Parent::Other);
        self.plain_parenthesis(')');
        if negated {
            self.plain_parenthesis(')');
        }
    }

    fn case(
        &mut self,
        simple: bool,
        arms: &'a [(Expression, Expression)],
        otherwise: Option<&'a Expression>,
        ty: Type,
    ) {
        self.keyword("CASE", 0, super::VARIABLE_INDENT, 0);
        let operands = |condition: &'a Expression| match &condition.kind {
            ExpressionKind::Call { arguments, .. } => arguments.first().zip(arguments.get(1)),
            _ => None,
        };
        if simple && let Some((operand, _)) = arms.first().and_then(|(condition, _)| operands(condition)) {
            self.push(" ");
            self.value(without_implicit(operand), true);
        }
        for (condition, value) in arms {
            self.keyword("WHEN ", 0, 0, 0);
            match operands(condition).filter(|_| simple) {
                Some((_, right)) => self.value(right, false),
                None => self.value(condition, false),
            }
            self.push(" THEN ");
            self.value(value, true);
        }
        self.keyword("ELSE ", 0, 0, 0);
        match otherwise {
            Some(value) => self.value(value, true),
            None => self.constant(&Value::Null, Type::new(ty.oid), Label::Needed),
        }
        self.keyword("END", -super::VARIABLE_INDENT, 0, 0);
    }

    fn named_list(&mut self, name: &str, items: &'a [Expression]) {
        self.push(name);
        self.list(items, true);
        self.push(")");
    }

    /// ROW(...), or the whole row of an entry of FROM.
    fn row(&mut self, expression: &'a Expression, fields: &'a [Expression]) {
        if let Some(entry) = self.whole_row(expression, fields) {
            self.identifier(&entry);
            return self.push(".*");
        }
        self.push("ROW(");
        self.list(fields, true);
        self.push(")");
        if expression.ty.oid != oid::RECORD {
            self.label(expression.ty);
        }
    }

    /// The entry of FROM whose row these fields are.
    pub(super) fn whole_row(&self, expression: &Expression, fields: &'a [Expression]) -> Option<String> {
        let row = self.catalog.type_by_oid(self.database, expression.ty.oid)?;
        let relation = self.catalog.relation(self.database, row.relation)?;
        if relation.live_columns().count() != fields.len() {
            return None;
        }
        let mut whole: Option<String> = None;
        for (field, column) in fields.iter().zip(relation.live_columns()) {
            let Node::Variable(Some(entry), name) = self.node(field) else { return None };
            if name != column.name || whole.as_ref().is_some_and(|known| *known != entry) {
                return None;
            }
            whole = Some(entry);
        }
        whole
    }

    fn field(&mut self, argument: &'a Expression, index: u32) {
        let node = self.node(argument);
        let bare = match &node {
            Node::Value(inner) => {
                matches!(inner.kind, ExpressionKind::Subscript { .. } | ExpressionKind::Field { .. })
            }
            _ => false,
        };
        if !bare {
            self.push("(");
        }
        self.node_text(&node, true);
        if !bare {
            self.push(")");
        }
        self.push(".");
        let name = self.field_name(&node, argument.ty.oid, index);
        self.identifier(&name);
    }

    /// The name of a field of a row.
    fn field_name(&self, node: &Node<'a>, type_oid: u32, index: u32) -> String {
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        if let Node::Value(value) = node {
            match &value.kind {
                ExpressionKind::Row { fields: _, names } => {
                    if let Some(name) = names.get(place) {
                        return name.clone();
                    }
                }
                ExpressionKind::Call { function, .. } => {
                    let row = catalog::builtin::function_by_oid(*function);
                    let outputs = row.map(|row| row.output_columns()).unwrap_or_default();
                    if let Some((name, _)) = outputs.get(place) {
                        return (*name).to_string();
                    }
                }
                _ => {}
            }
        }
        let row = self.catalog.type_by_oid(self.database, type_oid);
        let relation = row.and_then(|row| self.catalog.relation(self.database, row.relation));
        let column = relation.and_then(|relation| relation.live_columns().nth(place));
        column.map_or_else(|| format!("f{}", index + 1), |column| column.name.clone())
    }

    #[allow(clippy::type_complexity)]
    fn subscript(
        &mut self,
        argument: &'a Expression,
        indexes: &'a [(Option<Box<Expression>>, Option<Box<Expression>>)],
        slice: bool,
        implicit: bool,
    ) {
        let node = self.node(argument);
        let bare = match &node {
            Node::Variable(..) => true,
            Node::Value(inner) => matches!(inner.kind, ExpressionKind::Field { .. }),
            _ => false,
        };
        if !bare {
            self.push("(");
        }
        self.node_text(&node, implicit);
        if !bare {
            self.push(")");
        }
        for (lower, upper) in indexes {
            self.push("[");
            if slice {
                if let Some(lower) = lower {
                    self.value(lower, false);
                }
                self.push(":");
            }
            if let Some(upper) = upper {
                self.value(upper, false);
            }
            self.push("]");
        }
    }

    fn any_array(&mut self, left: &'a Expression, right: &'a Expression, operator: u32, all: bool) {
        let name = self.operator_name(operator);
        self.plain_parenthesis('(');
        self.operand(left, true, Parent::Other);
        self.push(&format!(" {name} {} (", if all { "ALL" } else { "ANY" }));
        self.operand(right, true, Parent::Other);
        if let ExpressionKind::Subquery(subquery) = &right.kind
            && subquery.kind == crate::tree::SubqueryKind::Scalar
        {
            self.label(right.ty);
        }
        self.push(")");
        self.plain_parenthesis(')');
    }
}

/// The cast that an expression is, if it is one.
fn cast_of(expression: &Expression) -> Option<Cast<'_>> {
    let mut ty = expression.ty;
    let (argument, implicit) = match &expression.kind {
        ExpressionKind::Call { arguments, form: Form::Explicit, .. } => (arguments.first()?, false),
        ExpressionKind::Call { arguments, form: Form::Implicit, .. } => (arguments.first()?, true),
        ExpressionKind::Relabel(argument, form) => (&**argument, *form != Form::Explicit),
        ExpressionKind::CoerceArray { argument, form, .. } => (&**argument, *form != Form::Explicit),
        ExpressionKind::CoerceToDomain { argument, domain, value: _, rules: _, form } => {
            ty = Type::new(*domain);
            (inner_of(argument, argument.ty.oid), *form != Form::Explicit)
        }
        ExpressionKind::CoerceViaText { argument, explicit } => (&**argument, !explicit),
        ExpressionKind::CoerceTypmod { argument, explicit } => {
            if let ExpressionKind::Special(_) = &argument.kind {
                // CURRENT_TIMESTAMP(3) was no cast.
                return Some(Cast { argument, ty, implicit: !explicit });
            }
            (inner_of(argument, expression.ty.oid), !explicit)
        }
        _ => return None,
    };
    if let ExpressionKind::Call { arguments, .. } = &expression.kind
        && let Some(ExpressionKind::Constant(Value::Int32(typmod))) =
            arguments.get(1).map(|second| &second.kind)
    {
        ty.typmod = *typmod;
    }
    Some(Cast { argument, ty, implicit })
}

/// The argument of a cast to the same type, which a cast with modifiers is made of.
fn inner_of(argument: &Expression, type_oid: u32) -> &Expression {
    match cast_of(argument) {
        Some(inner) if inner.ty.oid == type_oid => inner.argument,
        Some(_) | None => argument,
    }
}

/// The column beneath a cast that was not written; anything else as it is.
pub(super) fn uncast_column(expression: &Expression) -> &Expression {
    let inner = without_implicit(expression);
    if matches!(inner.kind, ExpressionKind::Column(_)) { inner } else { expression }
}

/// An expression without the casts around it that were not written.
pub(super) fn without_implicit(expression: &Expression) -> &Expression {
    match cast_of(expression) {
        Some(cast) if cast.implicit => without_implicit(cast.argument),
        Some(_) | None => expression,
    }
}

fn test_words(test: BooleanTest) -> &'static str {
    match test {
        BooleanTest::IsTrue => " IS TRUE",
        BooleanTest::IsNotTrue => " IS NOT TRUE",
        BooleanTest::IsFalse => " IS FALSE",
        BooleanTest::IsNotFalse => " IS NOT FALSE",
        BooleanTest::IsUnknown => " IS UNKNOWN",
        BooleanTest::IsNotUnknown => " IS NOT UNKNOWN",
    }
}

fn special_words(special: SpecialValue) -> &'static str {
    match special {
        SpecialValue::CurrentDate => "CURRENT_DATE",
        SpecialValue::CurrentTime => "CURRENT_TIME",
        SpecialValue::CurrentTimestamp => "CURRENT_TIMESTAMP",
        SpecialValue::LocalTime => "LOCALTIME",
        SpecialValue::LocalTimestamp => "LOCALTIMESTAMP",
        SpecialValue::CurrentUser => "CURRENT_USER",
        SpecialValue::SessionUser => "SESSION_USER",
        SpecialValue::CurrentRole => "CURRENT_ROLE",
        SpecialValue::CurrentCatalog => "CURRENT_CATALOG",
        SpecialValue::CurrentSchema => "CURRENT_SCHEMA",
    }
}
