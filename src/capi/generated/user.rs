//! Requests of `proto/chatroom/v1/user.proto`.
//!
//! Made from `proto/` by `tests/c/generate`: change it there, then `CHATROOM_BLESS=1 cargo test --test c generate`.

use super::*;

/// Changes the profile of the own account. Absent fields stay, empty ones are cleared. Names inside rooms stay as they are
/// (im-operations.md §12).
///
/// Completes with 414 for a field out of bounds, 403 for an anonymous session, 406 if nothing would change, 13005 where
/// moderation refuses a text.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_user_update_self(
    client: *const chatroom_client_t,
    edit: *const chatroom_user_edit_t,
    done: chatroom_user_profile_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let part = |response| match response {
        Response::UserUpdateSelf(answer) => answer.user,
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe { chatroom_user_edit_t::read(edit)? };
        shared.ask(request_of(Request::UserUpdateSelf, request), user_data, tell_view(part, done))
    })
}

/// Looks up the profiles of accounts. Accounts that do not exist are left out (im-operations.md §12).
///
/// Completes with 414 for no account or more than 150, 403 for an anonymous session, 404 if none of the accounts exists.
///
/// Arguments:
/// - `accounts`: 1-150 accounts.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_user_lookup(
    client: *const chatroom_client_t,
    accounts: *const *const c_char,
    account_count: usize,
    done: chatroom_user_profiles_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let part = |response| match response {
        Response::UserLookup(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe { pb::UserLookupRequest { accounts: input::texts(accounts, account_count, "accounts")? } };
        shared.ask(request_of(Request::UserLookup, request), user_data, tell_view(part, done))
    })
}
