//! `chatroom-sim`: worlds from seeds, one or many, and the account of how many were silent.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use parking_lot::Mutex;

use super::{Report, catch_panics, run};
use crate::planted::{Bug, plant};

/// Runs whole nodes and clients in simulated worlds, each out of one seed, and looks whether what was promised holds.
#[derive(Parser)]
#[command(name = "chatroom-sim", version)]
struct Options {
    /// The seed of one world.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Worlds from one seed up to another, which is left out: A..B.
    #[arg(long, value_parser = range)]
    seeds: Option<(u64, u64)>,
    /// Steps of each world.
    #[arg(long, default_value_t = 1000)]
    steps: u64,
    /// Print what happens.
    #[arg(long)]
    trace: bool,
    /// Print the digest of each world.
    #[arg(long)]
    digest: bool,
    /// End after so many seconds, between two worlds.
    #[arg(long)]
    seconds: Option<u64>,
    /// Worlds at a time.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// A file in which the account is kept: begins with the seed after those that were silent before, of the same commit and steps.
    #[arg(long)]
    account: Option<PathBuf>,
    /// The commit that the account is of.
    #[arg(long, default_value = "")]
    commit: String,
    /// A bug to plant, by its name: the worlds have to find it.
    #[arg(long, value_parser = bug)]
    bug: Option<Bug>,
    /// Plant every bug, one after the other.
    #[arg(long, conflicts_with = "bug")]
    bugs: bool,
}

fn range(text: &str) -> Result<(u64, u64), String> {
    let wrong = || format!("{text} is not A..B");
    let (first, end) = text.split_once("..").ok_or_else(wrong)?;
    Ok((first.parse().map_err(|_| wrong())?, end.parse().map_err(|_| wrong())?))
}

fn bug(name: &str) -> Result<Bug, String> {
    let known = Bug::ALL.iter().find(|(known, _)| *known == name).map(|(_, bug)| *bug);
    known.ok_or_else(|| format!("no such bug; there are {}", Bug::ALL.map(|(name, _)| name).join(", ")))
}

/// Runs the program.
pub fn main() -> ExitCode {
    let options = Options::parse();
    if options.bugs {
        return plant_all(&options);
    }
    if let Some(bug) = options.bug {
        plant(bug);
    }
    // A panic is a finding, and its words are told with the seed.
    catch_panics();
    let (first, end) = match (options.seed, options.seeds) {
        (Some(seed), _) => (seed, seed.saturating_add(1)),
        (None, Some(seeds)) => seeds,
        (None, None) => (0, 1),
    };
    let before = options.account.as_ref().map_or(0, |path| silent_before(path, &options));
    let first = first.max(before);
    if first >= end {
        println!("{before} seeds of {} steps are silent already", options.steps);
        return ExitCode::SUCCESS;
    }
    let began = Instant::now();
    let next = AtomicU64::new(first);
    let (is_over, found, looked_at) = (AtomicBool::new(false), Mutex::new(None), AtomicU64::new(0));
    // Every seed below this one has run.
    let finished = Mutex::new(std::collections::BTreeSet::new());
    let work = || {
        while !is_over.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let is_late = options.seconds.is_some_and(|seconds| began.elapsed() >= Duration::from_secs(seconds));
            if seed >= end || is_late && seed > first {
                break;
            }
            let report = run(seed, options.steps, options.trace);
            looked_at.fetch_add(report.looked_at, Ordering::Relaxed);
            tell(&options, &report);
            finished.lock().insert(seed);
            if report.violation.is_some() {
                is_over.store(true, Ordering::Relaxed);
                let mut found = found.lock();
                if found.as_ref().is_none_or(|known: &Report| known.seed > seed) {
                    *found = Some(report);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..options.jobs.max(1)).map(|_| scope.spawn(work)).collect();
        work();
        others.into_iter().for_each(|other| drop(other.join()));
    });
    let finished = finished.into_inner();
    let reached = (first..end).find(|seed| !finished.contains(seed)).unwrap_or(end);
    let took = began.elapsed();
    if let Some(report) = found.into_inner() {
        say_found(&options, &report, took);
        return ExitCode::FAILURE;
    }
    if let Some(path) = &options.account {
        let line = format!("{} {} {reached}\n", name_of(&options.commit), options.steps);
        if let Err(error) = std::fs::write(path, line) {
            eprintln!("chatroom-sim: {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    println!(
        "seeds {first}..{reached} of {} steps: silent; {} frames and entries looked at, {:.1} s, {:.4} s a seed",
        options.steps,
        looked_at.into_inner(),
        took.as_secs_f64(),
        took.as_secs_f64() / (reached - first).max(1) as f64,
    );
    ExitCode::SUCCESS
}

/// Plants every bug in a process of its own. Fails if one is not found.
fn plant_all(options: &Options) -> ExitCode {
    let (first, end) = options.seeds.unwrap_or((0, 20_000));
    let mut are_found = true;
    for (name, _) in Bug::ALL {
        let program = std::env::current_exe().map(std::process::Command::new);
        let [seeds, steps, jobs] = [format!("{first}..{end}"), options.steps.to_string(), options.jobs.to_string()];
        let ran = program.and_then(|mut program| {
            program.args(["--bug", name, "--seeds", &seeds, "--steps", &steps, "--jobs", &jobs]).output()
        });
        match ran {
            Ok(output) => {
                are_found &= !output.status.success();
                print!("{name}: {}", String::from_utf8_lossy(&output.stdout));
            }
            Err(error) => {
                eprintln!("chatroom-sim: {error}");
                are_found = false;
            }
        }
    }
    if are_found { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn tell(options: &Options, report: &Report) {
    let mut out = std::io::stdout().lock();
    for line in &report.trace {
        // Nobody may be reading any more, which changes nothing about the world.
        let _ = writeln!(out, "{line}");
    }
    if options.digest {
        let _ = writeln!(out, "seed {} digest {:016x}", report.seed, report.digest);
    }
}

fn say_found(options: &Options, report: &Report, took: Duration) {
    let Report { seed, steps, violation, .. } = report;
    let bug = Bug::ALL.iter().find(|(_, bug)| Some(*bug) == options.bug);
    let bug = bug.map(|(name, _)| format!(" --bug {name}")).unwrap_or_default();
    println!("seed {seed}, step {steps}: {}", violation.as_deref().unwrap_or_default());
    println!(
        "after {:.1} s; again, with a trace: chatroom-sim --seed {seed} --steps {} --trace{bug}",
        took.as_secs_f64(),
        options.steps
    );
}

fn name_of(commit: &str) -> &str {
    if commit.is_empty() { "-" } else { commit }
}

/// The first seed that was not silent before, as far as the account is of the same commit and as many steps.
fn silent_before(path: &PathBuf, options: &Options) -> u64 {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        [commit, steps, reached] if commit == name_of(&options.commit) && steps == options.steps.to_string() => {
            reached.parse().unwrap_or(0)
        }
        _ => 0,
    }
}
