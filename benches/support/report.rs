//! The table at the end.

use std::time::Duration;

/// On which side of its target a figure has to lie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// More is better.
    AtLeast,
    /// Less is better.
    AtMost,
}

/// One figure.
pub struct Line {
    /// Its number.
    pub figure: u32,
    /// What was measured.
    pub title: String,
    /// The result.
    pub measured: f64,
    /// Its unit; empty for a ratio.
    pub unit: &'static str,
    /// What it must reach.
    pub target: f64,
    /// What it should reach.
    pub goal: f64,
    /// Which side is the good one.
    pub verdict: Verdict,
}

impl Line {
    fn reaches(&self, bound: f64) -> bool {
        match self.verdict {
            Verdict::AtLeast => self.measured >= bound,
            Verdict::AtMost => self.measured <= bound,
        }
    }
}

/// All figures of a run.
#[derive(Default)]
pub struct Report {
    /// The table.
    pub lines: Vec<Line>,
    /// What is worth saying but has no target.
    pub notes: Vec<String>,
}

impl Report {
    /// Whether a figure has missed its target.
    pub fn missed(&self) -> bool {
        self.lines.iter().any(|line| !line.reaches(line.target))
    }

    /// Prints the table to stdout.
    pub fn print(&self, memory: bool, took: Duration) {
        println!();
        println!("chatroomd {} in {:.0} s", if memory { "--memory" } else { "--data, durability=commit" }, took.as_secs_f64());
        println!("| # | figure | measured | target | goal | |");
        println!("|---|---|---|---|---|---|");
        for line in &self.lines {
            let sign = if line.verdict == Verdict::AtLeast { ">=" } else { "<=" };
            let verdict = match (line.reaches(line.target), line.reaches(line.goal)) {
                (_, true) => "goal",
                (true, false) => "target",
                (false, false) => "MISSED",
            };
            println!(
                "| {} | {} | {} | {sign} {} | {sign} {} | {verdict} |",
                line.figure,
                line.title,
                number(line.measured, line.unit),
                number(line.target, line.unit),
                number(line.goal, line.unit)
            );
        }
        for note in &self.notes {
            println!("{note}");
        }
    }
}

fn number(value: f64, unit: &str) -> String {
    if unit.is_empty() { format!("{value:.2}") } else { format!("{value:.0} {unit}") }
}
