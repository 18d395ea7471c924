//! The calls on Adept that a client of Microsoft Graph makes, as far as the runs need them.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Result;
use crate::http::{Client, Response};

const SETTINGS: &str = "/beta/deviceManagement/depOnboardingSettings";

/// How long a request is sent again and again while it is throttled.
const PATIENCE: Duration = Duration::from_secs(60);

/// Less than `Retry-After` says, so that no run is held up.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What Graph writes for a moment that never was.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// What `adept client add` printed.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) tenant: String,
    pub(crate) client: String,
    pub(crate) secret: String,
}

/// A client that has signed in, with one connection.
pub(crate) struct Graph {
    client: Client,
    port: u16,
    authorization: String,
}

/// What Graph says of a setting.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// `tokenExpirationDateTime`; none before the first token.
    pub(crate) expires: Option<String>,
    pub(crate) modified: jiff::Timestamp,
    /// `lastSuccessfulSyncDateTime`; none before the first.
    pub(crate) synced: Option<jiff::Timestamp>,
    /// `lastSyncTriggeredDateTime`; none before the first.
    pub(crate) triggered: Option<jiff::Timestamp>,
    pub(crate) error_code: i64,
    pub(crate) devices: u64,
}

/// What Graph says of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) deleted: bool,
    pub(crate) description: Option<String>,
    /// The id of the profile that someone wants for it.
    pub(crate) desired_profile: Option<String>,
}

/// A page of a list.
pub(crate) struct Page {
    pub(crate) rows: Vec<Value>,
    /// The path of the next one; none at the end.
    pub(crate) next: Option<String>,
}

impl Graph {
    pub(crate) fn sign_in(mut client: Client, port: u16, credentials: &Credentials) -> Result<Self> {
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&scope=https%3A%2F%2Flocalhost%2F.default",
            credentials.client, credentials.secret
        );
        let path = format!("/{}/oauth2/v2.0/token", credentials.tenant);
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        let answer = client.ask("POST", &path, &headers, form.as_bytes()).map_err(lost)?;
        let answer = answer.json(200).map_err(|error| format!("Signing in: {error}"))?;
        let token = answer["access_token"].as_str().ok_or("Signing in gave no access_token.")?;
        Ok(Self { client, port, authorization: format!("Bearer {token}") })
    }

    /// The same client over a connection of its own.
    pub(crate) fn over(&self, client: Client) -> Self {
        Self { client, port: self.port, authorization: self.authorization.clone() }
    }

    /// The whole request for what is at `path`, to be sent again and again.
    pub(crate) fn request(&self, path: &str) -> Vec<u8> {
        self.request_with(path, &[("Accept", "application/json")])
    }

    /// The same with other headers.
    pub(crate) fn request_with(&self, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
        let mut request = Vec::new();
        let authorized = [&[("Authorization", self.authorization.as_str())], headers].concat();
        crate::http::write_request(&mut request, self.port, "GET", path, &authorized, b"");
        request
    }

    /// Where a setting is.
    pub(crate) fn setting_path(&self, setting: &str) -> String {
        format!("{SETTINGS}/{setting}")
    }

    /// Where its devices are.
    pub(crate) fn devices_path(&self, setting: &str) -> String {
        format!("{SETTINGS}/{setting}/importedAppleDeviceIdentities")
    }

    /// Makes a setting and returns its id.
    pub(crate) fn create(&mut self, name: &str) -> Result<String> {
        let created = self.json("POST", SETTINGS, json!({ "tokenName": name }), 201)?;
        created["id"].as_str().map(str::to_owned).ok_or_else(|| "A new setting has no id.".into())
    }

    /// The certificate for Apple's portal, PEM.
    pub(crate) fn public_key(&mut self, setting: &str) -> Result<String> {
        let answer =
            self.json("GET", &format!("{SETTINGS}/{setting}/getEncryptionPublicKey()"), Value::Null, 200)?;
        answer["value"].as_str().map(str::to_owned).ok_or_else(|| "A setting has no public key.".into())
    }

    /// Makes an enrollment profile and returns its id.
    pub(crate) fn create_profile(&mut self, setting: &str, body: &Value) -> Result<String> {
        let path = format!("{SETTINGS}/{setting}/enrollmentProfiles");
        let created = self.json("POST", &path, body.clone(), 201)?;
        created["id"].as_str().map(str::to_owned).ok_or_else(|| "A new profile has no id.".into())
    }

    /// Makes a profile the default of its platform.
    pub(crate) fn make_default(&mut self, setting: &str, profile: &str) -> io::Result<Response> {
        self.ask("POST", &format!("{SETTINGS}/{setting}/enrollmentProfiles/{profile}/setDefaultProfile"), b"")
    }

    /// Clears the default of iPhones and iPads.
    pub(crate) fn clear_default(&mut self, setting: &str) -> io::Result<Response> {
        self.ask("DELETE", &format!("{SETTINGS}/{setting}/defaultIosEnrollmentProfile/$ref"), b"")
    }

    /// The id of the default profile of iPhones and iPads.
    pub(crate) fn default_of_phones(&mut self, setting: &str) -> Result<Option<String>> {
        let path = format!("{SETTINGS}/{setting}/defaultIosEnrollmentProfile");
        let answer = self.ask("GET", &path, b"").map_err(lost)?;
        if answer.status == 404 {
            return Ok(None);
        }
        Ok(answer.json(200)?["id"].as_str().map(str::to_owned))
    }

    /// Gives a profile another name.
    pub(crate) fn rename_profile(
        &mut self,
        setting: &str,
        profile: &str,
        name: &str,
    ) -> io::Result<Response> {
        let path = format!("{SETTINGS}/{setting}/enrollmentProfiles/{profile}");
        self.ask("PATCH", &path, json!({ "displayName": name }).to_string().as_bytes())
    }

    /// The name of a profile.
    pub(crate) fn profile_name(&mut self, setting: &str, profile: &str) -> Result<String> {
        let path = format!("{SETTINGS}/{setting}/enrollmentProfiles/{profile}");
        let profile = self.json("GET", &path, Value::Null, 200)?;
        profile["displayName"].as_str().map(str::to_owned).ok_or_else(|| "A profile has no name.".into())
    }

    /// Requests a profile for devices.
    pub(crate) fn assign(
        &mut self,
        setting: &str,
        profile: &str,
        serials: &[&String],
    ) -> io::Result<Response> {
        let path = format!("{SETTINGS}/{setting}/enrollmentProfiles/{profile}/updateDeviceProfileAssignment");
        self.ask("POST", &path, json!({ "deviceIds": serials }).to_string().as_bytes())
    }

    /// Requests that Apple releases devices.
    pub(crate) fn release(&mut self, setting: &str, serials: &[&String]) -> io::Result<Response> {
        let body = json!({ "deviceSerialNumbers": serials }).to_string();
        self.ask("POST", &format!("{SETTINGS}/{setting}/releaseAppleDevices"), body.as_bytes())
    }

    /// Uploads a token; an error of the connection leaves open whether it took effect.
    pub(crate) fn upload(&mut self, setting: &str, body: &[u8]) -> io::Result<Response> {
        self.ask("POST", &format!("{SETTINGS}/{setting}/uploadDepToken"), body)
    }

    /// Requests a sync; an error of the connection leaves open whether it took effect.
    pub(crate) fn request_sync(&mut self, setting: &str) -> io::Result<Response> {
        self.ask("POST", &format!("{SETTINGS}/{setting}/syncWithAppleDeviceEnrollmentProgram"), b"")
    }

    /// Reads the list of settings; an error when that does not succeed.
    pub(crate) fn list_settings(&mut self) -> Result {
        self.json("GET", SETTINGS, Value::Null, 200).map(drop)
    }

    pub(crate) fn setting(&mut self, setting: &str) -> Result<Setting> {
        read_setting(&self.json("GET", &format!("{SETTINGS}/{setting}"), Value::Null, 200)?)
            .ok_or_else(|| "A setting lacks one of its properties.".into())
    }

    /// Every device of a setting by serial number, page after page; an error when one is listed twice.
    pub(crate) fn devices(&mut self, setting: &str) -> Result<BTreeMap<String, Device>> {
        let mut all = BTreeMap::new();
        let path = format!(
            "{}?$select=serialNumber,isDeleted,description,requestedEnrollmentProfileId",
            self.devices_path(setting)
        );
        for row in self.pages(path)? {
            let serial = row["serialNumber"].as_str().ok_or("A device has no serial number.")?;
            let device = Device {
                deleted: row["isDeleted"].as_bool().unwrap_or_default(),
                description: row["description"].as_str().map(str::to_owned),
                desired_profile: row["requestedEnrollmentProfileId"].as_str().map(str::to_owned),
            };
            if all.insert(serial.to_owned(), device).is_some() {
                return Err(format!("Device {serial} is listed twice."));
            }
        }
        Ok(all)
    }

    /// Every expiry that the audit says a token of this setting brought, in no order.
    pub(crate) fn audited_expiries(&mut self, setting: &str) -> Result<Vec<String>> {
        let events = self.pages("/beta/deviceManagement/auditEvents".to_owned())?;
        let members = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
        let resources = events.iter().flat_map(|event| members(event, "resources"));
        let changes = resources
            .filter(|resource| resource["resourceId"].as_str() == Some(setting))
            .flat_map(|resource| members(&resource, "modifiedProperties"));
        let expiries = changes
            .filter(|change| change["displayName"] == "tokenExpirationDateTime")
            .filter_map(|change| change["newValue"].as_str().map(str::to_owned));
        Ok(expiries.collect())
    }

    /// Every row of a list, page after page.
    fn pages(&mut self, mut path: String) -> Result<Vec<Value>> {
        let mut rows = Vec::new();
        loop {
            let page = self.page(&path)?;
            rows.extend(page.rows);
            let Some(next) = page.next else { return Ok(rows) };
            path = next;
        }
    }

    /// One page of a list.
    pub(crate) fn page(&mut self, path: &str) -> Result<Page> {
        let mut page = self.json("GET", path, Value::Null, 200)?;
        let Value::Array(rows) = page["value"].take() else {
            return Err(format!("{path}: a list has no value."));
        };
        let Some(next) = page["@odata.nextLink"].as_str() else { return Ok(Page { rows, next: None }) };
        let origin = format!("https://localhost:{}", self.port);
        let next = next.strip_prefix(&origin).ok_or("A next link leads elsewhere.")?.to_owned();
        Ok(Page { rows, next: Some(next) })
    }

    /// What is at `path`, as text.
    pub(crate) fn text(&mut self, path: &str) -> Result<String> {
        let body = self.ask("GET", path, b"").map_err(lost)?.expect(200)?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    fn json(&mut self, method: &str, path: &str, body: Value, expected: u16) -> Result<Value> {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let answer = self.ask(method, path, &body).map_err(lost)?;
        answer.json(expected).map_err(|error| format!("{method} {path}: {error}"))
    }

    /// A 429 says that nothing was changed: it is sent again, as every SDK does. Requests that waited for the database while
    /// the process was stopped are refused so.
    fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> io::Result<Response> {
        let headers = [
            ("Authorization", self.authorization.as_str()),
            ("Accept", "application/json"),
            ("Content-Type", "application/json"),
        ];
        let headers = if body.is_empty() { &headers[..2] } else { &headers[..] };
        let started = Instant::now();
        loop {
            let answer = self.client.ask(method, path, headers, body)?;
            if answer.status != 429 || started.elapsed() > PATIENCE {
                return Ok(answer);
            }
            std::thread::sleep(RETRY_AFTER);
        }
    }
}

/// The body of an upload.
pub(crate) fn upload_body(file: &[u8]) -> Vec<u8> {
    json!({ "appleId": "it@example.org", "depToken": String::from_utf8_lossy(file) }).to_string().into_bytes()
}

fn read_setting(json: &Value) -> Option<Setting> {
    let text = |name: &str| json[name].as_str();
    let moment = |name: &str| {
        let text = text(name)?;
        Some(if text == NEVER { None } else { Some(text.parse().ok()?) })
    };
    Some(Setting {
        expires: text("tokenExpirationDateTime").filter(|text| *text != NEVER).map(str::to_owned),
        modified: text("lastModifiedDateTime")?.parse().ok()?,
        synced: moment("lastSuccessfulSyncDateTime")?,
        triggered: moment("lastSyncTriggeredDateTime")?,
        error_code: json["lastSyncErrorCode"].as_i64()?,
        devices: json["syncedDeviceCount"].as_u64()?,
    })
}

/// There was no complete response.
pub(crate) fn lost(error: io::Error) -> String {
    format!("There was no complete response: {error}.")
}
