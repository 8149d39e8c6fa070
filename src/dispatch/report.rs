//! What applications are told over HTTP of what happens in the subjects of this worker: made in the order it happens, written down
//! with the next commit, sent by others (chatroom.md §e.9). Nothing is made for applications that want to be told nothing.

use super::hub::Hub;
use crate::limits::WRITES_WAITING_MAX;
use crate::subject::{Subject, Telling};

impl<S: Subject> Hub<S> {
    /// Adds what an entry gives an application to know.
    pub(super) fn report(&mut self, tellings: Vec<Telling<S::Report>>) {
        for Telling { mut report, weight } in tellings {
            self.commit.writes.bytes += weight;
            if self.commit.is_broken && self.commit.writes.reports.len() >= WRITES_WAITING_MAX {
                self.counters.reports_lost += 1;
                continue;
            }
            S::number(&mut report, self.config.epoch, self.owner.reports_made);
            self.owner.reports_made += 1;
            self.commit.writes.reports.push(report);
        }
    }
}
