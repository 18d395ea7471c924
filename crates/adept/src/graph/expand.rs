//! `$expand` on onboarding settings: what is behind their navigations, shown with them. Each list that is expanded is the
//! list that the navigation's own address shows, with the options that stand in the parentheses.

use adept_odata::{Expand, QueryOptions, parse_expand};

use super::{
    Graph,
    call::{Call, Metadata, Version},
    enrollment_profiles,
    entity::Behind,
    error::Error,
    imported_apple_device_identities, listing,
    listing::{Listing, shape_of},
    types::{
        DEP_ONBOARDING_SETTING, ENROLLMENT_PROFILE, EntityType, IMPORTED_APPLE_DEVICE_IDENTITY, Navigation,
        profile_type,
    },
    value::{Object, Value},
};
use crate::{
    app::{self, Listed},
    domain::{Caller, DevicePlatform, Setting},
};

/// Settings on a page when a collection of each is shown too.
const SETTINGS: u32 = 20;

/// What is expanded.
pub(super) struct Expansions {
    asked: Asked,
    wanted: Vec<(&'static Navigation, QueryOptions)>,
}

impl Expansions {
    /// What the `$expand` of a query of settings asks for.
    pub(super) fn of(call: &Call, options: &QueryOptions) -> Result<Self, Error> {
        let asked = Asked { caller: call.caller.clone(), version: call.version, metadata: call.metadata };
        let Some(text) = &options.expand else { return Ok(Self { asked, wanted: Vec::new() }) };
        let wanted = parse_expand(text).map_err(Error::BadQuery)?.into_iter().map(understood);
        Ok(Self { asked, wanted: wanted.collect::<Result<_, _>>()? })
    }

    /// The names of what is expanded.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.wanted.iter().map(|(way, _)| way.name).collect()
    }

    /// How many settings a page may hold.
    pub(super) fn page(&self) -> u32 {
        if self.wanted.iter().any(|(way, _)| way.collection) { SETTINGS } else { u32::MAX }
    }

    /// What is behind the navigations of each of these settings.
    pub(super) async fn behind(&self, graph: &Graph, settings: &[Setting]) -> Result<Vec<Behind>, Error> {
        let mut all = Vec::with_capacity(settings.len());
        for setting in settings {
            let mut behind = Vec::new();
            for (way, options) in &self.wanted {
                let at = At { graph, asked: &self.asked, setting, way, options };
                match way.name {
                    "importedAppleDeviceIdentities" => at.devices(&mut behind).await?,
                    "enrollmentProfiles" => at.profiles(&mut behind).await?,
                    "defaultIosEnrollmentProfile" => at.default(DevicePlatform::Ios, &mut behind).await?,
                    "defaultMacOsEnrollmentProfile" => at.default(DevicePlatform::MacOs, &mut behind).await?,
                    "defaultTvOSEnrollmentProfile" => at.default(DevicePlatform::TvOs, &mut behind).await?,
                    "defaultVisionOSEnrollmentProfile" => {
                        at.default(DevicePlatform::VisionOs, &mut behind).await?
                    }
                    _ => return Err(Error::NoNavigation(way.name.to_owned())),
                }
            }
            all.push(behind);
        }
        Ok(all)
    }
}

/// One navigation of a setting. Nothing lies behind what lies behind it.
fn understood(expand: Expand) -> Result<(&'static Navigation, QueryOptions), Error> {
    let is_meant = |way: &&Navigation| way.name.eq_ignore_ascii_case(&expand.path);
    let way = DEP_ONBOARDING_SETTING.ways().into_iter().find(is_meant);
    let way = way.ok_or_else(|| Error::NoNavigation(expand.path.clone()))?;
    listing::refuse_search(&expand.options)?;
    listing::refuse_expand(&expand.options)?;
    if expand.levels.is_some() {
        return Err(Error::UnsupportedOption("$levels"));
    }
    Ok((way, expand.options))
}

/// Who asks, and how the answer is to look.
struct Asked {
    caller: Caller,
    version: Version,
    metadata: Metadata,
}

/// One navigation of one setting.
struct At<'a> {
    graph: &'a Graph,
    asked: &'a Asked,
    setting: &'a Setting,
    way: &'a Navigation,
    options: &'a QueryOptions,
}

impl At<'_> {
    async fn devices(&self, behind: &mut Behind) -> Result<(), Error> {
        let kind = &IMPORTED_APPLE_DEVICE_IDENTITY;
        let mut listing = self.listing(imported_apple_device_identities::LIST, kind)?;
        if let Some(filter) = &mut listing.query.filter {
            imported_apple_device_identities::with_bare_profiles(filter, self.setting.id);
        }
        let listed = self.graph.app.devices(&self.asked.caller, self.setting.id, &listing.query).await?;
        let set = imported_apple_device_identities::set(self.setting.id);
        self.list(&listing, kind, &set, &listed, behind);
        Ok(())
    }

    async fn profiles(&self, behind: &mut Behind) -> Result<(), Error> {
        let kind = &ENROLLMENT_PROFILE;
        let listing = self.listing(enrollment_profiles::LIST, kind)?;
        let listed = self.graph.app.profiles(&self.asked.caller, self.setting.id, &listing.query).await?;
        let set = enrollment_profiles::set(self.setting.id);
        self.list(&listing, kind, &set, &listed, behind);
        Ok(())
    }

    /// The default of a platform, or null.
    async fn default(&self, platform: DevicePlatform, behind: &mut Behind) -> Result<(), Error> {
        let found = self.graph.app.default_profile(&self.asked.caller, self.setting.id, platform).await;
        let profile = match found {
            Ok(profile) => profile,
            Err(app::Error::NotFound { .. }) => {
                behind.push((self.way.name.to_owned(), json(&Value::Null)));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let shape = shape_of(self.options, profile_type(profile.kind), self.asked.metadata)?;
        let set = enrollment_profiles::set(self.setting.id);
        let root = self.graph.root(self.asked.version);
        self.context(&format!("{set}/$entity"), behind);
        let mut out = Vec::new();
        let mut object = Object::open(&mut out);
        shape.entity(&root, &ENROLLMENT_PROFILE, &profile, &set, &mut object);
        object.close();
        behind.push((self.way.name.to_owned(), out));
        Ok(())
    }

    fn listing<R, F: Copy + PartialEq, W>(
        &self,
        operation: &str,
        kind: &EntityType<R, F, W>,
    ) -> Result<Listing<F>, Error> {
        let keys = [self.setting.id.to_string()];
        let digest = listing::digest(self.asked.version, operation, &keys, None, self.options);
        Listing::of(self.options, kind, self.asked.metadata, digest)
    }

    /// A page of what is behind, and the link to the next one.
    fn list<R, F, W>(
        &self,
        listing: &Listing<F>,
        kind: &'static EntityType<R, F, W>,
        set: &str,
        listed: &Listed<R>,
        behind: &mut Behind,
    ) {
        let name = self.way.name;
        self.context(set, behind);
        if let Some(total) = listed.total {
            behind.push((format!("{name}@odata.count"), json(&Value::Int(total))));
        }
        let path = format!("/{}/{set}", self.asked.version.as_str());
        if let Some(link) = listing.next_link(self.graph, &path, &written(self.options), listed) {
            behind.push((format!("{name}@odata.nextLink"), json(&Value::text(&link))));
        }
        let mut rows = Vec::new();
        listing.rows(&self.graph.root(self.asked.version), kind, set, listed, &[], &mut rows);
        behind.push((name.to_owned(), rows));
    }

    fn context(&self, set: &str, behind: &mut Behind) {
        if self.asked.metadata != Metadata::None {
            let context = self.graph.context(self.asked.version, set);
            behind.push((format!("{}@odata.context", self.way.name), json(&Value::text(&context))));
        }
    }
}

fn json(value: &Value<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    value.write(&mut out);
    out
}

/// The options as a query string, for the link to the next page.
fn written(options: &QueryOptions) -> String {
    let all = [
        ("$filter", options.filter.clone()),
        ("$orderby", options.orderby.clone()),
        ("$select", options.select.clone()),
        ("$top", options.top.map(|top| top.to_string())),
        ("$count", options.count.map(|count| count.to_string())),
    ];
    let mut query = String::new();
    for (name, value) in all {
        let Some(value) = value else { continue };
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(name);
        query.push('=');
        for byte in value.bytes() {
            match byte {
                b'-' | b'.' | b'_' | b'~' | b',' | b'(' | b')' | b'/' | b':' => query.push(char::from(byte)),
                byte if byte.is_ascii_alphanumeric() => query.push(char::from(byte)),
                byte => query.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    query
}
