//! A list in the order of something that has few values, put together of one list for each value; or of something that most
//! devices have not, put together of the list of those and that of the others.

use std::{cmp::Ordering, collections::HashSet};

use adept_odata::{CompareOp, Expr, Literal};
use serde_json::Value as Json;

use super::{ListIndex, MOST_GROUPS, SOURCE, indexed};
use crate::{
    Devices, Error,
    device_counts::{self, DeviceCount, DeviceGroup},
    devices::device,
    list::{ListQuery, Listed, Position, position_of},
};
use adept_domain::{DeviceField, DeviceRow, SettingKey, members};

/// Devices that are listed together.
struct Part {
    /// The one value that they have of what is ordered by first, as it stands in a position; none where each has its own.
    value: Option<Json>,
    filter: Expr<DeviceField>,
    /// How many they are at most.
    number: i64,
    /// Of which groups they are: facets, and how many have them. Unknown where devices are told apart by having a value.
    groups: Vec<(i64, i64)>,
}

/// What a position holds of a time that is not there.
const NO_TIME: i64 = -9_223_372_036_854_775_807;

impl Devices {
    /// A page of such a list; none when the order is by something else, or the filter by more than the numbers of devices answer.
    pub(super) async fn list_by_value(
        &self,
        key: SettingKey,
        query: &ListQuery<DeviceField>,
    ) -> Result<Option<Listed<DeviceRow>>, Error> {
        let Some((first, rest)) = query.order.split_first() else { return Ok(None) };
        let Expr::Field(field) = first.by else { return Ok(None) };
        if !query.filter.as_ref().is_none_or(device_counts::answers) {
            return Ok(None);
        }
        let mut parts = match field {
            DeviceField::RequestedProfileAt if query.skip == 0 => with_and_without(field),
            _ if !has_few_values(field) => return Ok(None),
            _ => match self.groups_with(key, query.filter.as_ref()).await? {
                many if many.len() > MOST_GROUPS => return Ok(None),
                counts => parts(&counts, field),
            },
        };
        if first.descending {
            parts.reverse();
        }
        let mut after = query.after.as_ref().map(values_of).transpose()?;
        if let Some(after) = &after {
            let head = after.first().ok_or(Error::Position)?;
            parts.drain(..begin(&parts, head, first.descending));
        }
        let known: HashSet<i64> = parts.iter().flat_map(|part| &part.groups).map(|group| group.0).collect();
        let mut read_by_groups = false;
        let (top, mut skip) = (query.top.clamp(1, 1000) as usize, i64::from(query.skip));
        let mut found = Vec::with_capacity(top + 1);
        for part in parts {
            let inside =
                after.take().filter(|after| part.value.is_none() || after.first() == part.value.as_ref());
            if inside.is_none() && skip >= part.number {
                skip -= part.number;
                continue;
            }
            let part_query = ListQuery {
                filter: Some(match &query.filter {
                    Some(filter) => filter.clone().and(part.filter),
                    None => part.filter,
                }),
                order: if part.value.is_some() { rest.to_vec() } else { query.order.clone() },
                top: query.top,
                skip: u32::try_from(skip).unwrap_or(u32::MAX),
                after: inside.map(|mut values| {
                    values.drain(..usize::from(part.value.is_some()));
                    Position(Json::from(values).to_string())
                }),
                count: false,
            };
            skip = 0;
            let few = (!part.groups.is_empty()).then(|| indexed(part.groups.into_iter())).flatten();
            let index = match (&part.value, few) {
                (None, _) => ListIndex::Order,
                (Some(_), Some(facets)) => ListIndex::Facets(facets),
                (Some(_), None) => ListIndex::of(part_query.filter.as_ref(), rest),
            };
            read_by_groups |= matches!(index, ListIndex::Facets(_));
            let most = top + 1 - found.len();
            let (rows, keys) = SOURCE.found(&self.db, &part_query, most, index.scope(key)).await?;
            for row in &rows {
                let mut position: Vec<Json> = part.value.iter().cloned().collect();
                position.extend(position_of(row, &keys)?);
                found.push((device(row)?, position));
            }
            if found.len() > top {
                break;
            }
        }
        // A device may have gone over to a group that nobody was in when the page began.
        if read_by_groups
            && !self
                .groups_with(key, query.filter.as_ref())
                .await?
                .iter()
                .all(|now| known.contains(&now.facets))
        {
            return Ok(None);
        }
        let more = found.len() > top;
        found.truncate(top);
        let next = found.last().filter(|_| more);
        let next = next.map(|(_, position)| Position(Json::from(position.clone()).to_string()));
        Ok(Some(Listed { rows: found.into_iter().map(|(row, _)| row).collect(), next, total: None }))
    }
}

fn values_of(position: &Position) -> Result<Vec<Json>, Error> {
    serde_json::from_str(&position.0).map_err(|_| Error::Position)
}

/// Whether devices are ordered by something that has as many values as groups of devices at most.
fn has_few_values(field: DeviceField) -> bool {
    matches!(
        field,
        DeviceField::Platform
            | DeviceField::DiscoverySource
            | DeviceField::IsDeleted
            | DeviceField::IsSupervised
            | DeviceField::RequestedProfile
    )
}

/// The part in which a position lies; where nobody has its value any more, the part behind it.
fn begin(parts: &[Part], head: &Json, descending: bool) -> usize {
    let lies_behind = |part: &&Part| match &part.value {
        Some(value) if descending => compare(value, head).is_le(),
        Some(value) => compare(value, head).is_ge(),
        None => head.as_i64() != Some(NO_TIME),
    };
    parts.iter().position(|part| lies_behind(&part)).unwrap_or(parts.len())
}

fn compare(one: &Json, other: &Json) -> Ordering {
    match (one, other) {
        (Json::String(one), Json::String(other)) => one.cmp(other),
        (one, other) => one.as_i64().cmp(&other.as_i64()),
    }
}

/// Those that have no value of a field, and those that have one.
fn with_and_without(field: DeviceField) -> Vec<Part> {
    let number = i64::MAX;
    let without =
        Part { value: Some(NO_TIME.into()), filter: Expr::is_null(field), number, groups: Vec::new() };
    // As the index of those is written.
    let with = Expr::Compare(CompareOp::Ne, Box::new(Expr::Field(field)), Box::new(Expr::Null));
    vec![without, Part { value: None, filter: with, number, groups: Vec::new() }]
}

/// The values that devices have, upwards.
fn parts(counts: &[DeviceCount], field: DeviceField) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for DeviceCount { group, number, facets } in counts {
        let (value, filter) = value_of(group, field);
        let group = (*facets, *number);
        match parts.iter_mut().find(|part| part.value.as_ref() == Some(&value)) {
            Some(part) => {
                part.number += number;
                part.groups.push(group);
            }
            None => parts.push(Part { value: Some(value), filter, number: *number, groups: vec![group] }),
        }
    }
    parts.sort_by(|one, other| {
        compare(one.value.as_ref().unwrap_or(&Json::Null), other.value.as_ref().unwrap_or(&Json::Null))
    });
    parts
}

/// What a position holds of a group's value, and the filter for it.
fn value_of(group: &DeviceGroup, field: DeviceField) -> (Json, Expr<DeviceField>) {
    let is = |literal| Expr::compare(field, CompareOp::Eq, literal);
    let yes = |yes: bool| (Json::from(i64::from(yes)), is(Literal::Boolean(yes)));
    let member = |members: &[&'static str], word: &str| {
        let ordinal = members.iter().position(|member| *member == word).unwrap_or_default();
        (Json::from(ordinal as i64), is(Literal::Enum { member: members[ordinal], ordinal }))
    };
    match field {
        DeviceField::Platform => member(members::PLATFORM, &group.platform),
        DeviceField::DiscoverySource => member(members::DISCOVERY_SOURCE, &group.source),
        DeviceField::IsDeleted => yes(group.deleted),
        DeviceField::IsSupervised => yes(group.supervised),
        _ => match group.desired_profile {
            Some(profile) => (Json::from(profile.to_string()), is(Literal::Guid(profile.0))),
            None => (Json::from(String::new()), Expr::is_null(field)),
        },
    }
}
