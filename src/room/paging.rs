//! Pages of members, whatever they are listed by (chatroom.md §c.2).

use crate::subject::{Actor, Origin};
use prost::Message as _;

use crate::error::Status;
use crate::id::{AccountId, ConnId, UnixMs};
use crate::limits;
use crate::wire::pb;

/// How many bytes of members a page holds: over HTTP no frame bounds it.
pub(super) fn page_bytes(actor: &Actor) -> usize {
    if actor.origin == Origin::Http { limits::HTTP_PAGE_BYTES_MAX } else { limits::PAGE_BYTES_MAX }
}

/// Bytes that a member takes in a page.
pub(super) fn weight(member: &pb::Member) -> usize {
    member.encoded_len() + limits::PAGE_ITEM_BYTES
}

/// Tells places of one time apart.
pub(super) trait Tie: Clone {
    /// As `next` of a page says it.
    fn print(&self) -> String;
    /// Reads that again.
    fn read(text: &str) -> Option<Self>;
}

impl Tie for AccountId {
    fn print(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<AccountId> {
        AccountId::parse(text).ok()
    }
}

impl Tie for ConnId {
    fn print(&self) -> String {
        self.get().to_string()
    }

    fn read(text: &str) -> Option<ConnId> {
        text.parse().ok().map(ConnId::from_raw)
    }
}

/// The place that `next` of an earlier page names: the page begins behind it. Empty: none is named.
pub(super) fn place_after<K: Tie>(next: &str) -> Result<Option<(UnixMs, K)>, Status> {
    if next.is_empty() {
        return Ok(None);
    }
    let place = next.split_once(' ').and_then(|(time, tie)| Some((UnixMs(time.parse().ok()?), K::read(tie)?)));
    place.map(Some).ok_or_else(|| Status::bad_parameter("next must be what an earlier page gave"))
}

/// Fills a page with those who stand at places, in the order these come. It holds `limit` members, and all that share the time of
/// the last of them. It ends before members of one time with whom it would exceed `count_max` or `bytes_max`, and splits only such
/// as would fill a page of their own.
pub(super) fn fill<'a, K: Tie + 'a>(
    places: impl Iterator<Item = &'a (UnixMs, K)>,
    limit: usize,
    count_max: usize,
    bytes_max: usize,
    show: impl Fn(&K) -> Option<pb::Member>,
) -> pb::MemberListResponse {
    let mut page = pb::MemberListResponse::default();
    let (mut bytes, mut last) = (0, None::<&(UnixMs, K)>);
    // Where the members of the last time begin, and the place before them.
    let mut group = (0, None);
    let mut more = None;
    for place in places {
        let belongs = last.is_some_and(|last| last.0 == place.0);
        if !belongs && page.members.len() >= limit {
            more = last;
            break;
        }
        let Some(member) = show(&place.1) else { continue };
        bytes += weight(&member);
        if page.members.len() >= count_max || (bytes > bytes_max && !page.members.is_empty()) {
            more = last;
            if belongs && group.0 > 0 {
                page.members.truncate(group.0);
                more = group.1;
            }
            break;
        }
        if !belongs {
            group = (page.members.len(), last);
        }
        page.members.push(member);
        last = Some(place);
    }
    if let Some((time, tie)) = more {
        (page.has_more, page.next) = (true, format!("{} {}", time.0, tie.print()));
    }
    page
}
