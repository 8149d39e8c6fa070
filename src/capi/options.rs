//! Who connects, where to, and who hears of it.

use std::ffi::{c_char, c_void};
use std::mem::offset_of;

use super::boundary::Error;
use super::event::{chatroom_event_t, chatroom_room_change_t};
use super::generated::{
    chatroom_enter_t, chatroom_entered_t, chatroom_kicked_t, chatroom_login_t, chatroom_message_t, chatroom_notification_t,
};
use super::input::{self, Growing};
use super::listener::Listener;
use super::types::{UserData, chatroom_bytes_t, chatroom_destructor_fn, chatroom_status_t};
use crate::client::{ClientOptions, LogLevel, Trust, parse_address};
use crate::error::Code;
use crate::limits;
use crate::wire::pb;

/// How a client connects, who it is, and who hears of it. Set `struct_size` to its size and the rest to 0 before filling it in:
/// 0 in any field means its default.
///
/// Texts are UTF-8 and NUL-terminated; they are copied before the call returns. Fields may be added at the end; none is ever
/// moved or used for something else.
///
/// Each callback gets `user_data` first. They are called one at a time, in order, on the client's callback thread, or within
/// chatroom_client_dispatch if `host_pumped` is set; never on a thread that does the client's work. What they are lent is valid
/// until they return. They must return: no longjmp, no exception. Any of them may be NULL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct chatroom_options_t {
    /// `sizeof(chatroom_options_t)`. Whatever it says, the fields up to `destructor` must be there.
    pub struct_size: usize,
    /// Server address: `host:port`, or `tls://host:port` if the server speaks TLS. Several are separated by commas and tried in
    /// parallel. Must be set.
    pub addresses: *const c_char,
    /// The app. Must be set.
    pub app_key: *const c_char,
    /// The account; NULL only for an anonymous login.
    pub account: *const c_char,
    /// What proves it.
    pub token: *const c_char,
    /// What the app's callback is told at login.
    pub login_ext: *const c_char,
    /// The login's label.
    pub custom_tag: *const c_char,
    /// Names this device for good; by default one is made up for the life of the client.
    pub device_id: *const c_char,
    /// The room to enter with each login, or NULL.
    pub enter: *const chatroom_enter_t,
    /// A `chatroom_auth_type`.
    pub auth_type: i32,
    /// 1: log in without an account of one's own.
    pub anonymous: u32,
    /// 1 Android, 2 iOS, 4 PC (the default), 16 Web, 64 Mac, 65 HarmonyOS.
    pub client_type: u32,
    /// Refines the client type.
    pub custom_client_type: u32,
    /// How many reconnects may fail in a row before the client gives up; 0: never.
    pub reconnect_attempts_max: u32,
    /// Time for the transport to one address, in milliseconds; 0: 8000.
    pub connect_timeout_ms: u32,
    /// Time for an answer, in milliseconds; 0: 8000.
    pub response_timeout_ms: u32,
    /// 1: no callback thread; the host calls chatroom_client_dispatch.
    pub host_pumped: u32,
    /// Handed to each callback below.
    pub user_data: *mut c_void,
    /// Gives `user_data` back, once, after the last use: also when the call that got these options fails.
    pub destructor: chatroom_destructor_fn,
    /// The client stands elsewhere than before: a `chatroom_state`.
    pub on_state: Option<unsafe extern "C" fn(user_data: *mut c_void, state: i32)>,
    /// A login was accepted, the first one or one after a lost connection.
    pub on_logged_in: Option<unsafe extern "C" fn(user_data: *mut c_void, login: *const chatroom_login_t)>,
    /// The client is in a room without a request for it: by its login, or again after a lost connection.
    pub on_entered: Option<unsafe extern "C" fn(user_data: *mut c_void, entered: *const chatroom_entered_t)>,
    /// The client could not come back into a room after a lost connection.
    pub on_left: Option<unsafe extern "C" fn(user_data: *mut c_void, room_id: i64, status: *const chatroom_status_t)>,
    /// The connection is lost, and will be tried again after `delay_ms`. The moment to give a fresh token.
    pub on_will_reconnect: Option<unsafe extern "C" fn(user_data: *mut c_void, retry_count: u32, delay_ms: u64)>,
    /// The connection is over, and no reconnect follows.
    pub on_disconnected: Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t)>,
    /// A message.
    pub on_message: Option<unsafe extern "C" fn(user_data: *mut c_void, message: *const chatroom_message_t)>,
    /// Something happened in a room.
    pub on_notification: Option<unsafe extern "C" fn(user_data: *mut c_void, notification: *const chatroom_notification_t)>,
    /// Items of a room were left out because this client was too slow; the history has them.
    pub on_gap: Option<unsafe extern "C" fn(user_data: *mut c_void, room_id: i64, first_seq: u64, last_seq: u64)>,
    /// The server took the client out of a room, or off.
    pub on_kicked: Option<unsafe extern "C" fn(user_data: *mut c_void, kicked: *const chatroom_kicked_t)>,
    /// The token expires in so many seconds: renew it.
    pub on_token_will_expire: Option<unsafe extern "C" fn(user_data: *mut c_void, seconds: u32)>,
    /// The client is closed. Nothing is called after this but `on_thread_stop` and `destructor`.
    pub on_closed: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    /// The callback thread begins: the moment to attach it to a virtual machine. Not called if `host_pumped` is set.
    pub on_thread_start: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    /// The callback thread ends.
    pub on_thread_stop: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    /// What a notification means to this account; comes after `on_notification`, once for each thing that follows from it.
    pub on_event: Option<unsafe extern "C" fn(user_data: *mut c_void, event: *const chatroom_event_t)>,
    /// A room made by a client stands elsewhere than before.
    pub on_room_state: Option<unsafe extern "C" fn(user_data: *mut c_void, change: *const chatroom_room_change_t)>,
    /// The name of a PEM file: at `tls://` addresses certificates are good that those in it vouch for, and no others. NULL: those
    /// the system trusts, or, where it says nothing, Mozilla. Read at the first such connection.
    pub ca_file: *const c_char,
    /// An attempt to get in has failed, or the connection that stood is lost and will be tried again; `status` says why, and its
    /// words name each address that was tried: 415 where no server is reached, 408 where it does not answer, 509 where something
    /// else does, 414 where a file cannot be read, or how the server refused the login. `will_retry` is 1 if another attempt
    /// follows after `delay_ms`; else on_disconnected comes next.
    pub on_connect_failed:
        Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, will_retry: u32, delay_ms: u64)>,
    /// A line of the log: a `chatroom_log_level`, the part of the library that says it, and words that may change with any version.
    /// Tokens and what is said in rooms are never in it. NULL, the default, makes none.
    pub on_log:
        Option<unsafe extern "C" fn(user_data: *mut c_void, level: i32, target: chatroom_bytes_t, message: chatroom_bytes_t)>,
    /// With `on_log`: the least that is told, a `chatroom_log_level`; 0: 3, info.
    pub log_level: u32,
    /// Time a send may take in all, lost connections included, in milliseconds; 0: 60000, which is also the most. Then it completes
    /// with 408, and the library never sends it again.
    pub send_timeout_ms: u32,
}

// SAFETY: repr(C), led by a usize; integers, pointers and nullable function pointers only.
unsafe impl Growing for chatroom_options_t {}

/// Takes ownership of what the options carry, then reads them. The listener is there as soon as there are options at all, so
/// that its destructor runs however the call ends.
///
/// # Safety
/// `theirs` is NULL or a struct as its documentation has it.
pub(super) unsafe fn adopt(theirs: *const chatroom_options_t) -> (Option<Listener>, Result<(ClientOptions, bool), Error>) {
    // SAFETY: the caller promises the struct, which has the header's promise of `struct_size`.
    let (ours, mut sound) = unsafe { input::growing(theirs, "options") };
    let mut ours = match (ours, theirs.is_null()) {
        (Some(ours), _) => ours,
        (None, true) => return (None, sound.and_then(|()| Err(Error::null("options")))),
        // SAFETY: zero is a value of every growing struct.
        (None, false) => unsafe { std::mem::zeroed() },
    };
    let least = offset_of!(chatroom_options_t, destructor) + size_of::<chatroom_destructor_fn>();
    // SAFETY: the header has the caller promise that the fields up to `destructor` are there whatever `struct_size` says.
    let (size, user_data, destructor) = unsafe {
        let size = theirs.cast::<usize>().read_unaligned();
        (size, (&raw const (*theirs).user_data).read_unaligned(), (&raw const (*theirs).destructor).read_unaligned())
    };
    (ours.user_data, ours.destructor) = (user_data, destructor);
    if size < least {
        sound = Err(Error::new(Code::BadParameter, "struct_size of options must be the size of the struct"));
    }
    let listener = Listener::new(UserData::adopt(ours.user_data, ours.destructor), ours);
    // SAFETY: the caller promises each text of the struct.
    let read = sound.and_then(|()| unsafe { read(&ours) });
    (Some(listener), read.map(|options| (options, ours.host_pumped != 0)))
}

/// # Safety
/// Each text is NULL or NUL-terminated, and `enter` NULL or as its documentation has it.
unsafe fn read(ours: &chatroom_options_t) -> Result<ClientOptions, Error> {
    let bad = |detail: &str| Error::new(Code::BadParameter, detail);
    let default = ClientOptions::default();
    let or = |given: u32, default: u64| if given == 0 { default } else { given.into() };
    // SAFETY: the caller promises each of them.
    let text = |text: *const c_char, name: &str| unsafe { input::text(text, name) };
    // SAFETY: as above.
    let addresses = unsafe { input::required(ours.addresses, "addresses") }?;
    let addresses: Vec<String> = addresses.split(',').map(|address| address.trim().to_owned()).collect();
    if !addresses.iter().all(|address| parse_address(address).is_some()) {
        return Err(bad("addresses must be host:port or tls://host:port, with commas between several"));
    }
    let account = text(ours.account, "account")?;
    if account.is_empty() && ours.anonymous == 0 {
        return Err(bad("account must be set unless anonymous is"));
    }
    if u64::from(ours.send_timeout_ms) > limits::SEND_TIMEOUT_MS {
        return Err(bad("send_timeout_ms is at most 60000: the server's memory of message ids reaches no further"));
    }
    let level = match ours.log_level {
        0 | 3 => LogLevel::Info,
        1 => LogLevel::Error,
        2 => LogLevel::Warn,
        4 => LogLevel::Debug,
        _ => return Err(bad("log_level is none of chatroom_log_level")),
    };
    let ca_file = text(ours.ca_file, "ca_file")?;
    Ok(ClientOptions {
        addresses,
        trust: if ca_file.is_empty() { Trust::System } else { Trust::File(ca_file.into()) },
        // SAFETY: as above.
        app_key: unsafe { input::required(ours.app_key, "app_key") }?,
        account,
        token: text(ours.token, "token")?,
        auth_type: pb::AuthType::try_from(ours.auth_type).map_err(|_| bad("auth_type is none of chatroom_auth_type"))?,
        login_ext: text(ours.login_ext, "login_ext")?,
        anonymous: ours.anonymous != 0,
        client_type: if ours.client_type == 0 { default.client_type } else { ours.client_type },
        custom_client_type: ours.custom_client_type,
        custom_tag: text(ours.custom_tag, "custom_tag")?,
        device_id: text(ours.device_id, "device_id")?,
        // SAFETY: as above.
        enter: if ours.enter.is_null() { None } else { Some(unsafe { chatroom_enter_t::read(ours.enter) }?) },
        reconnect_attempts_max: (ours.reconnect_attempts_max != 0).then_some(ours.reconnect_attempts_max),
        connect_timeout_ms: or(ours.connect_timeout_ms, default.connect_timeout_ms),
        response_timeout_ms: or(ours.response_timeout_ms, default.response_timeout_ms),
        send_timeout_ms: or(ours.send_timeout_ms, default.send_timeout_ms),
        log: ours.on_log.map(|_| level),
        ..default
    })
}
