//! What applications are told over HTTP of what happens in the rooms of this worker: made here in the order it happens, written down
//! with the next commit, sent by others (chatroom.md §e.9). Nothing is made for applications that want to be told nothing.

use super::hub::Hub;
use crate::id::RoomId;
use crate::limits::WRITES_WAITING_MAX;
use crate::room::{Entry, InOut, PushBody, QueueReport, Report, Reported, Reports};

impl Hub {
    /// Adds what an entry gives the application to know: the message, who came and went, and what has become of the queue.
    pub(super) fn report(
        &mut self,
        room: RoomId,
        reports: &Reports,
        entry: &Entry,
        push: Option<&PushBody>,
        (in_out, queue): (Vec<InOut>, Option<Box<QueueReport>>),
        is_durable: bool,
    ) {
        if reports.messages
            && let Some(PushBody::Message { body, .. }) = push
            && let Some(copied) = entry.command.op.copied()
            && let Some(env) = reports.env_of(copied.env)
        {
            if !is_durable {
                self.writes.bytes += body.len();
            }
            let what = Reported::Message { body: body.clone(), resend: copied.resend, to: copied.to.to_vec() };
            self.add_report(room, reports, env, entry, what);
        }
        for passage in in_out {
            self.writes.bytes += passage.weight();
            self.add_report(room, reports, "", entry, Reported::InOut(Box::new(passage)));
        }
        if let Some(change) = queue {
            self.writes.bytes += change.weight();
            self.add_report(room, reports, "", entry, Reported::Queue(change));
        }
    }

    fn add_report(&mut self, room: RoomId, reports: &Reports, env: &str, entry: &Entry, what: Reported) {
        if self.is_broken && self.writes.reports.len() >= WRITES_WAITING_MAX {
            self.counters.reports_lost += 1;
            return;
        }
        let number = self.reports_made;
        self.reports_made += 1;
        let (app_key, time) = (reports.app_key.clone(), entry.stamp.time);
        self.writes.reports.push(Report { room, app_key, env: env.into(), epoch: self.config.epoch, number, time, what });
    }
}
