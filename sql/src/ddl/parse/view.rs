//! CREATE VIEW.

use catalog::ViewCheck;

use super::cursor::Cursor;
use crate::ddl::statement::{CreateView, Statement};
use crate::error::Result;

pub fn create(cursor: &mut Cursor<'_, '_>, or_replace: bool, temporary: bool) -> Result<Statement> {
    cursor.expect(&["view"])?;
    let name = cursor.qualified_name()?;
    let columns = cursor.optional_names()?;
    let options = if cursor.accept(&["with"]) { cursor.options()? } else { Vec::new() };
    cursor.expect(&["as"])?;
    let query = cursor.query()?;
    let check = if cursor.accept(&["with", "local", "check", "option"]) {
        Some(ViewCheck::Local)
    } else if cursor.accept(&["with", "cascaded", "check", "option"])
        || cursor.accept(&["with", "check", "option"])
    {
        Some(ViewCheck::Cascaded)
    } else {
        None
    };
    let text = query.to_string();
    Ok(Statement::CreateView(Box::new(CreateView {
        name,
        or_replace,
        temporary,
        columns,
        options,
        query,
        text,
        check,
    })))
}
