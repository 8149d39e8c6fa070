//! Questions from a seed.

use chatroom::room::Query;
use chatroom::wire::pb;

use super::commands::Source;
use super::{Model, ROOM};

impl Source {
    pub fn query(&mut self, model: &Model) -> Query {
        if self.one_in(4) {
            if self.one_in(3) {
                return Query::CountByTag(pb::MemberCountByTagRequest { room_id: ROOM, tag: self.tag() });
            }
            return Query::MembersByTag(pb::MemberListByTagRequest {
                room_id: ROOM,
                tag: self.tag(),
                time_ms: match model.conns.first() {
                    Some(conn) if self.rng.bool() => conn.entered + self.rng.i64(-1..2),
                    _ => self.of(&[0, 0, 0, -1]),
                },
                limit: self.of(&[0, 1, 2, 100, 101]),
                next: String::new(),
            });
        }
        if self.one_in(4) {
            return match self.rng.u32(0..3) {
                0 => Query::Attributes(pb::AttributesListRequest { room_id: ROOM }),
                1 => {
                    let count = if self.one_in(20) { self.of(&[0, 100, 101]) } else { self.rng.usize(1..4) };
                    Query::MemberAttributes(pb::MemberAttributesLookupRequest {
                        room_id: ROOM,
                        accounts: (0..count).map(|_| self.account()).collect(),
                    })
                }
                _ => Query::MemberAttributesList(pb::MemberAttributesListRequest {
                    room_id: ROOM,
                    next: match model.member_attributes.keys().next() {
                        Some(name) if self.rng.bool() => name.clone(),
                        _ => String::new(),
                    },
                    limit: self.of(&[0, 1, 2, 100, 101]),
                }),
            };
        }
        match self.rng.u32(0..12) {
            0 => Query::Info(pb::RoomInfoRequest { room_id: ROOM }),
            1..=5 => {
                let times: Vec<i64> = model
                    .conns
                    .iter()
                    .map(|conn| conn.entered)
                    .chain(model.fixed.values().map(|fixed| fixed.update_time))
                    .collect();
                let time_ms = match self.rng.u32(0..10) {
                    0 => self.of(&[-1, 1, i64::MAX]),
                    1..=5 if !times.is_empty() => self.of(&times) + self.rng.i64(-1..2),
                    _ => 0,
                };
                Query::Members(pb::MemberListRequest {
                    room_id: ROOM,
                    query: if self.one_in(40) { self.of(&[4, -1]) } else { self.rng.i32(0..4) },
                    time_ms,
                    limit: self.of(&[0, 1, 2, 3, 4, 100, 101]),
                    next: String::new(),
                })
            }
            6 | 7 => {
                let count = if self.one_in(20) { self.of(&[0, 10, 11, 20, 21]) } else { self.rng.usize(1..4) };
                Query::Lookup(pb::MemberLookupRequest { room_id: ROOM, accounts: (0..count).map(|_| self.account()).collect() })
            }
            8 => Query::QueueList(pb::QueueListRequest { room_id: ROOM, ..Default::default() }),
            9 => Query::QueuePeek(pb::QueuePeekRequest { room_id: ROOM }),
            10 => {
                let count = if self.one_in(20) { self.of(&[0, 100, 101]) } else { self.rng.usize(1..4) };
                Query::QueueMultiGet(pb::QueueMultiGetRequest { room_id: ROOM, keys: (0..count).map(|_| self.key()).collect() })
            }
            _ => Query::History(pb::MessageHistoryRequest {
                room_id: ROOM,
                time_ms: self.of(&[0, 1, -1]),
                limit: self.of(&[0, 1, 100, 101]),
                types: self.of(&[&[][..], &[0, 5, 100], &[7], &[20]]).to_vec(),
                ..Default::default()
            }),
        }
    }
}
