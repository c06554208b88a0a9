//! Every column a table ever had: what rows read as that were written before a column was added.

use crate::{ColumnId, PhysicalType, TableSchema, Value};

/// Every column a table ever had, with what older rows read as.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Dictionary {
    columns: Vec<(ColumnId, PhysicalType, Value)>,
}

const NULL: Value = Value::Null;

impl Dictionary {
    /// Adds the columns of a schema that are new, with their defaults.
    pub fn extended(&self, schema: &TableSchema, defaults: &[(ColumnId, Value)]) -> Dictionary {
        let mut columns = self.columns.clone();
        for (column, physical) in &schema.columns {
            if !columns.iter().any(|(known, _, _)| known == column) {
                let default = defaults.iter().find(|(id, _)| id == column);
                columns.push((*column, *physical, default.map_or(NULL, |(_, value)| value.clone())));
            }
        }
        Dictionary { columns }
    }

    pub fn columns(&self) -> &[(ColumnId, PhysicalType, Value)] {
        &self.columns
    }

    pub fn from_columns(columns: Vec<(ColumnId, PhysicalType, Value)>) -> Dictionary {
        Dictionary { columns }
    }

    fn find(&self, column: ColumnId) -> Option<&(ColumnId, PhysicalType, Value)> {
        let guess = column.0.wrapping_sub(self.columns.first()?.0.0) as usize;
        match self.columns.get(guess) {
            Some(found) if found.0 == column => Some(found),
            _ => self.columns.iter().find(|(known, _, _)| *known == column),
        }
    }

    pub fn default_value(&self, column: ColumnId) -> &Value {
        self.find(column).map_or(&NULL, |(_, _, default)| default)
    }

    pub fn physical(&self, column: ColumnId) -> Option<PhysicalType> {
        self.find(column).map(|(_, physical, _)| *physical)
    }
}
