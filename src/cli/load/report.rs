//! What a run came to, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::super::failure::Failure;
use super::plan::{Pace, Plan};
use super::tally::{Bits, Harvest, Latencies, Ledger};
use crate::error::Code;

/// Percentiles of a latency in microseconds.
#[derive(Serialize)]
struct Quantiles {
    p50: u64,
    p90: u64,
    p99: u64,
    p999: u64,
    max: u64,
}

impl From<&Latencies> for Quantiles {
    fn from(latencies: &Latencies) -> Quantiles {
        Quantiles {
            p50: latencies.percentile(50.0),
            p90: latencies.percentile(90.0),
            p99: latencies.percentile(99.0),
            p999: latencies.percentile(99.9),
            max: latencies.percentile(100.0),
        }
    }
}

/// The report. Field names are those of the JSON form, which is kept stable.
#[derive(Serialize)]
pub(super) struct Report {
    connections: usize,
    rooms: usize,
    senders: usize,
    message_bytes: usize,
    /// Messages per second asked for; absent with a window.
    rate: Option<f64>,
    /// Unanswered messages per sender; absent with a rate.
    window: Option<u32>,
    seconds: f64,
    sent: u64,
    acknowledged: u64,
    /// By code.
    refused: BTreeMap<i32, u64>,
    unanswered: u64,
    /// What has to arrive: each acknowledged message at everyone else in its room.
    expected: u64,
    delivered: u64,
    deliveries_per_second: f64,
    delivery_us: Quantiles,
    answer_us: Quantiles,
    lost: u64,
    doubled: u64,
    disordered: u64,
    /// Times the server said that it had left something out.
    gaps: u64,
    /// Connections that ended early, by reason.
    cut: BTreeMap<String, u64>,
}

impl Report {
    /// Adds up what the threads bring home.
    pub(super) fn new(plan: &Plan, harvests: Vec<Harvest>) -> Report {
        let (mut delivery, mut answer) = (Latencies::new(), Latencies::new());
        let mut seconds = plan.duration.as_secs_f64();
        let mut ledgers: Vec<Ledger> = Vec::with_capacity(plan.connections);
        for harvest in harvests {
            delivery.extend(&harvest.delivery);
            answer.extend(&harvest.answer);
            seconds = seconds.max(harvest.last_delivery.as_secs_f64());
            ledgers.extend(harvest.ledgers);
        }
        let mut accepted = vec![Bits::default(); plan.rooms.len()];
        for ledger in &ledgers {
            accepted[ledger.room].extend(&ledger.accepted);
        }
        let sum = |of: fn(&Ledger) -> u64| ledgers.iter().map(of).sum::<u64>();
        let (mut refused, mut cut) = (BTreeMap::new(), BTreeMap::new());
        for ledger in &ledgers {
            for (code, count) in &ledger.refused {
                *refused.entry(*code).or_default() += count;
            }
            if let Some(why) = &ledger.cut {
                *cut.entry(why.clone()).or_default() += 1;
            }
        }
        let expected: u64 = ledgers.iter().map(|ledger| accepted[ledger.room].len() - ledger.accepted.len()).sum();
        let lost = ledgers.iter().map(|ledger| accepted[ledger.room].count_missing(&ledger.heard, &ledger.accepted)).sum();
        let delivered = sum(|ledger| ledger.heard.len());
        Report {
            connections: plan.connections,
            rooms: plan.rooms.len(),
            senders: plan.senders.len(),
            message_bytes: plan.size,
            rate: if let Pace::Rate(rate) = plan.pace { Some(rate) } else { None },
            window: if let Pace::Window(window) = plan.pace { Some(window) } else { None },
            seconds,
            sent: sum(|ledger| ledger.sent),
            acknowledged: sum(|ledger| ledger.accepted.len()),
            refused,
            unanswered: sum(|ledger| ledger.unanswered),
            expected,
            delivered,
            deliveries_per_second: delivered as f64 / seconds,
            delivery_us: Quantiles::from(&delivery),
            answer_us: Quantiles::from(&answer),
            lost,
            doubled: sum(|ledger| ledger.doubled),
            disordered: sum(|ledger| ledger.disordered),
            gaps: sum(|ledger| ledger.gaps),
            cut,
        }
    }

    /// One line of JSON.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).expect("numbers and texts have a JSON form")
    }

    /// A few lines for people.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a text cannot fail.
        let _ = writeln!(out, "connections   {} in {} rooms; {} send", self.connections, self.rooms, self.senders);
        let _ = writeln!(
            out,
            "messages      {} of {} bytes sent in {:.1} s: {} acknowledged, {} refused, {} unanswered",
            self.sent,
            self.message_bytes,
            self.seconds,
            self.acknowledged,
            self.refused.values().sum::<u64>(),
            self.unanswered
        );
        let _ = writeln!(out, "deliveries    {}, {:.0}/s", self.delivered, self.deliveries_per_second);
        let since = if self.rate.is_some() { "from when each message was due" } else { "from the send" };
        let _ = writeln!(out, "delivery      {}  {since}", milliseconds(&self.delivery_us));
        let _ = writeln!(out, "answer        {}  {since}", milliseconds(&self.answer_us));
        let _ = write!(out, "lost {}, doubled {}, out of order {}", self.lost, self.doubled, self.disordered);
        if self.gaps > 0 {
            let _ = write!(out, "; the server told {} gaps", self.gaps);
        }
        for (code, count) in &self.refused {
            let meaning = Code::from_number(*code).map_or("a code we do not know", |code| code.row().meaning);
            let _ = write!(out, "\nrefused       {count} times: {code} {meaning}{}", hint(*code));
        }
        for (why, count) in &self.cut {
            let _ = write!(out, "\nended early   {count} connections: {}", super::super::text::printable(why));
        }
        out
    }

    /// True success: the promises were kept, and the server took everything that it was given.
    pub(super) fn verdict(&self, allow_refusals: bool) -> Result<(), Failure> {
        if self.lost + self.doubled + self.disordered > 0 {
            return Err(Failure::broken_promise(format!(
                "{} deliveries lost, {} doubled, {} out of order",
                self.lost, self.doubled, self.disordered
            )));
        }
        if self.acknowledged == 0 {
            return Err(Failure::failed("no message was acknowledged"));
        }
        let ended = self.cut.values().sum::<u64>();
        if ended + self.unanswered > 0 {
            return Err(Failure::failed(format!(
                "{ended} connections ended early, {} messages were not answered",
                self.unanswered
            )));
        }
        let refused = self.refused.values().sum::<u64>();
        if refused > 0 && !allow_refusals {
            return Err(Failure::failed(format!("{refused} messages were refused; --allow-refusals takes that for success")));
        }
        Ok(())
    }
}

fn hint(code: i32) -> &'static str {
    if code == Code::TooFrequent.number() {
        " (more --senders, less --rate, or raise client_send_per_second and room_intake_per_second of the server)"
    } else {
        ""
    }
}

fn milliseconds(us: &Quantiles) -> String {
    let ms = |us: u64| format!("{:.2}", us as f64 / 1000.0);
    format!(
        "p50 {} ms  p90 {} ms  p99 {} ms  p99.9 {} ms  max {} ms",
        ms(us.p50),
        ms(us.p90),
        ms(us.p99),
        ms(us.p999),
        ms(us.max)
    )
}
