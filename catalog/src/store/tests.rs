use std::sync::Arc;

use engine::{Configuration, Database};

use super::*;
use crate::bootstrap::POSTGRES_DATABASE;
use crate::builtin::PUBLIC;
use crate::object::{Object, Schema};

fn schema(oid: u32, name: &str) -> Change {
    Change::Put(Object::Schema(Schema {
        oid,
        database: POSTGRES_DATABASE,
        name: name.to_string(),
        owner: 10,
        acl: None,
    }))
}

fn commit(catalog: &Arc<Catalog>, database: &Database, changes: Vec<Change>) -> Timestamp {
    let mut transaction = database.begin(Isolation::ReadCommitted, false);
    for change in &changes {
        assert!(matches!(catalog.write(&mut transaction, change), Ok(Written::Done)));
    }
    let publisher = catalog.clone();
    transaction.on_publish(Box::new(move |at| publisher.publish(at, &changes)));
    transaction.commit().wait().expect("commits")
}

fn names(snapshot: &Snapshot) -> Vec<String> {
    snapshot.schemas(POSTGRES_DATABASE).map(|schema| schema.name.clone()).filter(|n| n.len() == 1).collect()
}

#[test]
fn objects_survive_a_restart_and_the_past_stays() {
    let environment = engine::io::simulation::environment(7).2;
    let database = Database::open(Configuration::default(), environment.clone()).expect("opens");
    let catalog = Catalog::open(database.clone()).expect("opens");
    assert_eq!(catalog.current().databases().count(), 3);
    let first = commit(&catalog, &database, vec![schema(20000, "a")]);
    let second = commit(&catalog, &database, vec![schema(20000, "b"), schema(20001, "c")]);
    assert_eq!(names(&catalog.current()), ["b", "c"]);
    assert_eq!(names(&catalog.at(first).expect("past")), ["a"]);
    database.close();
    drop(catalog);

    let database = Database::open(Configuration::default(), environment).expect("opens again");
    let catalog = Catalog::open(database.clone()).expect("opens again");
    assert_eq!(names(&catalog.current()), ["b", "c"]);
    assert_eq!(names(&catalog.at(second).expect("present")), ["b", "c"]);
    assert_eq!(names(&catalog.at(first).expect("past")), ["a"]);
    assert!(catalog.current().schema(POSTGRES_DATABASE, PUBLIC).is_some());
    assert!(catalog.allocate_oid().expect("an oid") >= FIRST_OBJECT_OID);
}

#[test]
fn two_creators_of_one_name_collide() {
    let database =
        Database::open(Configuration::default(), engine::io::simulation::environment(8).2).expect("opens");
    let catalog = Catalog::open(database.clone()).expect("opens");
    let mut first = database.begin(Isolation::ReadCommitted, false);
    let mut second = database.begin(Isolation::ReadCommitted, false);
    assert!(matches!(catalog.write(&mut first, &schema(20000, "a")), Ok(Written::Done)));
    assert!(matches!(catalog.write(&mut second, &schema(20001, "a")), Ok(Written::Wait(_))));
    first.commit().wait().expect("commits");
    assert!(matches!(catalog.write(&mut second, &schema(20001, "a")), Ok(Written::NameTaken)));
    second.rollback();
}

#[test]
fn an_overlay_is_its_transactions_alone() {
    let database =
        Database::open(Configuration::default(), engine::io::simulation::environment(9).2).expect("opens");
    let catalog = Catalog::open(database.clone()).expect("opens");
    let mut overlay = Overlay::default();
    overlay.push([schema(20000, "a")]);
    let mark = overlay.mark();
    overlay.push([schema(20001, "b")]);
    assert_eq!(names(&overlay.snapshot(&catalog)), ["a", "b"]);
    commit(&catalog, &database, vec![schema(20002, "c")]);
    assert_eq!(names(&overlay.snapshot(&catalog)), ["a", "b", "c"]);
    overlay.rollback(mark);
    assert_eq!(names(&overlay.snapshot(&catalog)), ["a", "c"]);
    assert_eq!(names(&catalog.current()), ["c"]);
}

#[test]
fn a_renewed_catalog_is_the_same_under_another_number() {
    let database =
        Database::open(Configuration::default(), engine::io::simulation::environment(9).2).expect("opens");
    let catalog = Catalog::open(database.clone()).expect("opens");
    let before = catalog.current();
    let at = commit(&catalog, &database, vec![schema(40_000, "n")]);
    let changed = catalog.current();
    catalog.renew();
    let renewed = catalog.current();
    assert_ne!(renewed.generation(), changed.generation());
    assert_eq!(names(&renewed), names(&changed));
    assert_eq!(catalog.at(at).map(|found| found.generation()).ok(), Some(renewed.generation()));
    assert_ne!(names(&before), names(&renewed));
}
