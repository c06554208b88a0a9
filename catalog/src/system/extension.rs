//! pg_extension, pg_available_extensions and pg_available_extension_versions.

use super::Scan;
use super::cell::{Cell, Row, row};
use crate::builtin;

pub fn pg_extension(scan: &Scan<'_>) -> Vec<Row> {
    let extensions = scan.snapshot.extensions(scan.database);
    extensions
        .map(|extension| {
            row![
                extension.oid,
                &extension.name,
                extension.owner,
                extension.schema,
                extension.relocatable,
                &extension.version,
                Cell::Null,
                Cell::Null,
            ]
        })
        .collect()
}

pub fn pg_available_extensions(scan: &Scan<'_>) -> Vec<Row> {
    let available = builtin::available_extensions().iter();
    available
        .map(|row| {
            let installed = scan.snapshot.extension_by_name(scan.database, row.name);
            row![
                row.name,
                row.version,
                installed.map_or(Cell::Null, |extension| Cell::from(extension.version.clone())),
                row.comment,
            ]
        })
        .collect()
}

pub fn pg_available_extension_versions(scan: &Scan<'_>) -> Vec<Row> {
    let available = builtin::available_extensions().iter();
    available
        .map(|row| {
            let installed = scan.snapshot.extension_by_name(scan.database, row.name);
            row![
                row.name,
                row.version,
                installed.is_some_and(|extension| extension.version == row.version),
                true,
                true,
                row.relocatable,
                Cell::Null,
                Cell::Null,
                row.comment,
            ]
        })
        .collect()
}
