//! The daemon: command line, configuration, log, signals.
#![forbid(unsafe_code)]

use cfs_master::config::Config;
use cfs_master::env::rocks::StoppedStore;
use cfs_master::observe::log;
use cfs_master::{env, import, start};
use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use time::UtcOffset;
use tokio::signal::unix::{signal, SignalKind};

/// The master of a CubeFS storage cluster, in place of the Go master of v3.5.3.
#[derive(Parser)]
#[command(version, about, disable_version_flag = true, subcommand_negates_reqs = true, args_conflicts_with_subcommands = true)]
struct Arguments {
    /// Show the version.
    #[arg(short = 'v', short_alias = 'V', long = "version", action = clap::ArgAction::Version)]
    version: (),
    /// Configuration file (JSON, the keys of v3.5.3).
    #[arg(short = 'c', long, value_name = "FILE", required = true)]
    config: Option<PathBuf>,
    /// Stay in the foreground. It always does; the flag is there for scripts written for v3.5.3.
    #[arg(short = 'f', long)]
    foreground: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Fill the empty storeDir of a new master from the store of a stopped one, the Go master's of v3.5.3 as a rule.
    Import(Import),
}

#[derive(clap::Args)]
struct Import {
    /// The storeDir of the stopped master. Nothing in it is changed.
    #[arg(long, value_name = "STORE_DIR")]
    from: PathBuf,
    /// Configuration file of the new master.
    #[arg(short = 'c', long, value_name = "FILE")]
    config: PathBuf,
    /// Only read the store and say what is in it.
    #[arg(long)]
    check: bool,
    /// Import records that cannot be read too, as they are.
    #[arg(long)]
    keep_unreadable: bool,
}

fn main() -> ExitCode {
    // The local time zone must be asked for while there is one thread.
    let offset = UtcOffset::current_local_offset().unwrap_or(UtcOffset::UTC);
    let arguments = Arguments::parse();
    let file = match &arguments.command {
        Some(Command::Import(import)) => Some(&import.config),
        None => arguments.config.as_ref(),
    };
    let config = match read_config(file.expect("clap asks for it")) {
        Ok(config) => config,
        Err(why) => {
            eprintln!("cfs-master: {why}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads can be started");
    let outcome = match &arguments.command {
        Some(Command::Import(import)) => runtime.block_on(bring_in(import, &config)),
        None => runtime.block_on(run(config, offset)),
    };
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

/// `cfs-master import`.
async fn bring_in(wishes: &Import, config: &Config) -> Result<(), String> {
    if !wishes.check {
        is_empty("storeDir", &config.store_dir)?;
        is_empty("walDir", &config.wal_dir)?;
    }
    let source = StoppedStore::open(&wishes.from).map_err(|e| e.to_string())?;
    let from = wishes.from.canonicalize().unwrap_or_else(|_| wishes.from.clone()).display().to_string();
    let findings = import::examine(&source, &config.cluster_name).map_err(|e| format!("{from}: {e}"))?;
    print!("{from}: {findings}");
    if wishes.check {
        return Ok(());
    }
    if !findings.unreadable.is_empty() && !wishes.keep_unreadable {
        return Err("nothing was imported, since not every record can be read; --keep-unreadable imports those too, as they are".into());
    }
    let target = env::tokio::production().storage.open(&config.store_dir).await.map_err(|e| e.to_string())?;
    let copied = import::copy(&source, &*target, &from).await.map_err(|e| e.to_string())?;
    println!("{}: {copied} pairs written and compared, at applied index {}", config.store_dir.display(), findings.applied);
    println!(
        "When every master's storeDir is filled or empty, start them all: the furthest one founds the group, the others take its state."
    );
    Ok(())
}

/// A directory that is not there is empty.
fn is_empty(key: &str, dir: &Path) -> Result<(), String> {
    let why = match std::fs::read_dir(dir).map(|mut entries| entries.next().is_none()) {
        Ok(true) => return Ok(()),
        Ok(false) => "is not empty. Name a new directory in the configuration, or empty this one".into(),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(why) => why.to_string(),
    };
    Err(format!("{key} {} {why}", dir.display()))
}

/// v3.5.3 takes a relative log directory as relative to the executable.
fn beside_executable(dir: &Path) -> PathBuf {
    match std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned)) {
        Some(parent) if dir.is_relative() => parent.join(dir),
        _ => dir.to_owned(),
    }
}
