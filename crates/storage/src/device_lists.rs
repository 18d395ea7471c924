//! Lists of a million devices: the order and the filter that are asked for decide by which index a page is found.
//!
//! In the order of serial numbers a page is found by the primary key, in that of arrival by the index of ids, which tell when
//! devices arrived. By what has few values, the devices with the first value come first, then those with the next: how many
//! there are is counted already, and where they are few an index of just that finds them.

mod by_description;
mod by_value;
#[cfg(test)]
mod tests;

use adept_odata::{CompareOp, Expr, Literal, OrderBy};
use jiff::SignedDuration;
use uuid::Uuid;

use super::{
    Devices, Error,
    column::{Column, Holds},
    device_counts::{self, DeviceCount},
    devices::{COLUMNS, device},
    filter::Sql,
    list::{ListQuery, Listed, Source, of_setting, slow},
    serial_blocks,
};
use adept_domain::{DeviceField, DeviceRow, SettingKey, first_id_at, members};

const SOURCE: Source<DeviceField> = Source {
    columns: COLUMNS,
    table: "devices",
    number: "COUNT(*)",
    column,
    tie: Column::fixed("serial_key", Holds::FoldedText),
    key: Some("tenant, setting, serial_key"),
};

/// The numbers of devices that are alike, for the same filters.
const COUNTED: Source<DeviceField> = Source {
    columns: device_counts::COUNTS,
    table: "counted_devices AS devices",
    number: "CAST(COALESCE(SUM(number), 0) AS BIGINT)",
    column,
    tie: Column::fixed("platform", Holds::Text),
    key: None,
};

/// Devices that are found one by one in any order in the time of a page: where more fulfil a filter, a page of them is soon
/// found while all are read in order. Tests have few devices, and of those both kinds.
const FEW: i64 = if cfg!(debug_assertions) { 20 } else { 5000 };

/// The facets of devices as a first sync brings iPhones and iPads, and Macs.
const USUAL: [i64; 2] = [32, 64];

/// The same in the words of the index of facets, which leaves them out.
const UNUSUAL: &str = "facets NOT IN (32, 64)";

/// Groups of devices that a list is put together of.
const MOST_GROUPS: usize = if cfg!(debug_assertions) { 50 } else { 500 };

/// The column of a field; settings ask for those of their devices too.
pub(super) fn column(field: DeviceField) -> Column {
    let fixed = Column::fixed;
    match field {
        DeviceField::Id => fixed("devices.id", Holds::Id),
        DeviceField::SerialNumber => fixed("devices.serial_key", Holds::Serial),
        DeviceField::Description => Column::nullable("devices.description", Holds::Text),
        DeviceField::Platform => fixed("devices.platform", Holds::Member(members::PLATFORM)),
        DeviceField::DiscoverySource => fixed("devices.source", Holds::Member(members::DISCOVERY_SOURCE)),
        DeviceField::IsDeleted => fixed("devices.deleted", Holds::Bool),
        DeviceField::Created => fixed("devices.created_at", Holds::Time),
        DeviceField::RequestedProfile => Column::nullable("devices.desired_profile", Holds::Id),
        DeviceField::RequestedProfileAt => Column::nullable("devices.desired_at", Holds::Time),
        DeviceField::IsSupervised => fixed("COALESCE(devices.supervised, FALSE)", Holds::Bool),
        DeviceField::LastContacted => Column::time_or_year_one("CAST(NULL AS BIGINT)"),
        DeviceField::EnrollmentState => {
            fixed("CAST('notContacted' AS TEXT)", Holds::Member(members::ENROLLMENT_STATE))
        }
    }
}

/// By which index devices are found.
enum ListIndex {
    /// The primary key, or one that the database chooses.
    Serial,
    /// That of ids: those between these are looked for, both included.
    Id(Uuid, Uuid),
    /// One of their setting and of what they are ordered by first.
    Order,
    /// That of their facets, of which these are looked for.
    Facets(Vec<i64>),
}

impl ListIndex {
    /// The one in whose order devices are asked for.
    fn of(filter: Option<&Expr<DeviceField>>, order: &[OrderBy<DeviceField>]) -> Self {
        match order.first().map(|order| &order.by) {
            Some(Expr::Field(DeviceField::Id)) => {
                let (first, last) = filter.map_or((Uuid::nil(), Uuid::max()), arrival);
                Self::Id(first, last)
            }
            _ => Self::Serial,
        }
    }

    /// The condition that every row must meet.
    fn scope(&self, key: SettingKey) -> impl Fn(&mut Sql) {
        move |sql| {
            if matches!(self, Self::Serial) {
                return of_setting(key)(sql);
            }
            // Of the indexes only those that begin with the setting can serve this, whatever the database knows of the table.
            sql.push("(tenant = ").bind(key.tenant).push(") IS TRUE AND setting = ").bind(key.id);
            if let Self::Id(first, last) = self {
                sql.push(" AND id >= ").bind(*first).push(" AND id <= ").bind(*last);
            }
            if let Self::Facets(facets) = self {
                // The index's own words; and none has -1: a list needs at least one.
                sql.push(&format!(" AND {UNUSUAL} AND facets IN (-1"));
                for facets in facets {
                    sql.push(", ").bind(*facets);
                }
                sql.push(")");
            }
        }
    }
}

impl Devices {
    /// Lists the devices of a setting, gone ones included, by serial number when no other order is asked for.
    pub async fn list(
        &self,
        key: SettingKey,
        query: &ListQuery<DeviceField>,
    ) -> Result<Listed<DeviceRow>, Error> {
        let mut query = query.clone();
        // What is the same of all orders nothing, and SQLite would sort by it.
        query.order.retain(|order| !matches!(order.by, Expr::Field(field) if is_same_of_all(field)));
        if let Some(OrderBy { by: by @ Expr::Field(DeviceField::Created), .. }) = query.order.last_mut() {
            *by = Expr::Field(DeviceField::Id);
        }
        query.filter = match query.filter.take() {
            Some(filter) => Some(self.narrowed(key, filter).await?),
            None => None,
        };
        let total = match std::mem::take(&mut query.count) {
            true => Some(self.count_narrowed(key, query.filter.as_ref()).await?),
            false => None,
        };
        if let Some(listed) = self.list_by_description(key, &query).await? {
            return Ok(Listed { total, ..listed });
        }
        if let Some(listed) = self.list_by_value(key, &query).await? {
            return Ok(Listed { total, ..listed });
        }
        if !query.order.is_empty() {
            // Keys are looked for first then, and rows are read for those of the page.
            query.filter.get_or_insert(Expr::constant(true));
        }
        let listed = match self.index(key, query.filter.as_ref(), &query.order).await? {
            ListIndex::Facets(facets) => {
                let few = ListIndex::Facets(facets.clone());
                let listed = SOURCE.list(&self.db, &query, few.scope(key), device).await?;
                // A device may have gone over from one group to another while both were read.
                match self.few_facets(key, query.filter.as_ref()).await? {
                    Some(now) if now.iter().all(|one| facets.contains(one)) => listed,
                    _ => SOURCE.list(&self.db, &query, ListIndex::Serial.scope(key), device).await?,
                }
            }
            index => SOURCE.list(&self.db, &query, index.scope(key), device).await?,
        };
        Ok(Listed { total, ..listed })
    }

    /// Counts the devices of a setting that fulfil the filter: one by one only where their numbers do not answer it.
    pub async fn count(&self, key: SettingKey, filter: Option<&Expr<DeviceField>>) -> Result<i64, Error> {
        match filter {
            Some(filter) => {
                let filter = self.narrowed(key, filter.clone()).await?;
                self.count_narrowed(key, Some(&filter)).await
            }
            None => self.count_narrowed(key, None).await,
        }
    }

    async fn count_narrowed(
        &self,
        key: SettingKey,
        filter: Option<&Expr<DeviceField>>,
    ) -> Result<i64, Error> {
        let source = if filter.is_none_or(device_counts::answers) { COUNTED } else { SOURCE };
        source.count(&self.db, filter, of_setting(key)).await
    }

    /// The same filter, with the devices named that alone can fulfil it, where there are few.
    async fn narrowed(&self, key: SettingKey, filter: Expr<DeviceField>) -> Result<Expr<DeviceField>, Error> {
        Ok(match serial_blocks::narrowed(&self.db, key, &filter).await? {
            None => filter,
            Some(none) if none.is_empty() => Expr::constant(false),
            Some(some) => {
                let some = some.into_iter().map(Literal::Text).collect();
                filter.and(Expr::In(Box::new(Expr::Field(DeviceField::SerialNumber)), some))
            }
        })
    }

    /// By which index a page is found soonest.
    async fn index(
        &self,
        key: SettingKey,
        filter: Option<&Expr<DeviceField>>,
        order: &[OrderBy<DeviceField>],
    ) -> Result<ListIndex, Error> {
        let few = self.few_facets(key, filter).await?;
        Ok(few.map_or_else(|| ListIndex::of(filter, order), ListIndex::Facets))
    }

    /// The facets of the few devices that alone can fulfil a filter; none where they may be many, or are not in the index.
    async fn few_facets(
        &self,
        key: SettingKey,
        filter: Option<&Expr<DeviceField>>,
    ) -> Result<Option<Vec<i64>>, Error> {
        let Some(filter) = filter.and_then(counted_part) else { return Ok(None) };
        let groups = self.groups_with(key, Some(&filter)).await?;
        Ok(indexed(groups.iter().map(|group| (group.facets, group.number))))
    }

    /// The groups of devices that fulfil a filter that their numbers answer.
    async fn groups_with(
        &self,
        key: SettingKey,
        filter: Option<&Expr<DeviceField>>,
    ) -> Result<Vec<DeviceCount>, Error> {
        let groups = COUNTED.all(filter, of_setting(key))?;
        self.db.all(groups, device_counts::device_count).await.map_err(slow)
    }

    /// How many devices of a setting are alike, those that are gone included.
    pub async fn groups(&self, key: SettingKey) -> Result<Vec<DeviceCount>, Error> {
        self.groups_with(key, None).await
    }
}

/// The facets of groups of devices, with how many they are; none where these are many, or not in the index.
fn indexed(groups: impl Iterator<Item = (i64, i64)>) -> Option<Vec<i64>> {
    let (mut facets, numbers): (Vec<i64>, Vec<i64>) = groups.unzip();
    facets.sort_unstable();
    facets.dedup();
    let few = numbers.iter().sum::<i64>() <= FEW && !facets.iter().any(|facets| USUAL.contains(facets));
    few.then_some(facets)
}

/// Whether all devices have one value of a field.
fn is_same_of_all(field: DeviceField) -> bool {
    matches!(field, DeviceField::LastContacted | DeviceField::EnrollmentState)
}

/// Between which ids all devices lie that fulfil what a filter demands of their arrival.
fn arrival(filter: &Expr<DeviceField>) -> (Uuid, Uuid) {
    let any = (Uuid::nil(), Uuid::max());
    match filter {
        Expr::And(all) => all.iter().map(arrival).fold(any, |a, b| (a.0.max(b.0), a.1.min(b.1))),
        Expr::Compare(op, field, at) => match (&**field, &**at) {
            (Expr::Field(DeviceField::Created), Expr::Literal(Literal::DateTime(at))) => {
                let behind = at.checked_add(SignedDuration::from_micros(1)).map_or(any.1, first_id_at);
                match op {
                    CompareOp::Eq => (first_id_at(*at), behind),
                    CompareOp::Gt | CompareOp::Ge => (first_id_at(*at), any.1),
                    CompareOp::Lt | CompareOp::Le => (any.0, behind),
                    CompareOp::Ne => any,
                }
            }
            _ => any,
        },
        _ => any,
    }
}

/// What a filter demands that the numbers of devices answer; none when it demands nothing of that.
fn counted_part(filter: &Expr<DeviceField>) -> Option<Expr<DeviceField>> {
    match filter {
        Expr::And(all) => all.iter().filter(|one| device_counts::answers(one)).cloned().reduce(Expr::and),
        one => device_counts::answers(one).then(|| one.clone()),
    }
}
