//! pg_stat_activity.

use catalog::Snapshot;
use catalog::system::{Cell, Row};

use crate::session::ClientAddress;
use crate::session::shared::Shared;

/// One row a session: datid, datname, pid, leader_pid, usesysid, usename, application_name, client_addr,
/// client_hostname, client_port, backend_start, xact_start, query_start, state_change, wait_event_type, wait_event,
/// state, backend_xid, backend_xmin, query_id, query, backend_type.
pub fn rows(shared: &Shared, _: &Snapshot) -> Vec<Row> {
    let identity = shared.identity.lock().clone();
    let sessions = shared.instance.registry().list();
    sessions
        .iter()
        .map(|entry| {
            let visible = identity.superuser || *entry.user == *identity.current_user;
            let activity = entry.activity.lock().clone();
            let (address, port) = match &entry.address {
                ClientAddress::Local => (Cell::Null, Cell::Int32(-1)),
                ClientAddress::Internet(address) => {
                    (Cell::from(address.ip().to_string()), Cell::Int32(i32::from(address.port())))
                }
            };
            let moment = |micros: Option<i64>| micros.map_or(Cell::Null, Cell::Timestamp);
            let query =
                if visible { activity.query.to_string() } else { "<insufficient privilege>".to_string() };
            let only = |cell: Cell| if visible { cell } else { Cell::Null };
            vec![
                Cell::Oid(entry.database_oid),
                Cell::from(&entry.database),
                Cell::Int32(entry.process),
                Cell::Null,
                Cell::Oid(entry.user_oid),
                Cell::from(&entry.user),
                Cell::from(activity.application_name),
                only(address),
                Cell::Null,
                only(port),
                only(Cell::Timestamp(entry.started)),
                only(moment(activity.transaction_start)),
                only(moment(activity.query_start)),
                only(moment(activity.state_change)),
                Cell::Null,
                Cell::Null,
                only(Cell::from(activity.state)),
                Cell::Null,
                Cell::Null,
                Cell::Null,
                Cell::from(query),
                Cell::from("client backend"),
            ]
        })
        .collect()
}
