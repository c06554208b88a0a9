//! The side port: `/metrics` for Prometheus and `/health` for whoever asks whether the process answers.
//!
//! Without an address nothing is recorded. The exporter runs on a thread of its own, so that a busy server still
//! answers it; its histograms are kept small by the recorder's upkeep.

use std::net::SocketAddr;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};

/// Bounds of latency histograms, in seconds: 5 µs to 10 s.
const LATENCY_BUCKETS: [f64; 14] =
    [5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 5e-3, 2e-2, 1e-1, 5e-1, 2.0, 10.0];
/// Bounds of group-commit batch sizes, in transactions.
const BATCH_BUCKETS: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

/// How often histograms are drained.
const UPKEEP_PERIOD: Duration = Duration::from_secs(5);

/// Installs the recorder and its listener, where an address is given.
pub fn install(listen: Option<SocketAddr>) -> Result<(), BuildError> {
    let Some(address) = listen else { return Ok(()) };
    let failed = |error: std::io::Error| BuildError::FailedToCreateRuntime(error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let (recorder, exporter) = {
        let _guard = runtime.enter();
        PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &LATENCY_BUCKETS)?
            .set_buckets_for_metric(Matcher::Suffix("_batch_transactions".to_owned()), &BATCH_BUCKETS)?
            .with_http_listener(address)
            .build()?
    };
    let upkeep = recorder.handle();
    metrics::set_global_recorder(recorder)?;
    let serve = async move {
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(UPKEEP_PERIOD).await;
                upkeep.run_upkeep();
            }
        });
        if let Err(error) = exporter.await {
            tracing::error!(?error, "the metrics listener ended");
        }
    };
    std::thread::Builder::new()
        .name("strata-metrics".to_owned())
        .spawn(move || runtime.block_on(serve))
        .map_err(failed)?;
    Ok(())
}
