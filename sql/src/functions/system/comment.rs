//! obj_description, col_description, shobj_description.

use catalog::{ObjectAddress, builtin};

use crate::evaluate::Context;
use crate::functions::argument::contextual;
use crate::functions::registry::Scalars;

/// The oid of a system catalog.
fn class(context: &Context, name: &str) -> Option<u32> {
    let catalog = context.environment.catalog();
    let relation = catalog.relation_by_name(context.environment.database(), builtin::PG_CATALOG, name);
    relation.map(|relation| relation.oid)
}

fn comment(context: &Context, database: u32, address: ObjectAddress) -> Option<String> {
    context.environment.catalog().comment(database, address).map(str::to_owned)
}

fn object(context: &Context, oid: u32, class_name: &str) -> Option<String> {
    let class = class(context, class_name)?;
    comment(context, context.environment.database(), ObjectAddress::new(class, oid))
}

/// The old form, without a class: the first comment on any object of that oid.
fn any_object(context: &Context, oid: u32) -> Option<String> {
    let classes = [
        builtin::PG_CLASS_CLASS,
        builtin::PG_PROC_CLASS,
        builtin::PG_TYPE_CLASS,
        builtin::PG_NAMESPACE_CLASS,
        builtin::PG_CONSTRAINT_CLASS,
    ];
    let database = context.environment.database();
    classes.into_iter().find_map(|class| comment(context, database, ObjectAddress::new(class, oid)))
}

fn column(context: &Context, relation: u32, number: i32) -> Option<String> {
    let number = i16::try_from(number).ok()?;
    if number == 0 {
        return None;
    }
    comment(context, context.environment.database(), ObjectAddress::column(relation, number))
}

fn shared(context: &Context, oid: u32, class_name: &str) -> Option<String> {
    let class = class(context, class_name)?;
    comment(context, 0, ObjectAddress::new(class, oid))
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // obj_description(oid,name)
    (1215, contextual!(object, u32, &str)),
    // obj_description(oid)
    (1348, contextual!(any_object, u32)),
    // col_description(oid,int4)
    (1216, contextual!(column, u32, i32)),
    // shobj_description(oid,name)
    (1993, contextual!(shared, u32, &str)),
];
