//! The callbacks a host gave with its options.

use std::cell::RefCell;
use std::ffi::c_void;

use super::boundary::Quiet;
use super::event::{chatroom_room_change_t, lend_events};
use super::generated::{lend_kicked, lend_login_response, lend_room_enter_response};
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
    /// Of the options only the callbacks: what else is in them was copied when they were read.
    host: chatroom_options_t,
}

// SAFETY: of the options only the callbacks are used, which the header has the host promise may be called on another thread.
unsafe impl Send for Listener {}

impl Listener {
    pub(super) fn new(user_data: UserData, host: chatroom_options_t) -> Listener {
        Listener { user_data, account: RefCell::default(), host }
    }

    pub(super) fn closed(&self) {
        self.plain(self.host.on_closed);
    }

    pub(super) fn thread_start(&self) {
        self.plain(self.host.on_thread_start);
    }

    pub(super) fn thread_stop(&self) {
        self.plain(self.host.on_thread_stop);
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
                    if let Some(callback) = self.host.on_state {
                        callback(data, state as i32);
                    }
                }
                Event::LoggedIn { account, connection_id, resumed, server_time_ms } => {
                    self.account.replace(account.clone());
                    if let Some(callback) = self.host.on_logged_in {
                        let login = pb::LoginResponse { account, connection_id, resumed, server_time_ms, ..Default::default() };
                        callback(data, &lend_login_response(&login));
                    }
                }
                Event::Entered(entered) => {
                    if let Some(callback) = self.host.on_entered {
                        callback(data, &lend_room_enter_response(&entered, &mut Arena::default()));
                    }
                }
                Event::Left { room_id, status } => {
                    if let Some(callback) = self.host.on_left {
                        callback(data, room_id, &chatroom_status_t::lend(&status));
                    }
                }
                Event::RoomState(change) => {
                    if let Some(callback) = self.host.on_room_state {
                        callback(data, &chatroom_room_change_t::lend(&change));
                    }
                }
                Event::ConnectFailed { status, will_retry, delay_ms } => {
                    if let Some(callback) = self.host.on_connect_failed {
                        callback(data, &chatroom_status_t::lend(&status), will_retry.into(), delay_ms);
                    }
                }
                Event::Log(line) => {
                    if let Some(callback) = self.host.on_log {
                        let (target, message) = (chatroom_bytes_t::text(line.target), chatroom_bytes_t::text(&line.message));
                        callback(data, line.level as i32, target, message);
                    }
                }
                Event::WillReconnect { retry_count, delay_ms } => {
                    if let Some(callback) = self.host.on_will_reconnect {
                        callback(data, retry_count, delay_ms);
                    }
                }
                Event::Disconnected(status) => {
                    if let Some(callback) = self.host.on_disconnected {
                        callback(data, &chatroom_status_t::lend(&status));
                    }
                }
                Event::Message(message) => {
                    if let Some(callback) = self.host.on_message {
                        let message = LentMessage::new(message);
                        callback(data, LentMessage::lend(&message));
                    }
                }
                Event::Notification(notification) => {
                    if self.host.on_notification.is_none() && self.host.on_event.is_none() {
                        return;
                    }
                    let notification = LentNotification::new(*notification);
                    if let Some(callback) = self.host.on_notification {
                        callback(data, notification.lend());
                    }
                    if let Some(callback) = self.host.on_event {
                        let events = derive(notification.packet(), &self.account.borrow());
                        lend_events(&events, notification.lend(), |event| callback(data, event));
                    }
                }
                Event::Gap(gap) => {
                    if let Some(callback) = self.host.on_gap {
                        callback(data, gap.room_id, gap.first_seq, gap.last_seq);
                    }
                }
                Event::Kicked(kicked) => {
                    if let Some(callback) = self.host.on_kicked {
                        callback(data, &lend_kicked(&kicked));
                    }
                }
                Event::TokenWillExpire(seconds) => {
                    if let Some(callback) = self.host.on_token_will_expire {
                        callback(data, seconds);
                    }
                }
                Event::Closed => {}
            }
        }
    }
}
