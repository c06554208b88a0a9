//! A compiled condition as DataFusion's joins want theirs.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema};
use datafusion_expr::ColumnarValue;
use datafusion_physical_expr::PhysicalExpr;

use super::execution::Execution;
use super::stream::into_datafusion;
use crate::evaluate::CompiledExpression;

/// A condition with the execution that gives its parameters, outer columns and subqueries their values.
#[derive(Debug)]
pub(super) struct Predicate {
    expression: Arc<CompiledExpression>,
    execution: Execution,
}

impl Predicate {
    pub fn new(expression: CompiledExpression, execution: &Execution) -> Predicate {
        Predicate { expression: Arc::new(expression), execution: execution.clone() }
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("condition")
    }
}

/// Conditions are the same only when they are one object.
impl PartialEq for Predicate {
    fn eq(&self, other: &Predicate) -> bool {
        Arc::ptr_eq(&self.expression, &other.expression)
    }
}

impl Eq for Predicate {}

impl Hash for Predicate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.expression).hash(state);
    }
}

impl PhysicalExpr for Predicate {
    fn data_type(&self, _: &Schema) -> datafusion_common::Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn nullable(&self, _: &Schema) -> datafusion_common::Result<bool> {
        Ok(true)
    }

    fn evaluate(&self, batch: &RecordBatch) -> datafusion_common::Result<ColumnarValue> {
        let column =
            self.expression.evaluate_batch(&self.execution.scope(), batch).map_err(into_datafusion)?;
        Ok(ColumnarValue::Array(column))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        Vec::new()
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn PhysicalExpr>>,
    ) -> datafusion_common::Result<Arc<dyn PhysicalExpr>> {
        Ok(self)
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("condition")
    }
}
