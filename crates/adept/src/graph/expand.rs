//! `$expand`: the entities that navigations lead to, shown with the entity that they lead from. Each expanded list is the
//! list that the navigation's own address shows, with the options in the parentheses.

use adept_odata::{Expand, QueryOptions, parse_expand};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    audit_events, enrollment_profiles,
    entity::{EntitySet, ExpandedMembers},
    error::Error,
    imported_apple_device_identities,
    listing::{Listing, check_options, refuse_list_options, refuse_search, shape_of},
    onboarding_settings,
    protocol::Metadata,
    request_context::RequestContext,
    response::LONGEST_ANSWER,
    route::{AUDIT, READ},
    skiptoken::request_digest,
    types::{
        AUDIT_EVENT, DEP_ONBOARDING_SETTING, ENROLLMENT_PROFILE, EntityType, IMPORTED_APPLE_DEVICE_IDENTITY,
        Navigation, ProfileType, is_called, profile_type_named,
    },
    value::{Value, write_object},
};
use crate::{
    app::{self, Listed},
    domain::{DevicePlatform, Permission, Setting},
};

/// Rows on a page when a collection of each is shown too.
const ROWS: u32 = 20;

/// The navigations to default profiles.
pub(super) const DEFAULT_PROFILES: [(&str, DevicePlatform); 4] = [
    ("defaultIosEnrollmentProfile", DevicePlatform::Ios),
    ("defaultMacOsEnrollmentProfile", DevicePlatform::MacOs),
    ("defaultTvOSEnrollmentProfile", DevicePlatform::TvOs),
    ("defaultVisionOSEnrollmentProfile", DevicePlatform::VisionOs),
];

/// The navigations that a query expands.
pub(super) struct Expansions(Vec<ExpandItem>);

/// One navigation, with the options of the list that it leads to.
struct ExpandItem {
    navigation: &'static Navigation,
    /// The type that a list of profiles is narrowed to.
    cast: Option<&'static ProfileType>,
    options: QueryOptions,
    inner: Expansions,
}

impl Expansions {
    /// Reads the `$expand` of a query of entities of this type.
    pub(super) fn of<R, F, W>(options: &QueryOptions, kind: &EntityType<R, F, W>) -> Result<Self, Error> {
        Self::read(options, &kind.names(), &kind.all_navigations())
    }

    /// `names` are those of the type that the navigations lead from.
    fn read(
        options: &QueryOptions,
        names: &[&'static str],
        navigations: &[&'static Navigation],
    ) -> Result<Self, Error> {
        let Some(text) = &options.expand else { return Ok(Self(Vec::new())) };
        let mut items: Vec<ExpandItem> = Vec::new();
        let (all, named): (Vec<_>, Vec<_>) =
            parse_expand(text)?.into_iter().partition(|item| item.path == "*");
        for item in named {
            items.push(expand_item(item, names, navigations)?);
        }
        for star in all {
            if star.levels.is_some() || star.options != QueryOptions::default() {
                return Err(Error::UnsupportedExpand(format!("{text}: options behind '*'")));
            }
            for navigation in navigations {
                if !items.iter().any(|item| item.navigation.name == navigation.name) {
                    let (options, inner) = (QueryOptions::default(), Self(Vec::new()));
                    items.push(ExpandItem { navigation, cast: None, options, inner });
                }
            }
        }
        Ok(Self(items))
    }

    /// The names of the expanded navigations.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|item| item.navigation.name).collect()
    }

    /// How many rows a page may hold.
    pub(super) fn page(&self) -> u32 {
        if self.0.iter().any(|item| item.navigation.collection) { ROWS } else { u32::MAX }
    }

    /// Expands the navigations of the singleton. Each needs the permission that its own address needs.
    pub(super) async fn expand_device_management(
        &self,
        request: &RequestContext<'_>,
    ) -> Result<ExpandedMembers, Error> {
        let mut expanded = Vec::new();
        for item in &self.0 {
            let at = ExpandedNavigation { request, item };
            match item.navigation.name {
                "depOnboardingSettings" => at.settings(&mut expanded).await?,
                "auditEvents" => at.audit_events(&mut expanded).await?,
                _ => return Err(Error::NoNavigation(item.navigation.name.to_owned())),
            }
        }
        Ok(expanded)
    }

    /// Expands the navigations of each of these settings.
    pub(super) async fn expand_settings(
        &self,
        request: &RequestContext<'_>,
        settings: &[Setting],
    ) -> Result<Vec<ExpandedMembers>, Error> {
        let mut all: Vec<ExpandedMembers> = Vec::with_capacity(settings.len());
        let mut left = LONGEST_ANSWER;
        for setting in settings {
            let mut expanded = Vec::new();
            for item in &self.0 {
                let at = ExpandedNavigation { request, item };
                let before = expanded.len();
                let expanded = &mut expanded;
                match item.navigation.name {
                    _ if left == 0 && item.navigation.collection => {}
                    "importedAppleDeviceIdentities" => at.devices(setting, expanded).await?,
                    "enrollmentProfiles" => at.profiles(setting, expanded).await?,
                    name => {
                        let platform = DEFAULT_PROFILES.iter().find(|(known, _)| *known == name);
                        let (_, platform) = platform.ok_or_else(|| Error::NoNavigation(name.to_owned()))?;
                        at.default(setting, *platform, expanded).await?;
                    }
                }
                let length: usize = expanded[before..].iter().map(|(_, value)| value.len()).sum();
                if item.navigation.collection && (left == 0 || length > left) {
                    let name = item.navigation.name;
                    expanded.truncate(before);
                    at.left_out(&format!("{}('{}')/{name}", onboarding_settings::SET, setting.id), expanded);
                    left = 0;
                }
                left = left.saturating_sub(length);
            }
            all.push(expanded);
        }
        Ok(all)
    }
}

/// One of the navigations. Of the entities that they lead to only settings lead on.
fn expand_item(
    item: Expand,
    names: &[&'static str],
    navigations: &[&'static Navigation],
) -> Result<ExpandItem, Error> {
    let unsupported = || Error::UnsupportedExpand(item.path.clone());
    let mut parts: Vec<_> = item.path.split('/').collect();
    if parts.iter().any(|part| part.starts_with('$')) {
        return Err(unsupported());
    }
    if parts[0].contains('.') {
        let source = parts.remove(0);
        if !names.iter().any(|name| is_called(name, source)) {
            return Err(unsupported());
        }
    }
    let (name, cast) = match parts[..] {
        [name] => (name, None),
        [name, cast] if cast.contains('.') => (name, Some(cast)),
        _ => return Err(Error::NoNavigation(item.path.clone())),
    };
    let navigation = navigations.iter().find(|navigation| navigation.name.eq_ignore_ascii_case(name));
    let navigation = *navigation.ok_or_else(|| Error::NoNavigation(item.path.clone()))?;
    let cast = match cast {
        None => None,
        Some(cast) if is_called(navigation.target, cast) => None,
        Some(cast) if navigation.target == ENROLLMENT_PROFILE.name => {
            Some(profile_type_named(cast).ok_or_else(unsupported)?)
        }
        Some(_) => return Err(unsupported()),
    };
    refuse_search(&item.options)?;
    if item.levels.is_some() {
        return Err(Error::UnsupportedOption("$levels"));
    }
    check_nested(navigation, cast, &item.options)?;
    let (nested_names, nested) = match navigation.target == DEP_ONBOARDING_SETTING.name {
        true => (DEP_ONBOARDING_SETTING.names(), DEP_ONBOARDING_SETTING.all_navigations()),
        false => (Vec::new(), Vec::new()),
    };
    let inner = Expansions::read(&item.options, &nested_names, &nested)?;
    Ok(ExpandItem { navigation, cast, options: item.options, inner })
}

/// Checks the options of a navigation against its type, whether it leads to anything or not.
fn check_nested(
    navigation: &Navigation,
    cast: Option<&'static ProfileType>,
    options: &QueryOptions,
) -> Result<(), Error> {
    if !navigation.collection {
        refuse_list_options(options)?;
    }
    match navigation.target {
        name if name == DEP_ONBOARDING_SETTING.name => check_options(options, &DEP_ONBOARDING_SETTING),
        name if name == AUDIT_EVENT.name => check_options(options, &AUDIT_EVENT),
        name if name == IMPORTED_APPLE_DEVICE_IDENTITY.name => {
            check_options(options, &IMPORTED_APPLE_DEVICE_IDENTITY)
        }
        name => check_options(options, cast.or(profile_type_named(name)).unwrap_or(&ENROLLMENT_PROFILE)),
    }
}

/// The type of the default profile of a platform, as it is declared: an older one may be shown in its place.
pub(super) fn default_type(platform: DevicePlatform) -> &'static ProfileType {
    let name = DEFAULT_PROFILES.iter().find(|(_, known)| *known == platform).map(|(name, _)| *name);
    let mut all = DEP_ONBOARDING_SETTING.all_navigations().into_iter();
    let navigation = all.find(|navigation| Some(navigation.name) == name);
    navigation.and_then(|navigation| profile_type_named(navigation.target)).unwrap_or(&ENROLLMENT_PROFILE)
}

/// One navigation of one entity.
struct ExpandedNavigation<'a> {
    request: &'a RequestContext<'a>,
    item: &'a ExpandItem,
}

impl ExpandedNavigation<'_> {
    /// The list that the navigation's own address would show: that operation with those keys.
    fn listing<R, F: Copy + PartialEq, W>(
        &self,
        operation: &str,
        keys: &[String],
        set: EntitySet<R, F, W>,
    ) -> Result<Listing<R, F, W>, Error> {
        let options = &self.item.options;
        let cast = self.item.cast.map(unqualified);
        let digest = request_digest(self.request.endpoint.version, operation, keys, cast, options);
        let mut listing = Listing::of(options, set, digest, self.request.app().clock().now())?;
        listing.shape.expanded = self.item.inner.names();
        listing.query.top = listing.query.top.min(self.item.inner.page());
        Ok(listing)
    }

    /// A page of the list, with the expanded navigations of each row, and the link to the next page.
    fn list<R, F, W>(
        &self,
        listing: &Listing<R, F, W>,
        listed: &Listed<R>,
        nested: &[ExpandedMembers],
        expanded: &mut ExpandedMembers,
    ) {
        let (name, set) = (self.item.navigation.name, &listing.set.path);
        self.context(set, expanded);
        if let Some(total) = listed.total {
            expanded.push((format!("{name}@odata.count"), json(&Value::Int(total))));
        }
        let cast = self.item.cast.map_or_else(String::new, |cast| format!("/{}", cast.name));
        let path = format!("/{}/{set}{cast}", self.request.endpoint.version.as_str());
        if let Some(link) = listing.next_link(self.request, &path, &written(&self.item.options), listed) {
            expanded.push((format!("{name}@odata.nextLink"), json(&Value::text(&link))));
        }
        let mut rows = Vec::new();
        listing.rows(self.request, listed, nested, &mut rows);
        expanded.push((name.to_owned(), rows));
    }

    /// None of the list, since the answer is long enough, and the link to its first page.
    fn left_out(&self, set: &str, expanded: &mut ExpandedMembers) {
        let name = self.item.navigation.name;
        let cast = self.item.cast.map_or_else(String::new, |cast| format!("/{}", cast.name));
        let (origin, version) = (&self.request.graph().public_url, self.request.endpoint.version.as_str());
        let link = format!("{origin}/{version}/{set}{cast}?{}", written(&self.item.options));
        self.context(set, expanded);
        expanded.push((format!("{name}@odata.nextLink"), json(&Value::text(link.trim_end_matches('?')))));
        expanded.push((name.to_owned(), b"[]".to_vec()));
    }

    async fn settings(&self, expanded: &mut ExpandedMembers) -> Result<(), Error> {
        self.permitted(READ)?;
        let mut listing = self.listing(onboarding_settings::LIST, &[], onboarding_settings::set())?;
        imported_apple_device_identities::with_profiles_of_settings(listing.query.filter.as_mut());
        let request = self.request;
        let listed = request.app().settings.list(&request.caller, &listing.query).await?;
        let nested = self.item.inner.expand_settings(request, &listed.rows).await?;
        self.list(&listing, &listed, &nested, expanded);
        Ok(())
    }

    async fn audit_events(&self, expanded: &mut ExpandedMembers) -> Result<(), Error> {
        self.permitted(AUDIT)?;
        let listing = self.listing(audit_events::LIST, &[], audit_events::set(self.request))?;
        let listed = self.request.app().audit.list(&self.request.caller, &listing.query).await?;
        self.list(&listing, &listed, &[], expanded);
        Ok(())
    }

    fn permitted(&self, needed: &'static [Permission]) -> Result<(), Error> {
        match self.request.caller.permissions.any_of(needed) {
            true => Ok(()),
            false => Err(Error::Forbidden { needed }),
        }
    }

    async fn devices(&self, setting: &Setting, expanded: &mut ExpandedMembers) -> Result<(), Error> {
        let set = imported_apple_device_identities::set(setting.id);
        let mut listing =
            self.listing(imported_apple_device_identities::LIST, &[setting.id.to_string()], set)?;
        imported_apple_device_identities::with_bare_profiles(listing.query.filter.as_mut(), setting.id);
        let devices = &self.request.app().devices;
        let listed = devices.list(&self.request.caller, setting.id, &listing.query).await?;
        self.list(&listing, &listed, &[], expanded);
        Ok(())
    }

    async fn profiles(&self, setting: &Setting, expanded: &mut ExpandedMembers) -> Result<(), Error> {
        let mut set = enrollment_profiles::set(setting.id);
        set.kind = self.item.cast.unwrap_or(set.kind);
        let mut listing = self.listing(enrollment_profiles::LIST, &[setting.id.to_string()], set)?;
        if let Some(kind) = self.item.cast {
            listing.shape.narrowed = true;
            listing.query.filter = Some(enrollment_profiles::of_type(kind, listing.query.filter.take()));
        }
        let profiles = &self.request.app().profiles;
        let listed = profiles.list(&self.request.caller, setting.id, &listing.query).await?;
        self.list(&listing, &listed, &[], expanded);
        Ok(())
    }

    /// The default of a platform, or null.
    async fn default(
        &self,
        setting: &Setting,
        platform: DevicePlatform,
        expanded: &mut ExpandedMembers,
    ) -> Result<(), Error> {
        let name = self.item.navigation.name.to_owned();
        let profiles = &self.request.app().profiles;
        let profile = match profiles.default_of(&self.request.caller, setting.id, platform).await {
            Ok(profile) => profile,
            Err(app::Error::NotFound { .. }) => {
                expanded.push((name, json(&Value::Null)));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let shape = shape_of(&self.item.options, default_type(platform))?;
        let set = enrollment_profiles::set(setting.id);
        self.context(&format!("{}/$entity", set.path), expanded);
        let (writer, mut out) = (self.request.entity_writer(), Vec::new());
        write_object(&mut out, |object| shape.entity(&writer, &set, &profile, &[], object));
        expanded.push((name, out));
        Ok(())
    }

    fn context(&self, set: &str, expanded: &mut ExpandedMembers) {
        if self.request.metadata != Metadata::None {
            let name = format!("{}@odata.context", self.item.navigation.name);
            expanded.push((name, json(&Value::text(&self.request.context(set)))));
        }
    }
}

/// The name of a type without its namespace, as paths narrow by it.
fn unqualified(kind: &'static ProfileType) -> &'static str {
    kind.name.strip_prefix("microsoft.graph.").unwrap_or(kind.name)
}

fn json(value: &Value<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    value.write(&mut out);
    out
}

/// The options as a query string, for the link to the first page, or to the next one, which leaves `$skip` out.
fn written(options: &QueryOptions) -> String {
    let all = [
        ("$filter", options.filter.clone()),
        ("$orderby", options.orderby.clone()),
        ("$select", options.select.clone()),
        ("$expand", options.expand.clone()),
        ("$top", options.top.map(|top| top.to_string())),
        ("$skip", options.skip.map(|skip| skip.to_string())),
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
        query.extend(utf8_percent_encode(&value, NON_ALPHANUMERIC));
    }
    query
}
