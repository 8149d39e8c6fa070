//! The callbacks a host gave with its options.

use std::cell::RefCell;
use std::ffi::c_void;

use super::boundary::Quiet;
use super::event::{chatroom_event_t, chatroom_room_change_t, lend_events};
use super::generated::{
    chatroom_entered_t, chatroom_kicked_t, chatroom_login_t, chatroom_message_t, chatroom_notification_t, lend_kicked,
    lend_login_response, lend_room_enter_response,
};
use super::lend::{Arena, LentMessage, LentNotification};
use super::options::chatroom_options_t;
use super::types::{UserData, chatroom_bytes_t, chatroom_status_t};
use crate::client::{Event, derive};
use crate::wire::pb;

type Plain = Option<unsafe extern "C" fn(*mut c_void)>;

/// Who hears of what happens. Gives the host's pointer back when dropped.
pub(super) struct Listener {
    user_data: UserData,
    /// Who the client is since its last login: what notifications mean depends on it.
    account: RefCell<String>,
    on_state: Option<unsafe extern "C" fn(*mut c_void, i32)>,
    on_logged_in: Option<unsafe extern "C" fn(*mut c_void, *const chatroom_login_t)>,
    on_entered: Option<unsafe extern "C" fn(*mut c_void, *const chatroom_entered_t)>,
    on_left: Option<unsafe extern "C" fn(*mut c_void, i64, *const chatroom_status_t)>,
    on_will_reconnect: Option<unsafe extern "C" fn(*mut c_void, u32, u64)>,
    on_disconnected: Option<unsafe extern "C" fn(*mut c_void, *const chatroom_status_t)>,
    on_message: Option<unsafe extern "C" fn(*mut c_void, *const chatroom_message_t)>,
    on_notification: Option<unsafe extern "C" fn(*mut c_void, *const chatroom_notification_t)>,
    on_gap: Option<unsafe extern "C" fn(*mut c_void, i64, u64, u64)>,
    on_kicked: Option<unsafe extern "C" fn(*mut c_void, *const chatroom_kicked_t)>,
    on_token_will_expire: Option<unsafe extern "C" fn(*mut c_void, u32)>,
    on_closed: Plain,
    on_thread_start: Plain,
    on_thread_stop: Plain,
    on_event: Option<unsafe extern "C" fn(*mut c_void, *const chatroom_event_t)>,
    on_room_state: Option<unsafe extern "C" fn(*mut c_void, *const chatroom_room_change_t)>,
    on_connect_failed: Option<unsafe extern "C" fn(*mut c_void, *const chatroom_status_t, u32, u64)>,
    on_log: Option<unsafe extern "C" fn(*mut c_void, i32, chatroom_bytes_t, chatroom_bytes_t)>,
}

impl Listener {
    pub(super) fn new(user_data: UserData, options: &chatroom_options_t) -> Listener {
        Listener {
            user_data,
            account: RefCell::default(),
            on_state: options.on_state,
            on_logged_in: options.on_logged_in,
            on_entered: options.on_entered,
            on_left: options.on_left,
            on_will_reconnect: options.on_will_reconnect,
            on_disconnected: options.on_disconnected,
            on_message: options.on_message,
            on_notification: options.on_notification,
            on_gap: options.on_gap,
            on_kicked: options.on_kicked,
            on_token_will_expire: options.on_token_will_expire,
            on_closed: options.on_closed,
            on_thread_start: options.on_thread_start,
            on_thread_stop: options.on_thread_stop,
            on_event: options.on_event,
            on_room_state: options.on_room_state,
            on_connect_failed: options.on_connect_failed,
            on_log: options.on_log,
        }
    }

    pub(super) fn closed(&self) {
        self.plain(self.on_closed);
    }

    pub(super) fn thread_start(&self) {
        self.plain(self.on_thread_start);
    }

    pub(super) fn thread_stop(&self) {
        self.plain(self.on_thread_stop);
    }

    fn plain(&self, callback: Plain) {
        if let Some(callback) = callback {
            let _loud = Quiet::new(false);
            // SAFETY: the host gave the callback for this pointer, which it has not got back yet.
            unsafe { callback(self.user_data.get()) }
        }
    }

    /// Tells the host. `Event::Closed` is not told here: it comes last, after the completions.
    pub(super) fn tell(&self, event: Event) {
        let data = self.user_data.get();
        let _loud = Quiet::new(false);
        // SAFETY: the host gave each callback for this pointer, which it has not got back yet; what is lent lives until the
        // callback has returned.
        unsafe {
            match event {
                Event::State(state) => {
                    if let Some(callback) = self.on_state {
                        callback(data, state as i32);
                    }
                }
                Event::LoggedIn { account, connection_id, resumed, server_time_ms } => {
                    self.account.replace(account.clone());
                    if let Some(callback) = self.on_logged_in {
                        let login = pb::LoginResponse { account, connection_id, resumed, server_time_ms, ..Default::default() };
                        callback(data, &lend_login_response(&login));
                    }
                }
                Event::Entered(entered) => {
                    if let Some(callback) = self.on_entered {
                        callback(data, &lend_room_enter_response(&entered, &mut Arena::default()));
                    }
                }
                Event::Left { room_id, status } => {
                    if let Some(callback) = self.on_left {
                        callback(data, room_id, &chatroom_status_t::lend(&status));
                    }
                }
                Event::RoomState(change) => {
                    if let Some(callback) = self.on_room_state {
                        callback(data, &chatroom_room_change_t::lend(&change));
                    }
                }
                Event::ConnectFailed { status, will_retry, delay_ms } => {
                    if let Some(callback) = self.on_connect_failed {
                        callback(data, &chatroom_status_t::lend(&status), will_retry.into(), delay_ms);
                    }
                }
                Event::Log(line) => {
                    if let Some(callback) = self.on_log {
                        let (target, message) = (chatroom_bytes_t::text(line.target), chatroom_bytes_t::text(&line.message));
                        callback(data, line.level as i32, target, message);
                    }
                }
                Event::WillReconnect { retry_count, delay_ms } => {
                    if let Some(callback) = self.on_will_reconnect {
                        callback(data, retry_count, delay_ms);
                    }
                }
                Event::Disconnected(status) => {
                    if let Some(callback) = self.on_disconnected {
                        callback(data, &chatroom_status_t::lend(&status));
                    }
                }
                Event::Message(message) => {
                    if let Some(callback) = self.on_message {
                        let message = LentMessage::new(message);
                        callback(data, LentMessage::lend(&message));
                    }
                }
                Event::Notification(notification) => {
                    if self.on_notification.is_none() && self.on_event.is_none() {
                        return;
                    }
                    let notification = LentNotification::new(*notification);
                    if let Some(callback) = self.on_notification {
                        callback(data, notification.lend());
                    }
                    if let Some(callback) = self.on_event {
                        let events = derive(notification.packet(), &self.account.borrow());
                        lend_events(&events, notification.lend(), |event| callback(data, event));
                    }
                }
                Event::Gap(gap) => {
                    if let Some(callback) = self.on_gap {
                        callback(data, gap.room_id, gap.first_seq, gap.last_seq);
                    }
                }
                Event::Kicked(kicked) => {
                    if let Some(callback) = self.on_kicked {
                        callback(data, &lend_kicked(&kicked));
                    }
                }
                Event::TokenWillExpire(seconds) => {
                    if let Some(callback) = self.on_token_will_expire {
                        callback(data, seconds);
                    }
                }
                Event::Closed => {}
            }
        }
    }
}
