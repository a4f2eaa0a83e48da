//! A run as a text file that people read and edit: shape, faults and operations, one a line. What is not written down (latencies, the
//! program's own randomness) follows from the seed.
//!
//! ```text
//! seed 8241
//! profile survivable
//! masters 3
//! …
//! fault 31.207 9.120 {"kill":{"who":"leader","power":true}}      begins, lasts, what
//! op 14.020 0 2 {"create":{"volume":"vol-0-1"}}                  when, client, master by position, what
//! ```

use super::fault::Planned;
use super::options::{Options, Profile};
use super::workload::Step;
use std::fmt::Write as _;
use std::str::FromStr;
use std::time::Duration;

fn secs(time: Duration) -> String {
    format!("{}.{:03}", time.as_secs(), time.subsec_millis())
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("plain data")
}

/// The file's text.
pub fn write(options: &Options) -> String {
    let mut out = String::new();
    for (key, value) in header(options) {
        let _ = writeln!(out, "{key} {value}");
    }
    for Planned { at, lasts, fault } in &options.faults {
        let _ = writeln!(out, "fault {} {} {}", secs(*at), secs(*lasts), json(fault));
    }
    for Step { at, client, master, op } in &options.steps {
        let _ = writeln!(out, "op {} {client} {master} {}", secs(*at), json(op));
    }
    out
}

fn header(options: &Options) -> [(&'static str, String); 11] {
    [
        ("seed", options.seed.to_string()),
        ("profile", options.profile.word().to_owned()),
        ("masters", options.masters.to_string()),
        ("data-nodes", options.data_nodes.to_string()),
        ("meta-nodes", options.meta_nodes.to_string()),
        ("clients", options.clients.to_string()),
        ("zones", options.zones.to_string()),
        ("buffer", options.buffer.to_string()),
        ("retain-logs", options.retain_logs.to_string()),
        ("length", secs(options.length)),
        ("writes-min", options.writes_min.to_string()),
    ]
}

/// Reads a file's text. Errors name the line.
pub fn parse(text: &str) -> Result<Options, String> {
    let mut options = Options::empty();
    for (n, line) in text.lines().enumerate() {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            take(&mut options, line).map_err(|why| format!("line {}: {why}: {line}", n + 1))?;
        }
    }
    if options.masters == 0 || options.length.is_zero() {
        return Err("a scenario needs masters and a length".into());
    }
    options.faults.sort_by_key(|planned| planned.at);
    options.steps.sort_by_key(|step| (step.at, step.client));
    Ok(options)
}

fn take(options: &mut Options, line: &str) -> Result<(), String> {
    let (key, rest) = line.split_once(' ').ok_or("no value")?;
    let rest = rest.trim();
    match key {
        "seed" => options.seed = number(rest)?,
        "profile" => options.profile = Profile::of_word(rest).ok_or("no profile")?,
        "masters" => options.masters = number(rest)?,
        "data-nodes" => options.data_nodes = number(rest)?,
        "meta-nodes" => options.meta_nodes = number(rest)?,
        "clients" => options.clients = number(rest)?,
        "zones" => options.zones = number(rest)?,
        "buffer" => options.buffer = number(rest)?,
        "retain-logs" => options.retain_logs = number(rest)?,
        "length" => options.length = time(rest)?,
        "writes-min" => options.writes_min = number(rest)?,
        "fault" => {
            let [at, lasts, fault] = words(rest)?;
            options.faults.push(Planned { at: time(at)?, lasts: time(lasts)?, fault: from_json(fault)? });
        }
        "op" => {
            let [at, client, master, op] = words(rest)?;
            options.steps.push(Step { at: time(at)?, client: number(client)?, master: number(master)?, op: from_json(op)? });
        }
        _ => return Err(format!("no such key {key}")),
    }
    Ok(())
}

/// The first words and the rest.
fn words<const N: usize>(text: &str) -> Result<[&str; N], String> {
    let parts: Vec<&str> = text.splitn(N, ' ').collect();
    parts.try_into().map_err(|_| format!("{N} values are needed"))
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}

fn time(text: &str) -> Result<Duration, String> {
    let secs: f64 = number(text)?;
    Duration::try_from_secs_f64(secs)
        .map(|time| Duration::from_millis((time.as_nanos() as u64 + 500_000) / 1_000_000))
        .map_err(|e| e.to_string())
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for seed in 0..50 {
            for profile in [Profile::Survivable, Profile::Storm] {
                let options = Options::draw(seed, profile);
                assert_eq!(parse(&write(&options)), Ok(options));
            }
        }
    }

    #[test]
    fn errors_name_the_line() {
        assert!(parse("seed 1\nfault 1.0 2.0 {\"nonsense\":1}").unwrap_err().starts_with("line 2: "));
        assert!(parse("# nothing\n").is_err());
    }
}
