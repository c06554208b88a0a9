//! Comparisons of more than two plain values: IN lists, BETWEEN, rows, IS DISTINCT FROM.

use catalog::builtin;

use super::Analyzer;
use super::expression::is_row;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, ExpressionKind as Syntax, OperatorName};
use crate::tree::{Expression, ExpressionKind, Type};
use crate::types::oid;

/// Numbers of the strategies of a btree operator class.
const STRATEGIES: [&str; 5] = ["<", "<=", "=", ">=", ">"];

impl Analyzer<'_> {
    fn named(&self, name: &str, at: u32) -> OperatorName {
        OperatorName { schema: None, name: name.to_string(), at }
    }

    /// `x IN (a, b)`: an array of the items without columns where they have a common type, OR of the rest.
    pub(super) fn in_list(
        &mut self,
        argument: &syntax::Expression,
        list: &[syntax::Expression],
        negated: bool,
        at: u32,
    ) -> Result<Expression> {
        let operator = self.named(if negated { "<>" } else { "=" }, at);
        if is_row(argument) || list.iter().any(is_row) {
            let mut tests = Vec::with_capacity(list.len());
            for item in list {
                tests.push(match is_row(argument) && is_row(item) {
                    true => self.row_comparison(&operator, argument, item)?,
                    false => {
                        let (left, right) = (self.expression(argument)?, self.expression(item)?);
                        self.make_operator(&operator, Some(left), right)?
                    }
                });
            }
            return Ok(self.combined(tests, negated, at));
        }
        let left = self.expression(argument)?;
        let (mut plain, mut dependent) = (Vec::new(), Vec::new());
        for item in list {
            let item = self.expression(item)?;
            if reads_columns(&item) { dependent.push(item) } else { plain.push(item) }
        }
        let mut tests = Vec::new();
        if plain.len() > 1 {
            match self.in_array(&left, &operator, plain, negated)? {
                Ok(test) => tests.push(test),
                Err(items) => dependent.splice(0..0, items).for_each(drop),
            }
        } else {
            dependent.splice(0..0, plain).for_each(drop);
        }
        for item in dependent {
            let test = self.make_operator(&operator, Some(left.clone()), item)?;
            tests.push(self.coerce_boolean(test, "IN")?);
        }
        Ok(self.combined(tests, negated, at))
    }

    /// The items as one array, where they and the left side have a scalar common type; else the items again.
    #[allow(clippy::type_complexity)]
    fn in_array(
        &mut self,
        left: &Expression,
        operator: &OperatorName,
        items: Vec<Expression>,
        all: bool,
    ) -> Result<std::result::Result<Expression, Vec<Expression>>> {
        let types: Vec<_> = std::iter::once((left.ty.oid, None))
            .chain(items.iter().map(|item| (item.ty.oid, None)))
            .collect();
        let Ok(common) = self.common_type(&types, "IN") else { return Ok(Err(items)) };
        let fits =
            |(ty, _): &(u32, Option<u32>)| self.can_coerce(&[*ty], &[common], builtin::CastContext::Implicit);
        let array = self.array_type(common);
        if common == oid::RECORD || array == 0 || !types.iter().all(fits) {
            return Ok(Err(items));
        }
        let mut elements = Vec::with_capacity(items.len());
        for item in items {
            elements.push(self.coerce_common(item, common, "IN")?);
        }
        let array = Expression {
            kind: ExpressionKind::Array { elements, nested: false },
            ty: Type::new(array),
            collation: self.default_collation(array),
            position: self.position(operator.at),
        };
        self.make_array_operator(operator, left.clone(), array, all).map(Ok)
    }

    /// Tests joined by OR (AND where negated).
    fn combined(&self, mut tests: Vec<Expression>, negated: bool, at: u32) -> Expression {
        match tests.len() {
            1 => tests.swap_remove(0),
            _ if negated => self.boolean_node(ExpressionKind::And(tests), at),
            _ => self.boolean_node(ExpressionKind::Or(tests), at),
        }
    }

    pub(super) fn between(
        &mut self,
        argument: &syntax::Expression,
        low: &syntax::Expression,
        high: &syntax::Expression,
        (negated, symmetric): (bool, bool),
        at: u32,
    ) -> Result<Expression> {
        let straight = self.range_test(argument, low, high, negated, at)?;
        if !symmetric {
            return Ok(straight);
        }
        let reversed = self.range_test(argument, high, low, negated, at)?;
        // NOT BETWEEN SYMMETRIC needs both directions to fail.
        let both = vec![straight, reversed];
        let kind = if negated { ExpressionKind::And(both) } else { ExpressionKind::Or(both) };
        Ok(self.boolean_node(kind, at))
    }

    fn range_test(
        &mut self,
        argument: &syntax::Expression,
        low: &syntax::Expression,
        high: &syntax::Expression,
        negated: bool,
        at: u32,
    ) -> Result<Expression> {
        let (first, second) = if negated { ("<", ">") } else { (">=", "<=") };
        let lower = self.comparison(&self.named(first, at), argument, low)?;
        let upper = self.comparison(&self.named(second, at), argument, high)?;
        let both = vec![lower, upper];
        let kind = if negated { ExpressionKind::Or(both) } else { ExpressionKind::And(both) };
        Ok(self.boolean_node(kind, at))
    }

    /// A comparison of two expressions as written, rows among them.
    fn comparison(
        &mut self,
        operator: &OperatorName,
        left: &syntax::Expression,
        right: &syntax::Expression,
    ) -> Result<Expression> {
        if is_row(left) && is_row(right) {
            return self.row_comparison(operator, left, right);
        }
        let (left, right) = (self.expression(left)?, self.expression(right)?);
        self.make_operator(operator, Some(left), right)
    }

    pub(super) fn is_distinct(
        &mut self,
        left: &syntax::Expression,
        right: &syntax::Expression,
        negated: bool,
        at: u32,
    ) -> Result<Expression> {
        if let (Syntax::Row(lefts), Syntax::Row(rights)) = (&left.kind, &right.kind) {
            self.same_width(lefts.len(), rights.len(), at)?;
            let mut tests = Vec::with_capacity(lefts.len());
            for (left, right) in lefts.iter().zip(rights) {
                tests.push(self.is_distinct(left, right, negated, at)?);
            }
            return Ok(self.combined(tests, negated, at));
        }
        let (left, right) = (self.expression(left)?, self.expression(right)?);
        let complaint = "IS DISTINCT FROM requires = operator to yield boolean";
        let (equality, left, right) = self.equality(left, right, at, complaint)?;
        let (left, right) = (Box::new(left), Box::new(right));
        Ok(self.boolean_node(ExpressionKind::IsDistinct { left, right, equality, negated }, at))
    }

    fn same_width(&self, left: usize, right: usize, at: u32) -> Result<()> {
        match left == right {
            true => Ok(()),
            false => Err(Error::new(SqlState::SyntaxError, "unequal number of entries in row expressions")
                .at(self.position(at))),
        }
    }

    /// `(a, b) op (c, d)`.
    pub(super) fn row_comparison(
        &mut self,
        operator: &OperatorName,
        left: &syntax::Expression,
        right: &syntax::Expression,
    ) -> Result<Expression> {
        let (left, right) = (self.row_fields(left)?, self.row_fields(right)?);
        self.compare_fields(operator, left, right)
    }

    /// The fields of a row as written, those without a type left so.
    pub(super) fn row_fields(&mut self, row: &syntax::Expression) -> Result<Vec<Expression>> {
        match &row.kind {
            Syntax::Row(fields) => {
                let mut values = Vec::with_capacity(fields.len());
                for field in fields {
                    match &field.kind {
                        Syntax::Star(parts) if !parts.is_empty() => {
                            let columns = self.star_columns(parts, field.at)?;
                            values.extend(columns.into_iter().map(|(_, value, _)| value));
                        }
                        _ => values.push(self.expression(field)?),
                    }
                }
                Ok(values)
            }
            _ => Ok(vec![self.expression(row)?]),
        }
    }

    /// Compares fields pairwise: = and <> by AND and OR, the ordering operators from the left.
    pub(super) fn compare_fields(
        &mut self,
        operator: &OperatorName,
        left: Vec<Expression>,
        right: Vec<Expression>,
    ) -> Result<Expression> {
        let at = operator.at;
        self.same_width(left.len(), right.len(), at)?;
        if left.is_empty() {
            return Err(Error::new(SqlState::FeatureNotSupported, "cannot compare rows of zero length")
                .at(self.position(at)));
        }
        let mut tests = Vec::with_capacity(left.len());
        for (left, right) in left.iter().zip(&right) {
            let test = self.make_operator(operator, Some(left.clone()), right.clone())?;
            if test.ty.oid != oid::BOOL {
                let message = format!(
                    "row comparison operator must yield type boolean, not type {}",
                    self.type_text(test.ty.oid)
                );
                return Err(Error::new(SqlState::DatatypeMismatch, message).at(self.position(at)));
            }
            tests.push(test);
        }
        if tests.len() == 1 || matches!(operator.name.as_str(), "=" | "<>") {
            return Ok(self.combined(tests, operator.name == "=", at));
        }
        if !STRATEGIES.contains(&operator.name.as_str()) {
            let message =
                format!("could not determine interpretation of row comparison operator {}", operator.name);
            return Err(Error::new(SqlState::FeatureNotSupported, message)
                .hint("Row comparison operators must be associated with btree operator families.")
                .at(self.position(at)));
        }
        self.lexicographic(operator, left, right, tests)
    }

    /// `(a, b) < (c, d)`: a < c OR (a = c AND b < d); the last field by the operator itself, the others strictly.
    fn lexicographic(
        &mut self,
        operator: &OperatorName,
        left: Vec<Expression>,
        right: Vec<Expression>,
        mut tests: Vec<Expression>,
    ) -> Result<Expression> {
        let at = operator.at;
        let strict = self.named(if operator.name.starts_with('<') { "<" } else { ">" }, at);
        let equal = self.named("=", at);
        let mut whole = tests.pop().ok_or_else(|| Error::internal("a row without fields"))?;
        for (left, right) in left.into_iter().zip(right).rev().skip(1) {
            let before = self.make_operator(&strict, Some(left.clone()), right.clone())?;
            let same = self.make_operator(&equal, Some(left), right)?;
            let rest = self.boolean_node(ExpressionKind::And(vec![same, whole]), at);
            whole = self.boolean_node(ExpressionKind::Or(vec![before, rest]), at);
        }
        Ok(whole)
    }
}

/// Whether an expression reads a column, so that it differs from row to row.
pub(super) fn reads_columns(expression: &Expression) -> bool {
    struct Search(bool);
    impl crate::tree::visit::Visitor for Search {
        fn expression(&mut self, expression: &mut Expression) -> bool {
            self.0 |= matches!(expression.kind, ExpressionKind::Column(_) | ExpressionKind::Subquery(_));
            !self.0
        }
    }
    if matches!(expression.kind, ExpressionKind::Constant(_) | ExpressionKind::Parameter(_)) {
        return false;
    }
    let mut search = Search(false);
    crate::tree::visit::walk_expression(&mut expression.clone(), &mut search);
    search.0
}
