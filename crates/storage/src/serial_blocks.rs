//! The serial numbers of a setting's devices once more, many in a text: a part of one is looked for in a few thousand short texts
//! instead of a million rows.

use std::collections::HashSet;

use adept_domain::{DeviceField, SettingKey};
use adept_odata::{Expr, Function, Literal};

use super::{
    Error,
    db::{Db, Row, Transaction, Value, sql},
    filter::contains,
    list::slow,
};

/// Bytes of a block: with more PostgreSQL compresses a row, or keeps it elsewhere.
const LONGEST: usize = 1800;

/// Blocks that are read for the devices they may hold. A part that more of them hold is found soon in the devices themselves.
const MOST: usize = 1000;

/// Serial numbers that a list is narrowed to.
const MOST_KEYS: usize = 2000;

struct Block {
    number: i64,
    serial_keys: String,
}

fn block(row: &Row) -> Result<Block, Error> {
    Ok(Block { number: row.get("block")?, serial_keys: row.get("serial_keys")? })
}

/// Notes devices that are new to a locked setting.
pub(super) async fn add(tx: &mut Transaction, key: SettingKey, new: &[String]) -> Result<(), Error> {
    if new.is_empty() {
        return Ok(());
    }
    let last = sql("SELECT block, serial_keys FROM serial_blocks WHERE tenant = $1 AND setting = $2 \
        ORDER BY block DESC LIMIT 1");
    let last = tx.first(last.bind(key), block).await?;
    let mut block = last.unwrap_or(Block { number: 0, serial_keys: String::new() });
    let mut rows: Vec<Value> = Vec::new();
    for serial_key in new {
        if !block.serial_keys.is_empty() && block.serial_keys.len() + serial_key.len() >= LONGEST {
            rows.extend([block.number.into(), Value::text(std::mem::take(&mut block.serial_keys))]);
            block.number += 1;
        }
        block.serial_keys.push_str(serial_key);
        block.serial_keys.push('\n');
    }
    rows.extend([block.number.into(), Value::text(block.serial_keys)]);
    let insert = sql("INSERT INTO serial_blocks (tenant, setting, block, serial_keys) {inserted} \
        ON CONFLICT (tenant, setting, block) DO UPDATE SET serial_keys = excluded.serial_keys");
    tx.execute_any(insert.bind(key).inserting(rows, 2)).await
}

/// Forgets devices that were removed from a locked setting.
pub(super) async fn forget(tx: &mut Transaction, key: SettingKey, gone: &[String]) -> Result<(), Error> {
    const SOME: &str = "SELECT block, serial_keys FROM serial_blocks WHERE tenant = $1 AND setting = $2 \
        AND serial_keys LIKE $3 ESCAPE '\\'";
    let part = match gone {
        [] => return Ok(()),
        [one] => one.as_str(),
        _ => "",
    };
    let blocks: Vec<Block> = tx.all(sql(SOME).bind((key, Value::text(contains(part)))), block).await?;
    let gone: HashSet<&str> = gone.iter().map(String::as_str).collect();
    for Block { number, serial_keys } in blocks {
        let left: String = serial_keys
            .split_inclusive('\n')
            .filter(|line| !gone.contains(line.trim_end_matches('\n')))
            .collect();
        if left.len() < serial_keys.len() {
            let update = sql(
                "UPDATE serial_blocks SET serial_keys = $4 WHERE tenant = $1 AND setting = $2 AND block = $3",
            );
            tx.execute_any(update.bind((key, number, Value::text(left)))).await?;
        }
    }
    Ok(())
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
