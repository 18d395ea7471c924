//! A list in the order of descriptions. Most devices share theirs with many others: the serial numbers of those that come first are
//! read from their blocks, and then their rows.

use std::collections::HashMap;

use adept_odata::{CompareOp, Expr, Literal, OrderBy};
use serde_json::{Value as Json, json};

use super::{ListIndex, SOURCE};
use crate::{
    Devices, Error,
    devices::device,
    list::{ListQuery, Listed, Position},
    serial_blocks::{self, Block, is_cut},
};
use adept_domain::{DeviceField, DeviceRow, SettingKey, serial_key};

/// Blocks that are read at once, first and at most: of a description with more, the devices are found soon in the order of serial
/// numbers.
const BLOCKS: (usize, usize) = if cfg!(debug_assertions) { (1, 2) } else { (100, 1000) };

impl Devices {
    /// A page of such a list; none when the order is another one, or devices are filtered, or descriptions too long.
    pub(super) async fn list_by_description(
        &self,
        key: SettingKey,
        query: &ListQuery<DeviceField>,
    ) -> Result<Option<Listed<DeviceRow>>, Error> {
        let [OrderBy { by: Expr::Field(DeviceField::Description), descending }] = query.order[..] else {
            return Ok(None);
        };
        if query.skip > 0 || query.filter.as_ref().is_some_and(|filter| *filter != Expr::constant(true)) {
            return Ok(None);
        }
        let top = query.top.clamp(1, 1000) as usize;
        let mut after = query.after.as_ref().map(place).transpose()?;
        // A page before was sorted, and ended within descriptions of which the blocks know the beginning alone.
        if after.as_ref().is_some_and(|(description, _)| is_cut(description)) {
            return Ok(None);
        }
        let mut from = after.as_ref().map(|(description, _)| (description.clone(), true));
        let mut found: Vec<(String, String)> = Vec::with_capacity(top + 1);
        let mut most = BLOCKS.0;
        while found.len() <= top {
            let start = from.as_ref().map(|(description, includes)| (description.as_str(), *includes));
            let blocks = serial_blocks::in_order(&self.db, key, start, descending, most + 1).await?;
            let is_end = blocks.len() <= most;
            let mut alike: Vec<_> =
                blocks.chunk_by(|one, other| one.description == other.description).collect();
            // Of the last description there may be more blocks.
            let last = if is_end { None } else { alike.pop() };
            if let Some([block, ..]) = last
                && alike.is_empty()
            {
                if most < BLOCKS.1 {
                    most = (4 * most).min(BLOCKS.1);
                    continue;
                }
                let description = block.description.clone();
                if is_cut(&description) {
                    return Ok(None);
                }
                let behind = after.take().filter(|after| after.0 == description).map(|after| after.1);
                let left = top + 1 - found.len();
                let serial_keys = self.described(key, &description, behind.as_deref(), left).await?;
                found.extend(serial_keys.into_iter().map(|serial_key| (description.clone(), serial_key)));
                from = Some((description, false));
            }
            for blocks in alike {
                let description = &blocks[0].description;
                if is_cut(description) {
                    return Ok(None);
                }
                let behind = after.take().filter(|after| after.0 == *description);
                let serial_keys = blocks.iter().flat_map(Block::serial_keys);
                let listed = serial_keys.filter(|key| behind.as_ref().is_none_or(|behind| **key > *behind.1));
                let lowest = lowest(listed.collect(), top + 1 - found.len());
                found.extend(lowest.iter().map(|key| (description.clone(), (*key).to_owned())));
                from = Some((description.clone(), false));
            }
            if is_end {
                break;
            }
        }
        let more = found.len() > top;
        found.truncate(top);
        let next = found.last().filter(|_| more).map(|(description, key)| json!([description, key]));
        let next = next.map(|position| Position(position.to_string()));
        Ok(Some(Listed { rows: self.rows(key, found).await?, next, total: None }))
    }

    /// The serial keys of devices with a description, behind one of them.
    async fn described(
        &self,
        key: SettingKey,
        description: &str,
        behind: Option<&str>,
        most: usize,
    ) -> Result<Vec<String>, Error> {
        let is =
            Expr::compare(DeviceField::Description, CompareOp::Eq, Literal::Text(description.to_owned()));
        let filter = match description {
            "" => Expr::Or(vec![is, Expr::is_null(DeviceField::Description)]),
            _ => is,
        };
        let after = behind.map(|behind| Position(json!([behind]).to_string()));
        let query = ListQuery { filter: Some(filter), after, ..ListQuery::default() };
        let (rows, _) = SOURCE.found(&self.db, &query, most, ListIndex::Serial.scope(key)).await?;
        rows.iter().map(|row| Ok(serial_key(&device(row)?.serial))).collect()
    }

    /// The devices with these serial keys, in their order; without those that were removed meanwhile.
    async fn rows(&self, key: SettingKey, found: Vec<(String, String)>) -> Result<Vec<DeviceRow>, Error> {
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let named = found.iter().map(|(_, serial_key)| Literal::Text(serial_key.clone())).collect();
        let filter = Expr::In(Box::new(Expr::Field(DeviceField::SerialNumber)), named);
        let query = ListQuery { filter: Some(filter), ..ListQuery::default() };
        let (rows, _) = SOURCE.found(&self.db, &query, found.len(), ListIndex::Serial.scope(key)).await?;
        let rows = rows.iter().map(device).collect::<Result<Vec<_>, _>>()?;
        let mut rows: HashMap<String, DeviceRow> =
            rows.into_iter().map(|device| (serial_key(&device.serial), device)).collect();
        Ok(found.iter().filter_map(|(_, serial_key)| rows.remove(serial_key)).collect())
    }
}

/// Reads where a page ended: a description as it is listed by, and a serial key.
fn place(position: &Position) -> Result<(String, String), Error> {
    match serde_json::from_str(&position.0) {
        Ok(Json::Array(values)) => match &values[..] {
            [Json::String(description), Json::String(serial_key)] => {
                Ok((description.clone(), serial_key.clone()))
            }
            _ => Err(Error::Position),
        },
        _ => Err(Error::Position),
    }
}

/// The lowest of these, so many at most, in order.
fn lowest(mut keys: Vec<&str>, most: usize) -> Vec<&str> {
    if most < keys.len() {
        keys.select_nth_unstable(most);
        keys.truncate(most);
    }
    keys.sort_unstable();
    keys
}
