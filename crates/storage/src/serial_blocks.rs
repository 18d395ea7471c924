//! The serial numbers of a setting's devices once more, by description, many in a text: a part of one is looked for in a few thousand
//! short texts instead of a million rows, and the devices with the first descriptions are found without sorting all.

use std::collections::{BTreeMap, HashMap, HashSet};

use adept_domain::{DeviceField, SettingKey};
use adept_odata::{Expr, Function, Literal};

use super::{
    Error,
    db::{Db, KEYS_PER_STATEMENT, Row, Transaction, Value, sql, sql_of_parts},
    filter::contains,
    list::slow,
};

/// Bytes of a block: with more PostgreSQL compresses a row, or keeps it elsewhere. Tests have few devices.
const LONGEST: usize = if cfg!(debug_assertions) { 60 } else { 1800 };

/// Characters of a description that count.
const LONGEST_DESCRIPTION: usize = if cfg!(debug_assertions) { 40 } else { 200 };

/// Blocks that are read for the devices they may hold. A part that more of them hold is found soon in the devices themselves.
const MOST: usize = 1000;

/// Serial numbers that a list is narrowed to.
const MOST_KEYS: usize = 2000;

/// Devices by their serial keys, and what their descriptions are listed by.
pub(super) type Described = BTreeMap<String, String>;

/// Serial numbers of devices that are described alike.
pub(super) struct Block {
    /// What the description is listed by.
    pub(super) description: String,
    number: i64,
    serial_keys: String,
}

impl Block {
    fn of(row: &Row) -> Result<Self, Error> {
        let (description, number) = (row.get("description")?, row.get("block")?);
        Ok(Self { description, number, serial_keys: row.get("serial_keys")? })
    }

    /// The devices' serial keys.
    pub(super) fn serial_keys(&self) -> impl Iterator<Item = &str> {
        self.serial_keys.lines()
    }
}

/// What a description is listed by.
pub(super) fn listed_by(description: Option<&str>) -> String {
    let mut listed_by: String = description.unwrap_or_default().chars().take(LONGEST_DESCRIPTION).collect();
    listed_by.make_ascii_lowercase();
    listed_by
}

/// Whether more than one description may be listed by it.
pub(super) fn is_cut(listed_by: &str) -> bool {
    listed_by.chars().count() >= LONGEST_DESCRIPTION
}

/// How devices of a locked setting are described.
pub(super) async fn described(
    tx: &mut Transaction,
    key: SettingKey,
    serial_keys: &[String],
) -> Result<Described, Error> {
    let mut described = Described::new();
    for keys in serial_keys.chunks(KEYS_PER_STATEMENT) {
        let select = sql("SELECT serial_key, description FROM devices WHERE tenant = $1 AND setting = $2 \
            AND serial_key IN ({listed})");
        let row = |row: &Row| {
            let description: Option<String> = row.get("description")?;
            Ok((row.get("serial_key")?, listed_by(description.as_deref())))
        };
        described.extend(tx.all::<_, Vec<_>>(select.bind(key).listing(keys), row).await?);
    }
    Ok(described)
}

/// Notes devices of a locked setting that are new, or described otherwise than before.
pub(super) async fn describe(
    tx: &mut Transaction,
    key: SettingKey,
    before: &Described,
    now: impl Iterator<Item = (String, Option<&str>)>,
) -> Result<(), Error> {
    // What a description is listed by is made once for all that share it.
    let mut alike: HashMap<Option<&str>, Vec<String>> = HashMap::new();
    for (serial_key, description) in now {
        alike.entry(description).or_default().push(serial_key);
    }
    let mut left: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut new: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (description, mut serial_keys) in alike {
        let description = listed_by(description);
        serial_keys.retain(|serial_key| match before.get(serial_key) {
            Some(before) if *before == description => false,
            Some(before) => {
                left.entry(before).or_default().push(serial_key.clone());
                true
            }
            None => true,
        });
        if !serial_keys.is_empty() {
            new.entry(description).or_default().append(&mut serial_keys);
        }
    }
    for (description, serial_keys) in left {
        take_out(tx, key, Some(description), &serial_keys).await?;
    }
    add(tx, key, new).await
}

async fn add(tx: &mut Transaction, key: SettingKey, new: BTreeMap<String, Vec<String>>) -> Result<(), Error> {
    if new.is_empty() {
        return Ok(());
    }
    let descriptions: serde_json::Value = new.keys().map(String::as_str).collect();
    let last = sql("SELECT description, block, serial_keys FROM json_each($3) CROSS JOIN serial_blocks \
        WHERE tenant = $1 AND setting = $2 AND description = atom AND block = (SELECT MAX(block) FROM serial_blocks AS alike \
        WHERE alike.tenant = $1 AND alike.setting = $2 AND alike.description = atom)");
    let last: Vec<Block> = tx.all(last.bind((key, descriptions)), Block::of).await?;
    let mut last: BTreeMap<String, Block> =
        last.into_iter().map(|block| (block.description.clone(), block)).collect();
    let mut rows: Vec<[Value; 3]> = Vec::new();
    for (description, serial_keys) in new {
        let fresh = || Block { description: description.clone(), number: 0, serial_keys: String::new() };
        let mut block = last.remove(&description).unwrap_or_else(fresh);
        let row = |block: &mut Block| {
            let serial_keys = Value::text(std::mem::take(&mut block.serial_keys));
            [Value::text(block.description.clone()), block.number.into(), serial_keys]
        };
        for serial_key in serial_keys {
            let bytes = description.len() + block.serial_keys.len() + serial_key.len();
            if !block.serial_keys.is_empty() && bytes >= LONGEST {
                rows.push(row(&mut block));
                block.number += 1;
            }
            block.serial_keys.push_str(&serial_key);
            block.serial_keys.push('\n');
        }
        rows.push(row(&mut block));
    }
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let some = rows.by_ref().take(KEYS_PER_STATEMENT).flatten().collect();
        let insert = sql(
            "INSERT INTO serial_blocks (tenant, setting, description, block, serial_keys) {inserted} \
            ON CONFLICT (tenant, setting, description, block) DO UPDATE SET serial_keys = excluded.serial_keys",
        );
        tx.execute_any(insert.bind(key).inserting(some, 3)).await?;
    }
    Ok(())
}

/// Forgets devices that were removed from a locked setting.
pub(super) async fn forget(tx: &mut Transaction, key: SettingKey, gone: &[String]) -> Result<(), Error> {
    take_out(tx, key, None, gone).await
}

/// Takes devices out of the blocks of a description, or of all.
async fn take_out(
    tx: &mut Transaction,
    key: SettingKey,
    description: Option<&str>,
    gone: &[String],
) -> Result<(), Error> {
    let part = match gone {
        [] => return Ok(()),
        [one] => one.as_str(),
        _ => "",
    };
    let alike = if description.is_some() { "AND description = $4" } else { "" };
    let some = sql_of_parts(format!(
        "SELECT description, block, serial_keys FROM serial_blocks WHERE tenant = $1 AND setting = $2 \
         AND serial_keys LIKE $3 ESCAPE '\\' {alike}"
    ));
    let some = some.bind((key, Value::text(contains(part))));
    let some = match description {
        Some(description) => some.bind(description),
        None => some,
    };
    let blocks: Vec<Block> = tx.all(some, Block::of).await?;
    let gone: HashSet<&str> = gone.iter().map(String::as_str).collect();
    for Block { description, number, serial_keys } in blocks {
        let left: String = serial_keys
            .split_inclusive('\n')
            .filter(|line| !gone.contains(line.trim_end_matches('\n')))
            .collect();
        if left.len() < serial_keys.len() {
            let update = sql("UPDATE serial_blocks SET serial_keys = $5 WHERE tenant = $1 AND setting = $2 \
                AND description = $3 AND block = $4");
            tx.execute_any(update.bind((key, description.as_str(), number, Value::text(left)))).await?;
        }
    }
    Ok(())
}

/// The first blocks in the order of descriptions: from one on, or behind one.
pub(super) async fn in_order(
    db: &Db,
    key: SettingKey,
    from: Option<(&str, bool)>,
    descending: bool,
    most: usize,
) -> Result<Vec<Block>, Error> {
    let (from, includes) = from.unzip();
    let bound = match (from, descending) {
        (None, _) => String::new(),
        (Some(_), false) => format!("AND description {} $4", if includes == Some(true) { ">=" } else { ">" }),
        (Some(_), true) => format!("AND description {} $4", if includes == Some(true) { "<=" } else { "<" }),
    };
    let direction = if descending { "DESC" } else { "ASC" };
    let select = sql_of_parts(format!(
        "SELECT description, block, serial_keys FROM serial_blocks WHERE tenant = $1 AND setting = $2 {bound} \
         ORDER BY description {direction}, block {direction} LIMIT $3"
    ));
    let select = select.bind((key, most as i64));
    let select = match from {
        Some(from) => select.bind(from),
        None => select,
    };
    db.all(select, Block::of).await.map_err(slow)
}

/// The devices of which a filter can be true because of the part of a serial number that it asks for; none when it asks for no
/// part, or for one that many have.
pub(super) async fn narrowed(
    db: &Db,
    key: SettingKey,
    filter: &Expr<DeviceField>,
) -> Result<Option<Vec<String>>, Error> {
    let Some(part) = part_of(filter) else { return Ok(None) };
    let select = sql("SELECT serial_keys FROM serial_blocks WHERE tenant = $1 AND setting = $2 \
        AND serial_keys LIKE $3 ESCAPE '\\' LIMIT $4");
    let most = MOST as i64 + 1;
    let select = select.bind((key, Value::text(contains(&part)), most));
    let blocks: Vec<String> = db.all(select, |row| row.get("serial_keys")).await.map_err(slow)?;
    if blocks.len() > MOST {
        return Ok(None);
    }
    let lines = blocks.iter().flat_map(|block| block.lines());
    let found: HashSet<&str> = lines.filter(|serial_key| serial_key.contains(&part)).collect();
    Ok((found.len() <= MOST_KEYS).then(|| found.into_iter().map(str::to_owned).collect()))
}

/// The longest part of a serial number without which the filter is not true, folded.
fn part_of(filter: &Expr<DeviceField>) -> Option<String> {
    match filter {
        Expr::And(all) => all.iter().filter_map(part_of).max_by_key(String::len),
        Expr::Call(Function::Contains | Function::StartsWith | Function::EndsWith, arguments) => {
            match &arguments[..] {
                [Expr::Field(DeviceField::SerialNumber), Expr::Literal(Literal::Text(part))]
                    if !part.is_empty() && !part.contains('\n') =>
                {
                    Some(part.to_ascii_lowercase())
                }
                _ => None,
            }
        }
        _ => None,
    }
}
