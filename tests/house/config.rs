//! Where configuration comes from, what it refuses, and that docs/configuration.md tells the truth about it.

use std::collections::HashMap;
use std::path::PathBuf;

use chatroom::account::Secret;
use chatroom::config::{AppConfig, Config, ConfigError, Durability, LogFormat, LogLevel};
use chatroom::limits;
use chatroom::room::{MultiClient, Settings};

const DOCS: &str = include_str!("../../docs/configuration.md");

/// Loads with these flags, this environment and, if there is one, this file.
fn load(flags: &[&str], environment: &[(&str, &str)], file: Option<&str>) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let mut args = vec!["chatroomd".to_owned()];
    if let Some(text) = file {
        let path = folder.path().join("chatroomd.toml");
        std::fs::write(&path, text).unwrap();
        args.extend(["--config".to_owned(), path.display().to_string()]);
    }
    args.extend(flags.iter().map(|flag| (*flag).to_owned()));
    let environment: HashMap<_, _> = environment.iter().copied().collect();
    Config::load_with(args, |name| environment.get(name).map(|value| (*value).to_owned()))
}

fn refusal(flags: &[&str], environment: &[(&str, &str)], file: Option<&str>) -> String {
    load(flags, environment, file).unwrap_err().to_string()
}

fn app(key: &str, secret: &str) -> AppConfig {
    AppConfig::new(key, Secret::new(secret))
}

#[test]
fn told_nothing_it_is_the_default_and_the_default_is_loopback_only() {
    let config = load(&[], &[], None).unwrap();
    assert_eq!(config, Config::default());
    assert!(config.listen.ip().is_loopback() && config.admin.ip().is_loopback());
    assert_eq!((config.listen.port(), config.admin.port()), (7400, 7480));
    assert_eq!(config.limits.room_intake_per_second, limits::ROOM_INTAKE_PER_SECOND);
}

#[test]
fn the_documented_file_is_whole_and_holds_the_defaults() {
    let example = DOCS.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert_eq!(load(&[], &[], Some(example)).unwrap(), Config::default());
    for (key, default) in Config::keys() {
        let name = key.rsplit('.').next().unwrap();
        assert!(example.lines().any(|line| line == format!("{name} = {default}")), "the example lacks {key} = {default}");
    }
    let uncommented: String = example.lines().map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or(line))).collect();
    let apps = uncommented.split("[[apps]]").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap();
    assert_eq!(load(&[], &[], Some(&format!("[[apps]]{apps}"))).unwrap().apps.len(), 1);
}

#[test]
fn every_key_is_documented_with_its_default() {
    for (key, default) in Config::keys() {
        assert!(DOCS.contains(&format!("\n| `{key}` | `{default}` | ")), "docs/configuration.md lacks {key} = {default}");
    }
    let known: Vec<_> = Config::keys().into_iter().map(|(key, _)| key).collect();
    let of_apps =
        "key secret disabled anonymous http_allowed vendor_tokens token_ttls tokens_since jwt_keys login_callback send_callback send_callback_fail webhook".split(' ');
    let of_apps: Vec<_> = of_apps.collect();
    let policies = ["coexist", "single", "one_desktop_one_mobile", "same_type", "custom(16>4,4>16)"];
    assert!(policies.iter().all(|policy| load(&["--set", &format!("rooms.multi_client={policy}")], &[], None).is_ok()));
    for line in DOCS.lines().filter_map(|line| line.strip_prefix("| `")) {
        let key = line.split('`').next().unwrap();
        assert!(
            known.iter().any(|known| known == key) || of_apps.contains(&key) || policies.contains(&key),
            "docs/configuration.md names {key}, which is no key"
        );
    }
    for key in of_apps {
        assert!(DOCS.contains(&format!("\n| `{key}` | ")), "docs/configuration.md lacks {key} of [[apps]]");
    }
}

#[test]
fn every_key_can_be_set_in_the_environment_and_by_a_flag() {
    for (key, default) in Config::keys() {
        let value = default.trim_matches('"');
        let variable = format!("CHATROOMD_{}", key.replace('.', "_").to_uppercase());
        assert_eq!(load(&[], &[(&variable, value)], None).unwrap(), Config::default(), "{variable}");
        assert_eq!(load(&["--set", &format!("{key}={value}")], &[], None).unwrap(), Config::default(), "{key}");
        assert!(load(&[], &[(&variable, "no such value")], None).is_err() || key == "data", "{variable}");
    }
}

#[test]
fn the_time_zone_of_days_is_utc_or_an_offset() {
    for zone in ["UTC", "+08:00", "-03:30", "+14:00"] {
        let config = load(&["--set", &format!("stats.time_zone={zone}")], &[], None).unwrap();
        assert_eq!(String::from(config.stats.time_zone), zone);
        assert_eq!(load(&[], &[], Some(&format!("[stats]\ntime_zone = \"{zone}\""))).unwrap(), config);
    }
    for zone in ["+08:10", "+14:15", "Europe/Berlin", "8"] {
        let refusal = refusal(&["--set", &format!("stats.time_zone={zone}")], &[], None);
        assert!(refusal.contains("stats.time_zone") && refusal.contains(zone), "{refusal}");
    }
}

#[test]
fn flags_win_over_the_environment_and_the_environment_over_the_file() {
    let file = "listen = \"127.0.0.1:1\"\nadmin = \"127.0.0.1:1\"\nworkers = 1\n[log]\nlevel = \"debug\"";
    let environment = [("CHATROOMD_ADMIN", "127.0.0.1:2"), ("CHATROOMD_WORKERS", "2"), ("CHATROOMD_LOG_FORMAT", "json")];
    let config = load(&["--workers", "3"], &environment, Some(file)).unwrap();
    assert_eq!((config.listen.port(), config.admin.port(), config.workers), (1, 2, 3));
    assert_eq!((config.log.level, config.log.format), (LogLevel::Debug, LogFormat::Json));
}

#[test]
fn the_flags_of_the_contract_are_understood() {
    let flags = ["--listen", "127.0.0.1:0", "--admin", "[::1]:0", "--data", "/tmp/rooms", "--app", "a:b:c", "--app", "d:e"];
    let config = load(&flags, &[], None).unwrap();
    assert_eq!((config.listen.port(), config.admin.to_string()), (0, "[::1]:0".to_owned()));
    assert_eq!((config.data, config.memory), (PathBuf::from("/tmp/rooms"), false));
    assert_eq!(config.apps, [app("a", "b:c"), app("d", "e")]);
    assert!(load(&["--memory"], &[], None).unwrap().memory);
    assert!(load(&["--check-config"], &[], None).unwrap().check_only);
    assert!(matches!(load(&["--memory", "--data", "x"], &[], None), Err(ConfigError::Usage(_))));
    assert!(matches!(load(&["--help"], &[], None), Err(ConfigError::Usage(error)) if error.exit_code() == 0));
}

#[test]
fn help_lists_every_flag_with_words() {
    let Err(ConfigError::Usage(help)) = load(&["--help"], &[], None) else { panic!("help is not an error of usage") };
    let help = help.to_string();
    for flag in [
        "--config",
        "--listen",
        "--admin",
        "--data",
        "--memory",
        "--app",
        "--workers",
        "--durability",
        "--check-config",
        "--set",
    ] {
        assert!(help.contains(flag), "{flag}");
    }
    assert!(help.contains("docs/configuration.md") && help.contains("[default: 127.0.0.1:7400]"));
}

#[test]
fn data_on_the_command_line_takes_memory_back() {
    assert!(!load(&["--data", "x"], &[], Some("memory = true")).unwrap().memory);
    assert!(load(&["--memory"], &[], Some("data = \"x\"")).unwrap().memory);
}

#[test]
fn applications_add_up_and_a_later_one_takes_the_place_of_its_namesake() {
    let file =
        "[[apps]]\nkey = \"a\"\nsecret = \"1\"\nanonymous = false\n[[apps]]\nkey = \"b\"\nsecret = \"2\"\ndisabled = true";
    let config = load(&["--app", "b:3"], &[("CHATROOMD_APP", "c:4,a:5")], Some(file)).unwrap();
    assert_eq!(config.apps, [app("c", "4"), app("a", "5"), app("b", "3")]);
    let config = load(&[], &[], Some(file)).unwrap();
    assert!(!config.apps[0].app().unwrap().anonymous_enabled && config.apps[1].app().unwrap().disabled);
}

#[test]
fn an_application_goes_by_its_own_settings_and_else_by_those_of_the_node() {
    let file = "\
        [limits]\nclient_send_per_second = 7\n\
        [rooms]\nmulti_client = \"single\"\nrobots_max = 5\n\
        [[apps]]\nkey = \"own\"\nsecret = \"1\"\nmulti_client = \"custom(16>4, 4>16)\"\nclient_send_per_second = 3\n\
        anonymous = false\nhigh_priority_resend_seconds = 4\nrobot_ttl_seconds = 9\nfixed_members_max = 11\n\
        [[apps]]\nkey = \"common\"\nsecret = \"2\"\n";
    let config = load(&[], &[], Some(file)).unwrap();
    let [own, common] = &config.apps[..] else { panic!("two applications were named") };
    let own = config.settings_of(own);
    assert_eq!(own.multi_client, MultiClient::Custom(vec![(16, 4), (4, 16)]));
    assert_eq!((own.sends_per_second, own.anonymous_enabled, own.robots_max), (3, false, 5));
    assert_eq!((own.high_priority_resend_ms, own.robot_ttl_ms, own.fixed_members_max), (4000, 9000, 11));
    let expected = Settings { sends_per_second: 7, multi_client: MultiClient::Single, robots_max: 5, ..Settings::default() };
    assert_eq!(config.settings_of(common), expected);
    let refused = refusal(&[], &[], Some("[[apps]]\nkey = \"a\"\nsecret = \"s\"\nrobots_max = 10001\n"));
    assert!(refused.contains("'a': robots_max") && refused.contains("0 to 10000"), "{refused}");
    assert_eq!(Config::default().common_settings(), Settings::default());
}

#[test]
fn the_address_of_a_callback_is_checked_and_not_told() {
    let with =
        |url: &str| load(&[], &[], Some(&format!("[[apps]]\nkey = \"a\"\nsecret = \"s\"\nlogin_callback = \"{url}\"\n")));
    let config = with("http://127.0.0.1:8080/login?key=hush").unwrap();
    let shown = format!("{config:?}");
    assert!(shown.contains("127.0.0.1:8080") && !shown.contains("hush"), "{shown}");
    let secure = format!("{:?}", with("https://example.com/hush").unwrap());
    assert!(secure.contains("https://example.com/") && !secure.contains("hush"), "{secure}");
    for (url, words) in [
        ("ftp://example.com/hush", "must begin with http://"),
        ("/hush", "must begin with http://"),
        ("http://name:hush@example.com/", "name and password"),
        (&format!("http://example.com/{}hush", "x".repeat(limits::CALLBACK_URL_BYTES_MAX)), "at most 1024 bytes"),
    ] {
        let refused = with(url).unwrap_err().to_string();
        assert!(refused.contains(words) && !refused.contains("hush"), "{url}: {refused}");
    }
}

#[test]
fn a_webhook_has_addresses_for_environments_whose_names_a_message_can_carry() {
    let file = |webhook: &str| format!("[[apps]]\nkey = \"a\"\nsecret = \"hush\"\nwebhook = {{ {webhook} }}\n");
    let url = "\"https://example.org/secret-path\"";
    let config = load(&[], &[], Some(&file(&format!("url = {url}, envs = {{ test-1 = {url} }}, in_out = false")))).unwrap();
    let webhook = &config.apps[0].webhook;
    assert!(webhook.messages && !webhook.in_out && webhook.envs.len() == 1);
    let reports = config.settings_of(&config.apps[0]).reports.expect("somebody is told");
    assert_eq!(["", "test-1", "unknown"].map(|env| reports.env_of(env)), [Some(""), Some("test-1"), Some("")]);
    assert_eq!(load(&[], &[], Some(&file("messages = true"))).unwrap().apps[0].webhook.url, None);
    let only = load(&[], &[], Some(&file(&format!("envs = {{ test = {url} }}")))).unwrap();
    let reports = only.settings_of(&only.apps[0]).reports.expect("somebody is told");
    assert_eq!((reports.env_of("test"), reports.env_of("")), (Some("test"), None));
    for name in ["", "a b", "ümlaut", &"x".repeat(33)] {
        let refused = refusal(&[], &[], Some(&file(&format!("envs = {{ \"{name}\" = {url} }}"))));
        assert!(refused.contains("webhook.envs") && !refused.contains("secret-path"), "{refused}");
    }
    let many: String = (0..17).map(|number| format!("e{number} = {url},")).collect();
    assert!(refusal(&[], &[], Some(&file(&format!("envs = {{ {many} }}")))).contains("at most 16"));
    assert!(refusal(&[], &[], Some(&file("url = \"ftp://example.org/\""))).contains("line"));
}

#[test]
fn the_keys_that_differ_are_named() {
    let one = load(&[], &[], None).unwrap();
    let other = load(&["--set", "rooms.robots_max=3", "--set", "http.block_ms=1", "--app", "a:b"], &[], None).unwrap();
    let mut differences = one.differences(&other);
    differences.sort();
    assert_eq!(differences, ["http.block_ms", "rooms.robots_max"]);
}

#[test]
fn durability_is_commit_or_an_interval() {
    let durability = |text: &str| load(&["--durability", text], &[], None).map(|config| config.durability);
    assert_eq!(durability("commit").unwrap(), Durability::Commit);
    assert_eq!(durability("interval(1s)").unwrap(), Durability::Interval { interval_ms: 1000 });
    assert_eq!(durability("interval(250ms)").unwrap(), Durability::Interval { interval_ms: 250 });
    for wrong in
        ["", "interval", "interval()", "interval(1)", "interval(0s)", "interval(61s)", "interval(99999999999999999999s)"]
    {
        assert!(durability(wrong).unwrap_err().to_string().starts_with("--durability: "), "{wrong}");
    }
    assert_eq!(String::from(Durability::Interval { interval_ms: 250 }), "interval(250ms)");
}

#[test]
fn an_unknown_key_is_refused_by_name_and_place() {
    let refused = refusal(&[], &[], Some("[limits]\nconections_max = 5\n"));
    assert!(
        refused.contains("conections_max") && refused.contains("line 2") && refused.contains("docs/configuration.md"),
        "{refused}"
    );
    let refused = refusal(&[], &[], Some("[[apps]]\nkey = \"a\"\nsecret = \"hush\"\nsecrets = \"x\"\n"));
    assert!(refused.contains("secrets"), "{refused}");
    assert!(refusal(&["--set", "limits.conections_max=5"], &[], None).contains("no key 'limits.conections_max'"));
    // Container platforms add variables named after a service: those are not ours.
    assert!(load(&[], &[("CHATROOMD_PORT", "tcp://10.0.0.1:7400"), ("CHATROOMD_SERVICE_HOST", "10.0.0.1")], None).is_ok());
}

#[test]
fn a_refusal_names_its_source_and_what_to_do() {
    assert!(refusal(&["--config", "/nowhere/at/all.toml"], &[], None).contains("check --config or CHATROOMD_CONFIG"));
    assert!(
        refusal(&[], &[("CHATROOMD_WORKERS", "many")], None).starts_with("CHATROOMD_WORKERS: 'many' is not a whole number")
    );
    assert!(refusal(&[], &[("CHATROOMD_MEMORY", "maybe")], None).contains("neither true nor false"));
    assert!(refusal(&[], &[("CHATROOMD_APP", "demo")], None).contains("KEY:SECRET"));
    assert!(refusal(&["--set", "log.level=loud"], &[], None).starts_with("--set log.level: "));
    assert!(refusal(&["--app", "white space:x"], &[], None).contains("letters, digits"));
    let twice = "[[apps]]\nkey = \"a\"\nsecret = \"hush\"\n[[apps]]\nkey = \"a\"\nsecret = \"hush\"\n";
    assert!(refusal(&[], &[], Some(twice)).contains("'a' stands there twice"));
}

#[test]
fn values_end_at_their_bounds() {
    for (key, within, beyond) in [
        ("workers", "256", "257"),
        ("limits.connections_max", "1", "0"),
        ("limits.frame_bytes_max", "16777216", "16777217"),
        ("limits.frame_bytes_max_before_login", "1048576", "1048577"),
        ("limits.requests_per_second", "0", "-1"),
        ("limits.requests_burst", "1", "0"),
        ("limits.client_send_burst", "1", "0"),
        ("timers.heartbeat_ms", "1000", "999"),
        ("timers.idle_timeout_ms", "30001", "30000"),
        ("timers.detach_grace_ms", "60000", "60001"),
        ("history.days", "3650", "3651"),
        ("store.write_buffer_bytes", "1048576", "1048575"),
        ("store.cache_bytes", "1048576", "1048575"),
        ("limits.account_cache_bytes", "65536", "65535"),
        ("rooms.connections_per_account_max", "100", "101"),
        ("rooms.rooms_per_account_max", "1000", "1001"),
        ("rooms.client_rooms_per_account_max", "1", "0"),
        ("rooms.fixed_members_max", "10000", "10001"),
        ("limits.high_priority_per_second", "1000", "1001"),
        ("rooms.high_priority_resend_seconds", "300", "301"),
        ("rooms.robots_max", "10000", "10001"),
        ("rooms.robot_ttl_seconds", "1", "0"),
        ("rooms.multi_client", "custom(1>2)", "custom(1>x)"),
        ("rooms.multi_client", "same_type", "alone"),
        ("http.base", "/api", "/api/"),
        ("http.base", "", "api"),
    ] {
        assert!(load(&["--set", &format!("{key}={within}")], &[], None).is_ok(), "{key} = {within}");
        let refused = refusal(&["--set", &format!("{key}={beyond}")], &[], None);
        assert!(refused.contains(key), "{key} = {beyond}: {refused}");
    }
}

#[test]
fn no_secret_shows_in_debug_output_or_in_an_error() {
    let shown = format!("{:?}", load(&["--app", "demo:hush-hush"], &[], None).unwrap());
    assert!(shown.contains("demo") && !shown.contains("hush-hush"), "{shown}");
    let refused = refusal(&["--app", "white space:hush-hush"], &[], None);
    assert!(!refused.contains("hush-hush"), "{refused}");
    for file in
        ["[[apps]]\nkey = \"a\"\nsecret = 987654\n", "[[apps]]\nkey = \"a\"\nsecret = \"987654\n", "secret = \"987654\"\n"]
    {
        let refused = refusal(&[], &[], Some(file));
        assert!(refused.contains("line ") && !refused.contains("987654"), "{refused}");
    }
}

#[test]
fn an_application_says_which_tokens_it_mints() {
    let file = |more: &str| format!("[[apps]]\nkey = \"a\"\nsecret = \"s\"\n{more}\n");
    let rules = |more: &str| load(&[], &[], Some(&file(more))).unwrap().apps[0].app().unwrap().tokens;
    let usual = rules("");
    assert!(usual.vendor && usual.since.is_none() && usual.lives() == limits::TOKEN_LIVES_DEFAULT);
    let own = rules("token_ttls = [90, 315360000]\ntokens_since = 1700000000000\nvendor_tokens = false");
    assert_eq!(
        (own.vendor, own.lives(), own.since.map(|since| since.0)),
        (false, &[90, 315_360_000][..], Some(1_700_000_000_000))
    );
    let many = vec!["60"; 65].join(", ");
    for more in [
        "token_ttls = []".to_owned(),
        "token_ttls = [0]".to_owned(),
        "token_ttls = [315360001]".to_owned(),
        format!("token_ttls = [{many}]"),
        "tokens_since = 1700000000".to_owned(),
        "tokens_since = -1".to_owned(),
    ] {
        let refused = refusal(&[], &[], Some(&file(&more)));
        assert!(refused.contains("'a'") && refused.contains(more.split(' ').next().unwrap()), "{more}: {refused}");
    }
}

#[test]
fn a_file_of_keys_is_read_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.pem");
    let file = |path: &std::path::Path| format!("[[apps]]\nkey = \"a\"\nsecret = \"s\"\njwt_keys = {path:?}\n");
    for (path, words) in
        [(path.clone(), "cannot be read"), (folder.path().to_owned(), "it is no file"), ("/dev/zero".into(), "it is no file")]
    {
        let refused = refusal(&[], &[], Some(&file(&path)));
        assert!(
            refused.contains("jwt_keys") && refused.contains(path.to_str().unwrap()) && refused.contains(words),
            "{refused}"
        );
    }
    for (text, words) in [("hello", "no public key"), ("{", "JWKS"), (&" ".repeat(300_000), "256 KiB")] {
        std::fs::write(&path, text).unwrap();
        let refused = refusal(&[], &[], Some(&file(&path)));
        assert!(refused.contains("jwt_keys") && refused.contains("keys.pem") && refused.contains(words), "{refused}");
    }
    std::fs::write(&path, include_str!("../data/tokens/rsa_public.pem")).unwrap();
    assert!(load(&[], &[], Some(&file(&path))).is_ok());
}

#[test]
fn two_applications_whose_tokens_could_be_cut_into_each_other_are_refused() {
    // What is signed is key, account, time, life and secret, without separators.
    let apps = |one: &str, other: &str, more: &str| {
        let app =
            |app: &str| app.split_once(':').map(|(key, secret)| format!("[[apps]]\nkey = \"{key}\"\nsecret = \"{secret}\"\n"));
        load(&[], &[], Some(&format!("{}{}{more}", app(one).unwrap(), app(other).unwrap())))
    };
    for (one, other) in
        [("shop:s", "shop-test:s"), ("shop-test:s", "shop:s"), ("shop:0s", "shop-test:s"), ("shop:s", "shop1:60s")]
    {
        let refused = apps(one, other, "").unwrap_err().to_string();
        assert!(
            refused.contains("shop") && refused.contains("secrets of") || refused.contains("give them secrets"),
            "{refused}"
        );
        assert!(apps(one, other, "vendor_tokens = false\n").is_ok(), "{one} {other}");
    }
    for (one, other) in [("shop:s", "shop-test:t"), ("shop:s", "test:s"), ("shop:ab", "shop-test:ac")] {
        assert!(apps(one, other, "").is_ok(), "{one} {other}");
    }
}

#[test]
fn tls_needs_an_address_a_certificate_and_a_key() {
    for (text, words) in [
        ("[tls]\nlisten = \"0.0.0.0:7443\"", "tls.certificate must be given where tls.listen is"),
        ("[tls]\ncertificate = \"a.pem\"\nkey = \"a.key\"", "tls.listen must be given where tls.certificate is"),
        ("[tls]\nlisten = \"0.0.0.0:7443\"\ncertificate = \"a.pem\"", "tls.key must be given"),
        ("[tls]\nlisten = \"0.0.0.0:7443\"\nkey = \"a.key\"", "tls.certificate must be given"),
        ("[tls]\nlisten = \"7443\"", "'7443' is no address"),
        ("[http]\ncertificate = \"a.pem\"", "http.key must be given"),
        (
            "[http]\ncertificate = \"/nowhere/a.pem\"\nkey = \"/nowhere/a.key\"",
            "http.certificate is of no use: '/nowhere/a.pem' cannot be read",
        ),
    ] {
        let refused = refusal(&[], &[], Some(text));
        assert!(refused.contains(words), "{text}: {refused}");
    }
}
