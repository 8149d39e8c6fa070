//! Every endpoint of rest-api.md §4-§6, those not offered yet included: they answer 514 where an unknown path answers 404.

/// What an endpoint does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Work {
    /// §6 /user/create.action.
    UserCreate,
    /// §4.1.
    RoomCreate,
    /// §4.2.
    RoomGet,
    /// Known, and answered 514.
    NotOffered,
}

/// The endpoint with this path below the base.
pub(super) fn find(path: &str) -> Option<(&'static str, Work)> {
    let offered = OFFERED.iter().find(|(known, _)| *known == path).copied();
    offered.or_else(|| NOT_OFFERED.iter().find(|known| **known == path).map(|known| (*known, Work::NotOffered)))
}

/// Endpoints that work.
const OFFERED: [(&str, Work); 3] = [
    ("/user/create.action", Work::UserCreate),
    ("/chatroom/create.action", Work::RoomCreate),
    ("/chatroom/get.action", Work::RoomGet),
];

/// Endpoints that are known.
const NOT_OFFERED: [&str; 50] = [
    "/chatroom/getBatch.action",
    "/chatroom/update.action",
    "/chatroom/toggleCloseStat.action",
    "/chatroom/setMemberRole.action",
    "/chatroom/requestAddr.action",
    "/chatroom/sendMsg.action",
    "/chatroom/addRobot.action",
    "/chatroom/removeRobot.action",
    "/chatroom/cleanRobot.action",
    "/chatroom/temporaryMute.action",
    "/chatroom/muteRoom.action",
    "/stats/chatroom/topn.action",
    "/chatroom/membersByPage.action",
    "/chatroom/queryMembers.action",
    "/chatroom/updateMyRoomRole.action",
    "/chatroom/queryUserRoomIds.action",
    "/chatroom/updateInOutNotification.action",
    "/chatroom/tagTemporaryMute.action",
    "/chatroom/tagMembersCount.action",
    "/chatroom/tagMembersQuery.action",
    "/chatroom/kickMember.action",
    "/chatroom/updateDelayClosePolicy.action",
    "/chatroom/queryMembersByRole.action",
    "/chatroom/updateChatRoomRoleTag.action",
    "/history/queryTagHistoryMsg.action",
    "/history/queryChatroomMsg.action",
    "/chatroom/deleteHistoryMessage.action",
    "/chatroom/recall.action",
    "/chatroom/batchSendMsg.action",
    "/chatroom/sendMsgToSomeone.action",
    "/chatroom/batchSendMsgToSomeone.action",
    "/chatroom/broadcast.action",
    "/chatroom/queueInit.action",
    "/chatroom/queueOffer.action",
    "/chatroom/queueBatchOffer.action",
    "/chatroom/queueBatchUpdateElements.action",
    "/chatroom/queueList.action",
    "/chatroom/queueMultiGet.action",
    "/chatroom/queuePoll.action",
    "/chatroom/queueDrop.action",
    "/chatroom/delete.action",
    "/user/update.action",
    "/user/refreshToken.action",
    "/user/block.action",
    "/user/unblock.action",
    "/user/mute.action",
    "/user/muteModule.action",
    "/user/getUinfos.action",
    "/user/updateUinfo.action",
    "/user/userOnlineStatus.action",
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_endpoint_stands_there_once_and_is_found() {
        let paths: Vec<_> = OFFERED.iter().map(|(path, _)| *path).chain(NOT_OFFERED).collect();
        assert_eq!(paths.iter().collect::<HashSet<_>>().len(), paths.len());
        assert!(paths.iter().all(|path| find(path).is_some_and(|(found, _)| found == *path)));
        assert_eq!(find("/chatroom/create"), None);
    }
}
