//! Columns whose type has changed, read over a period.
//!
//! ALTER COLUMN TYPE gives a column a new id in the engine and writes every living row anew. A version that was dead by
//! then keeps its value under the old id. A period shows the shape at its end, so such values are read under their old
//! ids and cast to the present type: which id a version has follows from when it began. What a USING clause would have
//! made of them is not known.

use catalog::Relation as Object;
use catalog::builtin::CastContext;
use engine::Value;

use super::Analyzer;
use super::item::{Item, ItemColumn};
use crate::error::{Error, Result};
use crate::tree::{
    ColumnNumber, Expression, ExpressionKind, Relation, SystemColumn, TableColumn, TimeClause, Type,
};
use crate::types::oid;

/// pg_proc oid of timestamptz_lt.
const TIMESTAMPTZ_BEFORE: u32 = 1154;

/// A column as it was before a change of its type.
struct Former {
    id: u32,
    ty: Type,
    collation: u32,
    /// The microsecond of the change: versions that began before it have this id.
    until: i64,
}

impl Analyzer<'_> {
    /// Makes the columns of a scan over a period show values of former types as well.
    pub(super) fn read_former_types(
        &mut self,
        object: &Object,
        clause: &TimeClause,
        relation: &mut Relation,
        item: &mut Item,
    ) -> Result<()> {
        let Some(ask) = self.environment.versions else { return Ok(()) };
        let versions = ask(object.oid, clause)?;
        let Relation::Table(scan) = relation else { return Ok(()) };
        let begin = scan.columns.iter().find(|column| column.source == SystemColumn::SystemFrom);
        let begin =
            begin.map(|column| column.number).ok_or_else(|| Error::internal("a scan without times"))?;
        for column in object.live_columns() {
            let formers = formers(&versions, column.number, column.id);
            if formers.is_empty() {
                continue;
            }
            let shown = item.columns.iter_mut().find(|shown| shown.origin == (object.oid, column.number));
            let Some(shown) = shown else { continue };
            let mut arms = Vec::with_capacity(formers.len());
            for former in formers {
                let number = self.new_column();
                let source = SystemColumn::Former(former.id);
                scan.columns.push(TableColumn { number, source, ty: former.ty, collation: former.collation });
                let value = self.cast_former(number, &former, shown)?;
                arms.push((before(begin, former.until), value));
            }
            let otherwise = Some(Box::new(shown.expression.clone()));
            shown.expression.kind = ExpressionKind::Case { simple: false, arms, otherwise };
        }
        Ok(())
    }

    fn cast_former(
        &mut self,
        number: ColumnNumber,
        former: &Former,
        shown: &ItemColumn,
    ) -> Result<Expression> {
        let target = shown.expression.ty;
        let node = Expression {
            kind: ExpressionKind::Column(number),
            ty: former.ty,
            collation: former.collation,
            position: None,
        };
        let cast = self.coerce_to(node, target, CastContext::Explicit, None)?;
        cast.ok_or_else(|| {
            Error::unsupported(format!(
                "a period in which column \"{}\" was of type {}, which cannot be cast to {},",
                shown.name,
                self.type_text(former.ty.oid),
                self.type_text(target.oid)
            ))
        })
    }
}

/// The ids that a column had before the one it has, oldest first.
fn formers(versions: &[(i64, Object)], attribute: i16, id: u32) -> Vec<Former> {
    let mut formers: Vec<Former> = Vec::new();
    for (began, version) in versions {
        let Some(column) = version.column(attribute) else { continue };
        if let Some(last) = formers.last_mut()
            && last.id != column.id
        {
            last.until = *began;
        }
        if formers.last().is_none_or(|last| last.id != column.id) {
            formers.push(Former {
                id: column.id,
                ty: Type::with_typmod(column.type_oid, column.typmod),
                collation: column.collation,
                until: i64::MAX,
            });
        }
    }
    formers.retain(|former| former.id != id);
    formers
}

/// `_system_from < until`.
fn before(begin: ColumnNumber, until: i64) -> Expression {
    let moment = |kind| Expression { kind, ty: Type::new(oid::TIMESTAMPTZ), collation: 0, position: None };
    let arguments =
        vec![moment(ExpressionKind::Column(begin)), moment(ExpressionKind::Constant(Value::Int64(until)))];
    Expression {
        kind: ExpressionKind::Call {
            function: TIMESTAMPTZ_BEFORE,
            operator: 0,
            arguments,
            variadic_array: false,
            form: crate::tree::Form::Call,
        },
        ty: Type::new(oid::BOOL),
        collation: 0,
        position: None,
    }
}
