//! Configuration: one typed struct per need, from flags, then the environment (`ADEPT_…`), then defaults.
//!
//! Only `cli` reads it and hands parts of it to the modules. Text is checked here as far as text alone can be; what
//! needs the machine (files, ports, databases) is checked where it is used.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum, builder::FalseyValueParser};
use ipnet::IpNet;
use jiff::SignedDuration;
use zeroize::Zeroizing;

use crate::domain::{OPEN_FAILURES, RELEASES_A_DAY};

/// Where Apple's service is. Source: Apple, "Device Assignment" (`mdmenrollment.apple.com`).
const APPLE_URL: &str = "https://mdmenrollment.apple.com";

/// How lines of the log look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people; colored on a terminal.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged, and how.
#[derive(Args, Clone)]
#[command(next_help_heading = "Log")]
pub struct Log {
    /// Level (error, warn, info, debug, trace), or levels by module such as `info,adept::app=debug` [default: info,
    /// in the demo error]
    #[arg(long, global = true, env = "ADEPT_LOG", value_name = "LEVEL")]
    pub log: Option<String>,
    /// `text` for people or `json` for machines; lines go to standard error
    #[arg(
        long,
        global = true,
        env = "ADEPT_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub log_format: LogFormat,
}

/// Which database, and the key that seals its secrets.
#[derive(Args, Clone)]
#[command(next_help_heading = "Storage")]
pub struct Storage {
    /// Folder of the SQLite database, the sealing key and the local TLS authority; made when missing
    #[arg(long, env = "ADEPT_DATA_DIR", value_name = "FOLDER", default_value = "./adept-data")]
    pub data_dir: PathBuf,
    /// sqlite://PATH[?mode=ro] or postgres://USER:PASSWORD@HOST/NAME [default: adept.db in the data folder]
    #[arg(long, env = "ADEPT_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// File that holds the database URL, so that its password stays out of the process list
    #[arg(long, env = "ADEPT_DATABASE_URL_FILE", value_name = "FILE", conflicts_with = "database_url")]
    pub database_url_file: Option<PathBuf>,
    /// Key that seals secrets in the database, mode 0600 [default: sealing.key in the data folder]
    #[arg(long, env = "ADEPT_SEALING_KEY_FILE", value_name = "FILE")]
    pub sealing_key_file: Option<PathBuf>,
    /// Largest size of a SQLite database in pages of 4 KiB [default: no limit]
    #[arg(long, env = "ADEPT_SQLITE_MAX_PAGES", value_name = "PAGES")]
    pub sqlite_max_pages: Option<u32>,
}

/// The service's own addresses.
#[derive(Args, Clone)]
#[command(next_help_heading = "Listening")]
pub struct Listening {
    /// Address and port to listen on
    #[arg(long, env = "ADEPT_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    pub listen: SocketAddr,
    /// URL under which clients reach Adept; needed unless it listens on loopback [default: https://localhost:PORT]
    #[arg(long, env = "ADEPT_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Certificate chain (PEM), read again when it changes [default: a local authority in the data folder]
    #[arg(long, env = "ADEPT_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM)
    #[arg(long, env = "ADEPT_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Listen without TLS, behind a proxy that has it
    #[arg(long, env = "ADEPT_PLAIN_HTTP", value_parser = FalseyValueParser::new(), conflicts_with = "tls_cert")]
    pub plain_http: bool,
    /// Address of /metrics and detailed /readyz, without TLS or sign-in; `off` for none
    #[arg(long, env = "ADEPT_METRICS_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:9464",
          value_parser = address_or_off)]
    pub metrics_listen: AddressOrOff,
    /// Maximum concurrent connections; for further ones the idlest of the address that holds most is closed. Keep it below
    /// the limit of open files
    #[arg(long, env = "ADEPT_MAX_CONNECTIONS", value_name = "NUMBER", default_value_t = 900,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections: u32,
    /// Addresses or networks (10.0.0.0/8) of proxies in front, separated by commas: what they say in --proxy-header about
    /// where a request came from is believed
    #[arg(long, env = "ADEPT_TRUSTED_PROXY", value_name = "CIDR", value_delimiter = ',', num_args = 1..,
          value_parser = network, requires = "proxy_header")]
    pub trusted_proxy: Vec<IpNet>,
    /// The header in which they say it: `x-forwarded-for` or `forwarded`; the other one is ignored
    #[arg(
        long,
        env = "ADEPT_PROXY_HEADER",
        value_name = "NAME",
        hide_possible_values = true,
        requires = "trusted_proxy"
    )]
    pub proxy_header: Option<ProxyHeader>,
    /// Answer 429 as Microsoft Graph does, by its documented figures (`graph`), or never (`off`)
    #[arg(
        long,
        env = "ADEPT_THROTTLE",
        value_name = "FIGURES",
        default_value = "off",
        hide_possible_values = true
    )]
    pub throttle: Throttling,
    /// Requests to Graph that an application may make a minute; what is over it is answered 429 [default: no limit]
    #[arg(long, env = "ADEPT_CLIENT_REQUESTS", value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub client_requests: Option<u32>,
    /// The same of a tenant [default: no limit]
    #[arg(long, env = "ADEPT_TENANT_REQUESTS", value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub tenant_requests: Option<u32>,
    /// The same of an address, of IPv6 a /64 [default: no limit]
    #[arg(long, env = "ADEPT_ADDRESS_REQUESTS", value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub address_requests: Option<u32>,
}

/// The header in which trusted proxies say where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// By whose figures callers are throttled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Throttling {
    /// Nobody is throttled.
    #[default]
    Off,
    /// By Microsoft Graph's.
    Graph,
}

/// Apple's side, and how it is used.
#[derive(Args, Clone)]
#[command(next_help_heading = "Apple")]
pub struct Apple {
    /// Apple's service, or a simulator
    #[arg(long, env = "ADEPT_APPLE_URL", value_name = "URL", default_value = APPLE_URL)]
    pub apple_url: String,
    /// How Adept introduces itself to Apple
    #[arg(long, env = "ADEPT_APPLE_USER_AGENT", value_name = "TEXT",
          default_value = concat!("Adept/", env!("CARGO_PKG_VERSION")))]
    pub apple_user_agent: String,
    /// Allow an http:// Apple URL on another machine: server tokens then travel readable
    #[arg(long, env = "ADEPT_ALLOW_PLAIN_APPLE", value_parser = FalseyValueParser::new())]
    pub allow_plain_apple: bool,
    /// Time between two syncs of a setting
    #[arg(long, env = "ADEPT_SYNC_INTERVAL", value_name = "TIME", default_value = "30m", value_parser = duration)]
    pub sync_interval: SignedDuration,
    /// Time between two full resyncs, which find what Apple omitted from its changes; up to a tenth more per setting
    #[arg(long, env = "ADEPT_FULL_FETCH_INTERVAL", value_name = "TIME", default_value = "168h", value_parser = duration)]
    pub full_fetch_interval: SignedDuration,
    /// How long replicas wait before taking over a dead process's settings; 10s at least
    #[arg(long, env = "ADEPT_LEASE", value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub lease: SignedDuration,
    /// URL where devices enroll, with {settingId} and {tenantId} where wanted
    #[arg(long, env = "ADEPT_MDM_URL", value_name = "URL", value_parser = mdm_url)]
    pub mdm_url: Option<String>,
    /// Shared profile options.
    #[command(flatten)]
    pub profiles: Profiles,
    /// Settings a tenant may have (`maximumDepTokens`)
    #[arg(long, env = "ADEPT_MAXIMUM_DEP_TOKENS", value_name = "NUMBER", default_value_t = 100,
          value_parser = clap::value_parser!(i32).range(1..))]
    pub maximum_dep_tokens: i32,
    /// Unreadable server tokens that an application may upload at once with a key pair, then one a minute; ten times as
    /// many all applications together (0: no limit)
    #[arg(long, env = "ADEPT_OPEN_FAILURES", value_name = "NUMBER", default_value_t = OPEN_FAILURES,
          value_parser = clap::value_parser!(u32).range(..=1000))]
    pub open_failures: u32,
    /// Devices whose release from the organization a tenant may request within a day
    #[arg(long, env = "ADEPT_MAX_RELEASE", value_name = "NUMBER", default_value_t = RELEASES_A_DAY)]
    pub max_release: u32,
}

/// Shared profile options: what Apple gets with every profile. A change reaches a profile when the profile itself is changed.
#[derive(Args, Clone, Default)]
pub struct Profiles {
    /// Sent to Apple with every profile (`org_magic`); the same for all services of one organization
    #[arg(long, env = "ADEPT_ORG_MAGIC", value_name = "TEXT", value_parser = text_of::<256>)]
    pub org_magic: Option<String>,
    /// E-mail address that devices show for support
    #[arg(long, env = "ADEPT_SUPPORT_EMAIL", value_name = "ADDRESS", value_parser = text_of::<250>)]
    pub support_email: Option<String>,
    /// Language of devices that set themselves up, such as `en`; with --region
    #[arg(long, env = "ADEPT_LANGUAGE", value_name = "CODE", value_parser = language, requires = "region")]
    pub language: Option<String>,
    /// Region of devices that set themselves up, such as `DE`; with --language
    #[arg(long, env = "ADEPT_REGION", value_name = "CODE", value_parser = region, requires = "language")]
    pub region: Option<String>,
    /// Certificates (PEM) that devices trust at the enrollment URL, instead of those they know
    #[arg(long, env = "ADEPT_ANCHOR_CERTS", value_name = "FILE")]
    pub anchor_certs: Option<PathBuf>,
}

/// Everything that `adept serve` needs.
#[derive(Args, Clone)]
pub struct Serve {
    /// Allow core files and debuggers of the same user: both show every secret in memory
    #[arg(long, env = "ADEPT_ALLOW_CORE", value_parser = FalseyValueParser::new())]
    pub allow_core: bool,
    /// Own addresses.
    #[command(flatten)]
    pub listening: Listening,
    /// Database and sealing key.
    #[command(flatten)]
    pub storage: Storage,
    /// Apple's side.
    #[command(flatten)]
    pub apple: Apple,
}

/// An address, or none by the word `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressOrOff(pub Option<SocketAddr>);

/// A database, as the configuration names it. Its URL may hold a password.
pub struct Database {
    /// `sqlite://…` or `postgres://…`.
    pub url: Zeroizing<String>,
    /// Whether it is a file of this machine, which no other machine shares.
    pub is_local: bool,
}

impl Storage {
    /// The database, by its URL or what is read from the URL's file; an error when that fails or the scheme is unknown.
    pub fn database(
        &self,
        read: impl FnOnce(&Path) -> Result<Zeroizing<String>, String>,
    ) -> Result<Database, String> {
        let url = match (&self.database_url, &self.database_url_file) {
            (Some(url), _) => Zeroizing::new(url.clone()),
            (None, Some(file)) => Zeroizing::new(read(file)?.trim().to_owned()),
            (None, None) => {
                let path = self.data_dir.join("adept.db").display().to_string();
                // These would end the path of a URL.
                let path = path.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
                Zeroizing::new(format!("sqlite://{path}"))
            }
        };
        let is_local = url.starts_with("sqlite:");
        if !is_local && !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err("the database URL must begin with sqlite:// or postgres://".to_owned());
        }
        Ok(Database { url, is_local })
    }

    /// The sealing key's file.
    pub fn sealing_key_file(&self) -> PathBuf {
        self.sealing_key_file.clone().unwrap_or_else(|| self.data_dir.join("sealing.key"))
    }

    /// The folder of the local TLS authority.
    pub fn tls_folder(&self) -> PathBuf {
        self.data_dir.join("tls")
    }
}

fn address_or_off(text: &str) -> Result<AddressOrOff, String> {
    if text == "off" {
        return Ok(AddressOrOff(None));
    }
    let address =
        text.parse().map_err(|_| "must be ADDRESS:PORT, such as 127.0.0.1:9464, or off".to_owned())?;
    Ok(AddressOrOff(Some(address)))
}

/// An address or a network. One of IPv4 addresses that are written as IPv6 is a network of IPv4 addresses.
fn network(text: &str) -> Result<IpNet, String> {
    let network: IpNet = text
        .parse()
        .or_else(|_| text.parse().map(IpAddr::into))
        .map_err(|_| "must be an address or a network such as 10.0.0.0/8 or 2001:db8::/32".to_owned())?;
    let mapped = network.addr().to_canonical();
    let network = match network.prefix_len().checked_sub(96) {
        Some(prefix) if mapped != network.addr() => IpNet::new_assert(mapped, prefix),
        _ => network,
    };
    Ok(network.trunc())
}

/// A time as people write it (`30s`, `1h 30m`), at least a second and at most a year.
fn duration(text: &str) -> Result<SignedDuration, String> {
    let duration: SignedDuration =
        text.parse().map_err(|_| "must be a time such as 45s, 30m or 1h30m".to_owned())?;
    let fits = SignedDuration::from_secs(1)..=SignedDuration::from_hours(365 * 24);
    if fits.contains(&duration) { Ok(duration) } else { Err("must be between 1s and 365d".to_owned()) }
}

/// A text of 1 to `MOST` characters.
fn text_of<const MOST: usize>(text: &str) -> Result<String, String> {
    let fits = (1..=MOST).contains(&text.chars().count());
    if fits { Ok(text.to_owned()) } else { Err(format!("must have 1 to {MOST} characters")) }
}

/// ISO 639: two or three small letters.
fn language(text: &str) -> Result<String, String> {
    let fits = (2..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase());
    if fits { Ok(text.to_owned()) } else { Err("must be two or three small letters, such as en".to_owned()) }
}

/// ISO 3166-1: two capital letters.
fn region(text: &str) -> Result<String, String> {
    let fits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    if fits { Ok(text.to_owned()) } else { Err("must be two capital letters, such as DE".to_owned()) }
}

/// An https URL that may hold `{settingId}` and `{tenantId}` and no other braces.
fn mdm_url(template: &str) -> Result<String, String> {
    let filled = template.replace("{settingId}", "0").replace("{tenantId}", "0");
    if filled.contains(['{', '}']) {
        return Err("may hold {settingId} and {tenantId} and no other braces".to_owned());
    }
    let url = reqwest::Url::parse(&filled).map_err(|error| error.to_string())?;
    if url.scheme() == "https" { Ok(template.to_owned()) } else { Err("must begin with https://".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, seconds) in
            [("45s", 45), ("30m", 1800), ("1h30m", 5400), ("1h 30m", 5400), ("24 hours", 86_400)]
        {
            assert_eq!(duration(text), Ok(SignedDuration::from_secs(seconds)), "{text}");
        }
        for text in ["", "30", "0s", "-5m", "9000000h", "soon"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn proxies_are_named_by_address_or_network() {
        for (text, read) in [
            ("192.0.2.1", "192.0.2.1/32"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("2001:db8::1", "2001:db8::1/128"),
            ("::ffff:10.1.2.3", "10.1.2.3/32"),
            ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(network(text).unwrap().to_string(), read, "{text}");
        }
        for text in ["", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0", "10.0.0.1:80"] {
            assert!(network(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_enrollment_url_is_https_with_known_placeholders() {
        assert!(mdm_url("https://mdm.example.org/enroll/{tenantId}?s={settingId}").is_ok());
        for refused in ["http://mdm.example.org", "https://mdm.example.org/{serial}", "https://{", "mdm"] {
            assert!(mdm_url(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn what_apple_is_told_of_all_profiles_fits_apples_limits() {
        assert!(text_of::<3>("äöü").is_ok() && text_of::<3>("abcd").is_err() && text_of::<3>("").is_err());
        assert!(language("en").is_ok() && language("gsw").is_ok() && language("EN").is_err());
        assert!(region("DE").is_ok() && region("de").is_err() && region("DEU").is_err());
    }

    #[test]
    fn the_default_database_lies_in_the_data_folder_whatever_its_name() {
        let none = |_: &Path| Err("there is no file".to_owned());
        let storage = |data_dir: &str, url: Option<&str>| Storage {
            data_dir: data_dir.into(),
            database_url: url.map(str::to_owned),
            database_url_file: None,
            sealing_key_file: None,
            sqlite_max_pages: None,
        };
        assert_eq!(*storage("a b/50%?", None).database(none).unwrap().url, "sqlite://a b/50%25%3F/adept.db");
        assert!(!storage("a", Some("postgres://localhost/adept")).database(none).unwrap().is_local);
        assert!(storage("a", Some("mysql://localhost/adept")).database(none).is_err());
    }
}
