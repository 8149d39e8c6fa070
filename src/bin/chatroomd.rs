//! The server: configuration, node, HTTP listener, until SIGTERM.
//!
//! `verify`, `backup` and `restore` instead do something with a data folder. Exit codes: 0 after a drain, 1 if it cannot start, 2 for
//! a configuration it cannot use.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use chatroom::admin::{Admin, Serving};
use chatroom::config::{self, Config, ConfigError, Http};
use chatroom::server::{Descriptors, Node, bind, make_files_private, run_command, start_logs};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::signal::unix::{SignalKind, signal};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    make_files_private();
    if let Some(command) = config::command(std::env::args_os()) {
        return run_command(&command);
    }
    let config = match Config::load(std::env::args_os()) {
        Ok(config) => config,
        Err(ConfigError::Usage(error)) => error.exit(),
        Err(error) => {
            eprintln!("chatroomd: {error}");
            return ExitCode::from(2);
        }
    };
    if config.check_only {
        println!("chatroomd: the configuration is good");
        return ExitCode::SUCCESS;
    }
    match run(&config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chatroomd: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(config: &Config) -> Result<(), Box<dyn std::error::Error>> {
    let logs = start_logs(&config.log);
    let report_logs = logs.reporter();
    let metrics = PrometheusBuilder::new().install_recorder()?;
    let admin = bind(config.admin)?;
    let node = Node::start(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let tls = node.wire_tls.map(|address| format!(" tls={address}")).unwrap_or_default();
        let Descriptors { limit, connections, http_connections, .. } = node.descriptors;
        let ready = format!(
            "chatroomd ready wire={} admin={}{tls} connections_max={connections} open_files_max={limit}",
            node.wire,
            admin.local_addr()?
        );
        let api = Admin {
            rooms: node.engine.clone(),
            accounts: node.accounts.clone(),
            metrics: Arc::new(move || {
                report_logs();
                metrics.render()
            }),
            ready: node.ready.clone(),
            store_failure: node.store_failure(),
            http: Http { connections_max: http_connections, ..config.http.clone() },
        };
        let serving = Serving::start_over(admin, api, node.http_transport())?;
        say(&ready);
        if let Some(demo) = node.demo(!config.apps.is_empty()).await? {
            let client = if std::env::var_os("CARGO").is_some() { "cargo run --release --bin chatroom --" } else { "chatroom" };
            say(&format!("join from another terminal: {client} {}", demo.join_arguments(&node)));
        }
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = node.expire() => {}
            stopped = node.reload_on_hangup(config.clone(), || Config::load(std::env::args_os())) => stopped?,
        }
        tracing::info!("draining");
        let stopped = tokio::task::spawn_blocking(move || node.stop()).await;
        tokio::task::spawn_blocking(move || serving.stop()).await?;
        Ok(stopped?)
    })
}

/// Prints a line for whoever reads our standard output, be it a person or a script waiting for it.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody may be reading any more; that is no reason to stop serving.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
