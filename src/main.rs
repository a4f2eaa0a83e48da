//! The daemon: command line, configuration, log, signals.
#![forbid(unsafe_code)]

use cfs_master::config::Config;
use cfs_master::observe::log;
use cfs_master::{env, start};
use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use time::UtcOffset;
use tokio::signal::unix::{signal, SignalKind};

/// The master of a CubeFS storage cluster, in place of the Go master of v3.5.3.
#[derive(Parser)]
#[command(version, about, disable_version_flag = true)]
struct Arguments {
    /// Show the version.
    #[arg(short = 'v', short_alias = 'V', long = "version", action = clap::ArgAction::Version)]
    version: (),
    /// Configuration file (JSON, the keys of v3.5.3).
    #[arg(short = 'c', long, value_name = "FILE")]
    config: PathBuf,
    /// Stay in the foreground. It always does; the flag is there for scripts written for v3.5.3.
    #[arg(short = 'f', long)]
    foreground: bool,
}

fn main() -> ExitCode {
    // The local time zone must be asked for while there is one thread.
    let offset = UtcOffset::current_local_offset().unwrap_or(UtcOffset::UTC);
    let arguments = Arguments::parse();
    let config = match read_config(&arguments.config) {
        Ok(config) => config,
        Err(why) => {
            eprintln!("cfs-master: {why}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads can be started");
    let outcome = runtime.block_on(run(config, offset));
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            tracing::error!("{why}");
            eprintln!("cfs-master: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the configuration; warnings go to standard error at once, since the log is not there yet.
fn read_config(file: &Path) -> Result<Config, String> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|e| format!("{name}: {e}"))?;
    let (config, warnings) = Config::parse(&name, &text).map_err(|e| e.to_string())?;
    for warning in warnings {
        eprintln!("cfs-master: {name}: {warning}");
    }
    Ok(config)
}

async fn run(config: Config, offset: UtcOffset) -> Result<(), String> {
    let dir = config.log_dir.as_ref().map(|dir| beside_executable(dir));
    let options = log::Options { dir, level: config.log_level, rotate_size_mib: config.log_rotate_size_mib, offset };
    log::init(options).map_err(|e| format!("logDir: {e}"))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| e.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| e.to_string())?;
    let running = start::start(env::tokio::production(), config).await.map_err(|e| e.to_string())?;
    let failure = tokio::select! {
        biased;
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        why = running.failed() => Some(why),
    };
    tracing::info!("stops");
    running.stop().await;
    failure.map_or(Ok(()), Err)
}

/// v3.5.3 takes a relative log directory as relative to the executable.
fn beside_executable(dir: &Path) -> PathBuf {
    match std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned)) {
        Some(parent) if dir.is_relative() => parent.join(dir),
        _ => dir.to_owned(),
    }
}
