//! Calls about accounts (rest-api.md §6).

use serde::Serialize;

use super::Rooms;
use super::answer::{self, Answer};
use super::call::Api;
use super::form::Form;
use crate::account::{NewAccount, Secret};
use crate::error::{Code, Status};

/// `/user/create.action`.
pub(super) async fn create<R: Rooms>(api: &Api<R>, app_key: &str, form: &Form) -> Result<Answer, Status> {
    #[derive(Serialize)]
    struct Info<'a> {
        accid: &'a str,
        name: &'a str,
        token: &'a str,
    }
    let new = NewAccount {
        account: form.required("accid")?.to_owned(),
        token: form.text("token").map(Secret::new),
        name: form.owned("name"),
        icon: form.owned("icon"),
        ext: form.owned("ex"),
        sign: form.owned("sign"),
        email: form.owned("email"),
        birth: form.owned("birth"),
        mobile: form.owned("mobile"),
        gender: form.number("gender")?.unwrap_or_default(),
    };
    let (accounts, key) = (api.accounts.clone(), app_key.to_owned());
    // The account is on disk before the answer leaves; the wait is not for the runtime's thread.
    let created = tokio::task::spawn_blocking(move || accounts.create_account(&key, new)).await;
    let account = created.map_err(|_| Status::new(Code::ServerError, "creating the account failed"))??;
    let info = Info { accid: account.id.as_str(), name: &account.name, token: account.token.reveal() };
    Ok(answer::info(&info))
}
