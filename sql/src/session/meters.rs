//! The session's metrics, looked up once.

use std::sync::OnceLock;

use metrics::{Counter, Histogram};

/// Handles of the metrics that every statement touches.
pub struct Meters {
    pub point: Counter,
    pub planned: Counter,
    pub utility: Counter,
    pub seconds: Histogram,
}

/// The handles. The recorder is installed before the first statement.
pub fn meters() -> &'static Meters {
    static METERS: OnceLock<Meters> = OnceLock::new();
    METERS.get_or_init(|| Meters {
        point: metrics::counter!("strata_statements_total", "tier" => "point"),
        planned: metrics::counter!("strata_statements_total", "tier" => "planned"),
        utility: metrics::counter!("strata_statements_total", "tier" => "utility"),
        seconds: metrics::histogram!("strata_statement_seconds"),
    })
}
