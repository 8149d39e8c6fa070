//! Accounts (chatroom.md §a.1, §a.2, §d.1).

/// Bytes of an account id.
pub const ACCOUNT_BYTES_MAX: usize = 32;
/// Characters of an app key and of its secret.
pub const APP_KEY_CHARS_MAX: usize = 64;
/// Bytes of a token at login: dynamic tokens are long.
pub const TOKEN_BYTES_MAX: usize = 4096;
/// Characters of a static token.
pub const STATIC_TOKEN_CHARS_MAX: usize = 128;
/// Characters of an account's `ext`.
pub const ACCOUNT_EXT_CHARS_MAX: usize = 1024;
/// Characters of an account's signature line.
pub const SIGN_CHARS_MAX: usize = 256;
/// Characters of an account's mail address.
pub const EMAIL_CHARS_MAX: usize = 64;
/// Characters of an account's date of birth.
pub const BIRTH_CHARS_MAX: usize = 16;
/// Characters of an account's telephone number.
pub const MOBILE_CHARS_MAX: usize = 32;
/// Characters of `login_ext`.
pub const LOGIN_EXT_CHARS_MAX: usize = 4096;
/// Characters of a device id.
pub const DEVICE_ID_CHARS_MAX: usize = 64;
/// Characters of a custom tag (a login's label).
pub const CUSTOM_TAG_CHARS_MAX: usize = 32;
/// By how much clocks may differ when a dynamic token is checked.
pub const TOKEN_SKEW_MS: i64 = 60_000;
/// Seconds a dynamic token may be made for with which rooms made by clients are entered: 24 days (chatroom.md §d.1, §i).
pub const CLIENT_ROOM_TOKEN_SECONDS_MAX: u64 = 2_073_600;
/// Times of dynamic tokens in the vendor's format, in milliseconds since 1970: those of exactly 13 digits, 2001 to 2286.
pub const TOKEN_TIMES_MS: std::ops::RangeInclusive<i64> = 1_000_000_000_000..=9_999_999_999_999;
/// Digits of a time in milliseconds, of tokens and of webhooks.
pub const TIME_DIGITS: usize = 13;
/// Lives of dynamic tokens in the vendor's format that are expected of an application which lists none, in seconds: minutes, hours, and
/// 1 to 24 days (chatroom.md §d.1).
pub const TOKEN_LIVES_DEFAULT: [u64; 35] = {
    let mut lives = [0; 35];
    let short = [60, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 28_800, 43_200];
    let mut at = 0;
    while at < lives.len() {
        lives[at] = if at < short.len() { short[at] } else { (at - short.len() + 1) as u64 * 86_400 };
        at += 1;
    }
    lives
};
/// Lives an application may list.
pub const TOKEN_LIVES_MAX: usize = 64;
/// The longest life an application may list, in seconds: ten years.
pub const TOKEN_LIFE_SECONDS_MAX: u64 = 315_360_000;
/// Digits of that.
pub const TOKEN_LIFE_DIGITS_MAX: usize = 9;
/// Before this moment no application was made on any server: 2026-11-22, in milliseconds since 1970.
pub const FIRST_APP_MADE_MS: i64 = 1_795_305_600_000;
/// Public keys an application's JWTs may be signed with.
pub const JWT_KEYS_MAX: usize = 32;
/// Bytes of a file of such keys.
pub const JWT_KEYS_BYTES_MAX: usize = 256 * 1024;
/// Bytes of the modulus of an RSA key: 2048 to 8192 bits.
pub const JWT_RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;
/// Seconds before expiry at which a client is told.
pub const TOKEN_WARNING_SECONDS: u32 = 30;
/// Bytes of accounts in memory, unless configured otherwise: some 700,000 of them without a profile, 250,000 with one.
pub const ACCOUNT_CACHE_BYTES: usize = 64 * 1024 * 1024;
/// The least that may be configured.
pub const ACCOUNT_CACHE_BYTES_MIN: u64 = 64 * 1024;
/// Times an account is read for one request while others change it.
pub const ACCOUNT_READS_MAX: usize = 8;
/// Look-ups of accounts that a worker has under way at once; the others wait.
pub const ACCOUNT_LOOKUPS_AT_ONCE: usize = 16;
/// Look-ups of accounts of one worker that may wait; one more is 503.
pub const ACCOUNT_LOOKUPS_WAITING_MAX: usize = 4096;
