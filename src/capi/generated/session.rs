//! Requests of `proto/chatroom/v1/session.proto`.
//!
//! Made from `proto/` by `tests/c/generate`: change it there, then `CHATROOM_BLESS=1 cargo test --test c generate`.

use super::*;

/// Gives the session a new token, which also serves the logins after lost connections.
///
/// Arguments:
/// - `token`: the new token.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_renew_token(
    client: *const chatroom_client_t,
    token: *const c_char,
    done: chatroom_done_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe { pb::RenewTokenRequest { token: input::required(token, "token")? } };
        shared.ask(request_of(Request::RenewToken, request), user_data, tell_done(done))
    })
}

/// Closes the account's other connections from these devices, from all where none is named.
///
/// Arguments:
/// - `device_ids`: their ids; none: all others.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_kick_devices(
    client: *const chatroom_client_t,
    device_ids: *const *const c_char,
    device_id_count: usize,
    done: chatroom_done_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request =
            unsafe { pb::KickDevicesRequest { device_ids: input::texts(device_ids, device_id_count, "device_ids")? } };
        shared.ask(request_of(Request::KickDevices, request), user_data, tell_done(done))
    })
}
