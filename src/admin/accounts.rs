//! Calls about accounts (rest-api.md §6).

use std::collections::BTreeMap;

use serde::Serialize;

use super::Rooms;
use super::answer::{self, Answer};
use super::call::{Call, on_disk};
use super::form::Form;
use crate::account::{Account, NewAccount, Secret, is_longer};
use crate::error::{Code, Status, Sub};
use crate::id::AccountId;
use crate::limits;

/// `/user/create.action`.
pub(super) async fn create<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    #[derive(Serialize)]
    struct Info<'a> {
        accid: &'a str,
        name: &'a str,
        token: &'a str,
    }
    let form = &call.form;
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
    let (accounts, key) = (call.api.accounts.clone(), call.app_key.to_owned());
    let account = on_disk(move || accounts.create_account(&key, new)).await?;
    let info = Info { accid: account.id.as_str(), name: &account.name, token: account.token.reveal() };
    Ok(answer::info(&info))
}

/// `/user/update.action`: the token, the profile, or both; nothing is missing and changes nothing.
pub(super) async fn update<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (token, profile) = (call.form.text("token").map(Secret::new), Profile::given(&call.form)?);
    change(call, move |account| {
        if let Some(token) = token {
            account.token = token;
        }
        profile.put_into(account);
        Ok(())
    })
    .await?;
    Ok(answer::done())
}

/// `/user/refreshToken.action`.
pub(super) async fn refresh_token<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    #[derive(Serialize)]
    struct Info<'a> {
        accid: &'a str,
        token: &'a str,
    }
    let token = Secret::random()?;
    let account = change(call, |account| {
        account.token = token;
        Ok(())
    })
    .await?;
    Ok(answer::info(&Info { accid: account.id.as_str(), token: account.token.reveal() }))
}

/// `/user/block.action`. With `needkick` the account's connections are closed.
pub(super) async fn block<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (is_kick, ext) = (call.form.flag("needkick")?.unwrap_or(false), call.form.owned("kickNotifyExt"));
    if is_longer(&ext, limits::NOTIFY_EXT_CHARS_MAX) {
        return Err(Status::bad_parameter(format!("kickNotifyExt must not exceed {}", limits::NOTIFY_EXT_CHARS_MAX)));
    }
    let account = change(call, |account| match std::mem::replace(&mut account.blocked, true) {
        true => Err(Status::new(Code::Forbidden, "the account is blocked already")),
        false => Ok(()),
    })
    .await?;
    if is_kick {
        call.api.rooms.put_out(call.app_key, &account.id, &ext).await;
    }
    Ok(answer::done())
}

/// `/user/unblock.action`.
pub(super) async fn unblock<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    change(call, |account| {
        account.blocked = false;
        Ok(())
    })
    .await?;
    Ok(answer::done())
}

/// `/user/mute.action`.
pub(super) async fn mute<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let muted = call.form.required_flag("mute")?;
    let account = change(call, move |account| {
        account.muted = muted;
        Ok(())
    })
    .await?;
    call.api.rooms.set_muted(call.app_key, &account.id, account.is_muted_in_rooms()).await;
    Ok(answer::done())
}

/// `/user/muteModule.action`. A flag that is missing stays; the answer has all of them.
pub(super) async fn mute_modules<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    #[derive(Serialize)]
    struct Modules {
        #[serde(rename = "muteP2P")]
        peers: bool,
        #[serde(rename = "muteTeam")]
        teams: bool,
        #[serde(rename = "muteRoom")]
        rooms: bool,
        #[serde(rename = "muteQChat")]
        circles: bool,
    }
    let flag = |name| call.form.flag(name);
    let flags = [flag("muteP2P")?, flag("muteTeam")?, flag("muteRoom")?, flag("muteQChat")?];
    let account = change(call, move |account| {
        let muted = &mut account.muted_in;
        let fields = [&mut muted.peers, &mut muted.teams, &mut muted.rooms, &mut muted.circles];
        fields.into_iter().zip(flags).for_each(|(field, flag)| *field = flag.unwrap_or(*field));
        Ok(())
    })
    .await?;
    call.api.rooms.set_muted(call.app_key, &account.id, account.is_muted_in_rooms()).await;
    let muted = &account.muted_in;
    let modules = Modules { peers: muted.peers, teams: muted.teams, rooms: muted.rooms, circles: muted.circles };
    Ok(answer::success("data", &modules))
}

/// `/user/getUinfos.action`. Names that are no accounts are left out; 414 where none is one.
pub(super) async fn profiles<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    #[derive(Serialize)]
    struct Shown<'a> {
        accid: &'a str,
        name: &'a str,
        icon: &'a str,
        sign: &'a str,
        email: &'a str,
        birth: &'a str,
        mobile: &'a str,
        gender: u32,
        ex: &'a str,
        valid: bool,
        mute: bool,
    }
    let ids = call.form.accounts("accids", limits::HTTP_ACCOUNTS_MAX)?;
    let (directory, key, names) = (call.api.accounts.clone(), call.app_key.to_owned(), ids.clone());
    let accounts: Vec<Option<Account>> = on_disk(move || names.iter().map(|id| directory.profile(&key, id)).collect()).await?;
    let accounts: Vec<Account> = accounts.into_iter().flatten().collect();
    if accounts.is_empty() {
        return Err(not_registered(ids.first().map_or("", AccountId::as_str)));
    }
    let profiles = accounts.iter().map(|account| Shown {
        accid: account.id.as_str(),
        name: &account.name,
        icon: &account.icon,
        sign: &account.sign,
        email: &account.email,
        birth: &account.birth,
        mobile: &account.mobile,
        gender: account.gender,
        ex: &account.ext,
        valid: !account.blocked,
        mute: account.muted,
    });
    Ok(answer::success("uinfos", &profiles.collect::<Vec<_>>()))
}

/// `/user/updateUinfo.action`. Who has logged in already shows what it showed until it logs in again.
pub(super) async fn update_profile<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let profile = Profile::given(&call.form)?;
    if profile == Profile::default() {
        return Err(Status::bad_parameter("name, icon, sign, email, birth, mobile, gender or ex must be given"));
    }
    change(call, move |account| {
        profile.put_into(account);
        Ok(())
    })
    .await?;
    Ok(answer::done())
}

/// The fields of a profile that a call gives; an empty one counts as missing.
#[derive(Default, PartialEq)]
struct Profile {
    texts: [Option<String>; 7],
    gender: Option<u32>,
}

impl Profile {
    fn given(form: &Form) -> Result<Profile, Status> {
        let text = |name| form.text(name).map(str::to_owned);
        let texts = ["name", "icon", "sign", "email", "birth", "mobile", "ex"].map(text);
        Ok(Profile { texts, gender: form.number("gender")? })
    }

    fn put_into(self, account: &mut Account) {
        let Account { name, icon, sign, email, birth, mobile, ext, .. } = account;
        for (field, text) in [name, icon, sign, email, birth, mobile, ext].into_iter().zip(self.texts) {
            if let Some(text) = text {
                *field = text;
            }
        }
        account.gender = self.gender.unwrap_or(account.gender);
    }
}

/// `/user/userOnlineStatus.action`. An account that has not logged in anywhere has no entry in `status`.
pub(super) async fn online_status<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Login {
        client_type: u32,
        login_time: i64,
    }
    #[derive(Default, Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Online {
        invalid_accids: Vec<String>,
        status: BTreeMap<String, Vec<Login>>,
    }
    let ids = call.form.accounts("accids", limits::HTTP_ACCOUNTS_MAX)?;
    let known = call.accounts(&ids).await?;
    let (known, unknown): (Vec<_>, Vec<_>) = ids.into_iter().zip(known).partition(|(_, account)| account.is_some());
    let known: Vec<AccountId> = known.into_iter().map(|(id, _)| id).collect();
    let mut online = Online { invalid_accids: unknown.iter().map(|(id, _)| id.to_string()).collect(), ..Online::default() };
    let sessions = call.api.rooms.sessions(call.app_key, &known).await?;
    for (id, sessions) in known.iter().zip(sessions) {
        let login = |session: &crate::server::Session| Login {
            client_type: session.client_type.into(),
            login_time: i64::from(session.since_seconds) * 1000,
        };
        if !sessions.is_empty() {
            online.status.insert(id.to_string(), sessions.iter().map(login).collect());
        }
    }
    Ok(answer::success("data", &online))
}

/// Changes the account a call names; it is on disk when this returns.
async fn change<R: Rooms>(
    call: &Call<'_, R>,
    change: impl FnOnce(&mut Account) -> Result<(), Status> + Send + 'static,
) -> Result<Account, Status> {
    let id: AccountId = call.form.account("accid")?;
    let (accounts, key) = (call.api.accounts.clone(), call.app_key.to_owned());
    let changed = on_disk(move || accounts.change_account(&key, &id, change)).await;
    changed.map_err(|status| match status.sub {
        Some(Sub::AccountMissing) => not_registered(call.form.text("accid").unwrap_or_default()),
        _ => status,
    })
}

/// The refusal of a name that is no account.
fn not_registered(name: &str) -> Status {
    Status::bad_parameter(format!("{name} not register")).refined(Sub::AccountMissing)
}
