//! The one binary: reads the command line, joins the crates, starts and stops the server. No logic lives here.

mod allocator;
mod configuration;
mod keeping;
mod monitoring;

use std::io::Write;
use std::process::ExitCode;

use configuration::{Command, Configuration, USAGE};
use sql::session::Instance;
use wire::{Listener, Tls};

/// Threads for the network and the point tier.
const NETWORK_THREADS: usize = 2;
/// The processor this binary was built for: x86-64-v3.
const PROCESSOR_NEEDS: &str = "this processor lacks AVX2, FMA or BMI2; Strata needs an x86-64-v3 processor";

fn main() -> ExitCode {
    allocator::configure();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("STRATA_LOG")
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn")),
        )
        .with_writer(std::io::stderr)
        .init();
    match configuration::parse(std::env::args().skip(1)) {
        Ok(Command::Help) => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Command::Version) => {
            println!("strata {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        Ok(Command::Serve(configuration)) => exit_code(serve(configuration)),
        Ok(Command::Backup(wanted)) => exit_code(keeping::back_up(&wanted)),
        Ok(Command::Restore(wanted)) => exit_code(keeping::restore(&wanted)),
        Ok(Command::Verify(directory)) => exit_code(keeping::verify(&directory)),
        Err(error) => {
            eprintln!("strata: {error}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn exit_code(result: Result<(), Box<dyn std::error::Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("strata: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn serve(configuration: Configuration) -> Result<(), Box<dyn std::error::Error>> {
    if !(is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("bmi2"))
    {
        return Err(PROCESSOR_NEEDS.into());
    }
    let address = configuration::resolve("--listen", &configuration.listen)?;
    let password = std::env::var("STRATA_PASSWORD").ok().filter(|password| !password.is_empty());
    let tls = match &configuration.tls {
        Some(files) => Some(Tls::load(&files.certificate, &files.key)?),
        None => None,
    };
    monitoring::install(configuration.metrics_listen)?;
    allocator::give_back()?;
    let instance = Instance::open(sql::session::Configuration {
        data_directory: configuration.data_directory,
        password,
        query_threads: std::thread::available_parallelism().map_or(2, usize::from),
    })?;
    if !address.ip().is_loopback() && !(tls.is_some() && instance.has_passwords()) {
        return Err(format!(
            "{address} is not a loopback address: listening there needs TLS (--tls-cert, --tls-key) and a password \
             for the superuser (STRATA_PASSWORD)"
        )
        .into());
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(NETWORK_THREADS).enable_all().build()?;
    runtime.block_on(async {
        let listener = Listener { address, unix_socket_directory: configuration.unix_socket_directory, tls };
        let listening = listener.bind(instance.clone()).await?;
        let mut output = std::io::stdout().lock();
        writeln!(output, "ready postgresql://postgres@{}/postgres", listening.address()?)?;
        output.flush()?;
        drop(output);
        listening.serve(stop_signal()).await;
        instance.shutdown().await;
        Ok(())
    })
}

/// Resolves at SIGTERM, SIGINT or SIGQUIT.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = |kind| async move {
        match signal(kind) {
            Ok(mut stream) => {
                stream.recv().await;
            }
            Err(error) => {
                tracing::warn!(%error, "could not listen for a signal");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::interrupt()) => {}
        () = wait(SignalKind::quit()) => {}
    }
}
