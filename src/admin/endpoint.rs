//! Every endpoint of rest-api.md §4-§6, with the codes it may answer.

use std::pin::Pin;

use super::answer::Answer;
use super::call::Call;
use super::{Rooms, accounts, history, members, messages, queue, robots, rooms, stats, tags};
use crate::error::{Code, Status};

/// What an endpoint does, and what it may answer.
pub(super) struct Endpoint<R: 'static> {
    /// Its path below the base.
    pub(super) path: &'static str,
    /// The codes rest-api.md §4 lists for it beside 200; `None` where it lists none.
    codes: Option<&'static [i32]>,
    /// Answers a call.
    pub(super) work: Work<R>,
}

/// Answers a call.
pub(super) type Work<R> = for<'a> fn(&'a Call<'a, R>) -> Working<'a>;
type Working<'a> = Pin<Box<dyn Future<Output = Result<Answer, Status>> + Send + 'a>>;

/// The endpoint with this path below the base.
pub(super) fn find<R: Rooms>(path: &str) -> Option<&'static Endpoint<R>> {
    Endpoint::<R>::ALL.iter().find(|endpoint| endpoint.path == path)
}

/// The path and the codes of every endpoint that is offered.
pub(super) fn listed<R: Rooms>() -> Vec<(&'static str, Option<&'static [i32]>)> {
    Endpoint::<R>::ALL.iter().map(|endpoint| (endpoint.path, endpoint.codes)).collect()
}

/// The codes rest-api.md §4 lists for an endpoint beside 200; `None` where it lists none.
pub(super) fn codes<R: Rooms>(path: &str) -> Option<&'static [i32]> {
    find::<R>(path).and_then(|endpoint| endpoint.codes)
}

impl<R: Rooms> Endpoint<R> {
    /// A failure in the codes this endpoint has (rest-api.md §1.3). What refines the code stays.
    pub(super) fn fit(&self, status: Status) -> Status {
        let Some(codes) = self.codes.filter(|codes| !codes.contains(&status.code.number())) else { return status };
        let has = |code: Code| codes.contains(&code.number());
        let code = match status.code {
            Code::NotFound if has(Code::BadParameter) => Code::BadParameter,
            Code::RoomClosed
            | Code::AccountMuted
            | Code::Muted
            | Code::RoomMuted
            | Code::Blocklisted
            | Code::AccountDisabled
            | Code::ProfileRefused
            | Code::OverQuota
                if has(Code::Forbidden) =>
            {
                Code::Forbidden
            }
            code => code,
        };
        Status { code, ..status }
    }
}

/// `path: codes, or any, handler`.
macro_rules! endpoints {
    ($($path:literal: $codes:expr, $work:path;)*) => {
        impl<R: Rooms> Endpoint<R> {
            /// All of them.
            const ALL: &'static [Endpoint<R>] =
                &[$(Endpoint { path: $path, codes: $codes, work: |call| Box::pin($work(call)) }),*];
        }
    };
}

/// The endpoint stands outside rest-api.md §4, which lists no codes for it.
const ANY: Option<&'static [i32]> = None;

endpoints! {
    "/chatroom/create.action": Some(&[403, 414, 416, 419, 431, 500]), rooms::create;
    "/chatroom/get.action": Some(&[403, 404, 414, 416, 431, 500]), rooms::get;
    "/chatroom/getBatch.action": Some(&[403, 404, 414, 416, 431, 500]), rooms::get_batch;
    "/chatroom/update.action": Some(&[403, 404, 414, 416, 431, 500, 13002]), rooms::update;
    "/chatroom/toggleCloseStat.action": Some(&[403, 404, 414, 416, 417, 419, 431, 500]), rooms::toggle_close;
    "/chatroom/muteRoom.action": Some(&[403, 414, 416, 431, 500]), rooms::mute;
    "/chatroom/updateInOutNotification.action": Some(&[403, 414, 416, 500]), rooms::switch_in_out;
    "/chatroom/queryUserRoomIds.action": Some(&[403, 414, 416, 431, 500]), rooms::of_creator;
    "/chatroom/requestAddr.action": Some(&[403, 414, 416, 431, 500, 514, 13002]), rooms::addresses;
    "/chatroom/setMemberRole.action": Some(&[403, 404, 414, 416, 417, 419, 431, 500, 13002, 13003, 13004]), members::set_role;
    "/chatroom/temporaryMute.action": Some(&[403, 404, 414, 416, 417, 419, 431, 500, 13002]), members::mute_for_a_time;
    "/chatroom/membersByPage.action": Some(&[403, 414, 416, 431, 500]), members::page;
    "/chatroom/queryMembers.action": Some(&[403, 414, 416, 431, 500]), members::look_up;
    "/chatroom/queryMembersByRole.action": ANY, members::by_role;
    "/chatroom/updateMyRoomRole.action": Some(&[403, 414, 416, 431, 500]), members::update;
    "/chatroom/kickMember.action": ANY, members::kick;
    "/chatroom/updateDelayClosePolicy.action": ANY, rooms::close_later;
    "/chatroom/delete.action": ANY, rooms::delete;
    "/chatroom/addRobot.action": Some(&[403, 414, 416, 417, 419, 431, 500, 13003]), robots::add;
    "/chatroom/removeRobot.action": Some(&[403, 404, 414, 416, 419, 431, 500]), robots::remove;
    "/chatroom/cleanRobot.action": Some(&[403, 414, 416, 500]), robots::clean;
    "/chatroom/tagTemporaryMute.action": Some(&[403, 414, 416, 500]), tags::mute_for_a_time;
    "/chatroom/tagMembersCount.action": Some(&[403, 414, 416, 500]), tags::count;
    "/chatroom/tagMembersQuery.action": Some(&[403, 414, 416, 500]), tags::members;
    "/chatroom/updateChatRoomRoleTag.action": ANY, tags::update;
    "/history/queryChatroomMsg.action": ANY, history::page;
    "/history/queryTagHistoryMsg.action": ANY, history::page_by_tags;
    "/chatroom/recall.action": ANY, history::recall;
    "/chatroom/deleteHistoryMessage.action": ANY, history::delete;
    "/chatroom/sendMsg.action": Some(&[403, 414, 416, 431, 500]), messages::send;
    "/chatroom/batchSendMsg.action": ANY, messages::send_batch;
    "/chatroom/sendMsgToSomeone.action": ANY, messages::send_to_some;
    "/chatroom/batchSendMsgToSomeone.action": ANY, messages::send_batch_to_some;
    "/chatroom/broadcast.action": ANY, messages::broadcast;
    "/stats/chatroom/topn.action": Some(&[403, 414, 416, 431, 500]), stats::top;
    "/chatroom/queueInit.action": ANY, queue::init;
    "/chatroom/queueOffer.action": ANY, queue::offer;
    "/chatroom/queueBatchOffer.action": ANY, queue::offer_batch;
    "/chatroom/queueBatchUpdateElements.action": ANY, queue::change;
    "/chatroom/queueList.action": ANY, queue::list;
    "/chatroom/queueMultiGet.action": ANY, queue::get_some;
    "/chatroom/queuePoll.action": ANY, queue::poll;
    "/chatroom/queueDrop.action": ANY, queue::drop_all;
    "/user/create.action": ANY, accounts::create;
    "/user/update.action": ANY, accounts::update;
    "/user/refreshToken.action": ANY, accounts::refresh_token;
    "/user/block.action": ANY, accounts::block;
    "/user/unblock.action": ANY, accounts::unblock;
    "/user/mute.action": ANY, accounts::mute;
    "/user/muteModule.action": ANY, accounts::mute_modules;
    "/user/getUinfos.action": ANY, accounts::profiles;
    "/user/updateUinfo.action": ANY, accounts::update_profile;
    "/user/userOnlineStatus.action": ANY, accounts::online_status;
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::error::Sub;
    use crate::server::Engine;

    #[test]
    fn every_endpoint_stands_there_once_and_is_found() {
        let paths: Vec<_> = Endpoint::<Engine>::ALL.iter().map(|endpoint| endpoint.path).collect();
        assert_eq!(paths.iter().collect::<HashSet<_>>().len(), paths.len());
        assert_eq!(paths.len(), 53);
        assert!(paths.iter().all(|path| find::<Engine>(path).is_some()));
        assert!(find::<Engine>("/chatroom/create").is_none());
    }

    #[test]
    fn every_endpoint_is_documented() {
        let docs = include_str!("../../docs/http.md");
        for endpoint in Endpoint::<Engine>::ALL {
            let name = endpoint.path.trim_start_matches('/').trim_end_matches(".action");
            assert!(docs.contains(&format!("\n| `{name}` | ")), "docs/http.md lacks {name}");
            assert!(docs.contains(&format!("\ncall {name} ")), "docs/http.md has no call of {name}");
        }
    }

    #[test]
    fn a_code_an_endpoint_lacks_becomes_the_one_that_stands_in_for_it() {
        // S002-004
        let found = |path: &str| find::<Engine>(path).unwrap_or_else(|| panic!("{path} is known"));
        let missing = Status::with_sub(Code::NotFound, Sub::RoomMissing);
        let fitted = found("/chatroom/sendMsg.action").fit(missing.clone());
        assert_eq!((fitted.code, fitted.sub), (Code::BadParameter, Some(Sub::RoomMissing)));
        assert_eq!(found("/chatroom/get.action").fit(missing.clone()).code, Code::NotFound);
        assert_eq!(found("/chatroom/kickMember.action").fit(missing).code, Code::NotFound);
        let refusals = [Code::RoomClosed, Code::AccountMuted, Code::Muted, Code::RoomMuted, Code::Blocklisted];
        for code in refusals {
            assert_eq!(found("/chatroom/sendMsg.action").fit(Status::new(code, "")).code, Code::Forbidden, "{code:?}");
        }
        assert_eq!(found("/chatroom/update.action").fit(Status::new(Code::RoomClosed, "")).code, Code::RoomClosed);
        for code in [Code::Busy, Code::VerifyFailed, Code::AddressRefused, Code::Unavailable] {
            assert_eq!(found("/chatroom/muteRoom.action").fit(Status::new(code, "")).code, code);
        }
    }
}
