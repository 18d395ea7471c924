//! Cursors, and the pages that they lead to.
//!
//! A cursor is base64 without padding of `limit:position:snapshot:milliseconds:done:tag`, much like Apple's own; the
//! tag binds it to the server, so one of another server or simulator, or an edited one, is not a cursor at all.
//! `done` says that everything up to `snapshot` was handed out: such a cursor is for sync, every other for fetch.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use super::{Event, OldFetchCursor, World};

/// Longest cursor that Apple's documentation allows for.
const LONGEST: usize = 1000;

/// Why a cursor leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CursorRefused {
    /// Garbled, of another server or simulator, or of a fetch that is not finished.
    Invalid,
    /// Everything was handed out; only sync goes on from here.
    Exhausted,
    /// Too old for sync.
    Expired,
}

/// A page and the cursor to the next.
pub(crate) struct Page<'a> {
    pub(crate) events: Vec<&'a Event>,
    pub(crate) cursor: String,
    pub(crate) more: bool,
}

#[derive(Clone, Copy)]
struct Cursor {
    position: usize,
    snapshot: usize,
    issued: i64,
    done: bool,
}

impl World {
    /// A page of all devices, as they were when the first page was asked for.
    pub(crate) fn fetch(
        &self,
        server: usize,
        cursor: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<'_>, CursorRefused> {
        let log = &self.servers[server].log;
        let start = match cursor {
            None => Cursor { position: 0, snapshot: log.len(), issued: 0, done: false },
            Some(text) => self.read_cursor(server, text)?,
        };
        if start.done {
            return Err(CursorRefused::Exhausted);
        }
        if cursor.is_some() && self.too_old(start, now) {
            match self.switches.old_fetch_cursor {
                OldFetchCursor::Works => {}
                OldFetchCursor::Expired => return Err(CursorRefused::Expired),
                OldFetchCursor::Invalid => return Err(CursorRefused::Invalid),
            }
        }
        let (events, next) = log.snapshot(start.snapshot, start.position, limit);
        let position = next.unwrap_or(start.snapshot);
        let cursor = Cursor { position, issued: now.as_millisecond(), done: next.is_none(), ..start };
        Ok(Page { events, cursor: self.write_cursor(server, cursor, limit), more: next.is_some() })
    }

    /// A page of what changed since the cursor was issued.
    pub(crate) fn sync(
        &self,
        server: usize,
        cursor: &str,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<'_>, CursorRefused> {
        let log = &self.servers[server].log;
        let start = self.read_cursor(server, cursor)?;
        if !start.done {
            return Err(CursorRefused::Invalid);
        }
        if self.too_old(start, now) {
            return Err(CursorRefused::Expired);
        }
        let entries = log.entries(start.position, limit);
        let position = start.position + entries.len();
        let cursor = Cursor { position, snapshot: position, issued: now.as_millisecond(), done: true };
        Ok(Page {
            events: entries.iter().filter(|event| event.is_told()).collect(),
            cursor: self.write_cursor(server, cursor, limit),
            more: position < log.len(),
        })
    }

    /// Another cursor to what `sent` leads to; when none was sent, to the first page of a fetch.
    pub(crate) fn cursor_again(
        &self,
        server: usize,
        sent: Option<&str>,
        now: Timestamp,
    ) -> Result<String, CursorRefused> {
        let cursor = match sent {
            None => Cursor { position: 0, snapshot: self.servers[server].log.len(), issued: 0, done: false },
            Some(text) => self.read_cursor(server, text)?,
        };
        let text = sent.and_then(|text| String::from_utf8(STANDARD_NO_PAD.decode(text).ok()?).ok());
        let front = text.and_then(|text| text.split(':').next()?.parse::<usize>().ok()).unwrap_or_default();
        // The number in front is never read, so counting it up makes another text of the same cursor.
        let cursor = Cursor { issued: now.as_millisecond(), ..cursor };
        Ok(self.write_cursor(server, cursor, front.wrapping_add(1)))
    }

    fn too_old(&self, cursor: Cursor, now: Timestamp) -> bool {
        let age = SignedDuration::from_millis(now.as_millisecond().saturating_sub(cursor.issued));
        age >= SignedDuration::from_secs(self.switches.cursor_ttl_seconds.into())
    }

    fn write_cursor(&self, server: usize, cursor: Cursor, limit: usize) -> String {
        let Cursor { position, snapshot, issued, done } = cursor;
        let filler = if self.switches.long_cursors { "0".repeat(96) } else { String::new() };
        let text = format!("{limit}:{position}:{snapshot}:{issued}:{done}{filler}");
        let tag = self.cursor_tag(server, &text);
        STANDARD_NO_PAD.encode(format!("{text}:{tag}"))
    }

    fn read_cursor(&self, server: usize, cursor: &str) -> Result<Cursor, CursorRefused> {
        let read = || {
            let bytes =
                STANDARD_NO_PAD.decode(Some(cursor).filter(|cursor| cursor.len() <= LONGEST)?).ok()?;
            let (text, tag) = std::str::from_utf8(&bytes).ok()?.rsplit_once(':')?;
            if tag != self.cursor_tag(server, text) {
                return None;
            }
            let mut fields = text.split(':').skip(1);
            let mut number = || fields.next()?.parse::<i64>().ok();
            let (position, snapshot, issued) = (number()?, number()?, number()?);
            let done = fields.next()?.starts_with("true");
            Some(Cursor { position: position as usize, snapshot: snapshot as usize, issued, done })
        };
        read().ok_or(CursorRefused::Invalid)
    }

    fn cursor_tag(&self, server: usize, text: &str) -> String {
        let mut context = hmac::Context::with_key(&self.cursor_key);
        context.update(self.servers[server].uuid.as_bytes());
        context.update(text.as_bytes());
        if self.switches.cursors_follow_account {
            context.update(self.servers[server].admin().unwrap_or_default().as_bytes());
        }
        context.sign().as_ref()[..6].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WEEK: i64 = 7 * 24 * 3600;

    fn world() -> (World, String) {
        let mut world = World::new(1, false);
        let uuid = world.register_server(None, None, None).unwrap().uuid.to_string();
        (world, uuid)
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_cursor_serves_for_seven_days_from_its_own_issue() {
        let (world, _) = world();
        let cursor = world.fetch(0, None, 10, at(0)).unwrap().cursor;
        let renewed = world.sync(0, &cursor, 10, at(WEEK - 1)).unwrap().cursor;
        assert_eq!(world.sync(0, &cursor, 10, at(WEEK)).err(), Some(CursorRefused::Expired));
        assert!(world.sync(0, &renewed, 10, at(WEEK)).is_ok());
        assert_eq!(world.sync(0, &renewed, 10, at(2 * WEEK)).err(), Some(CursorRefused::Expired));
    }

    #[test]
    fn the_log_never_goes_back_in_time() {
        let (mut world, uuid) = world();
        let cursor = world.fetch(0, None, 10, at(100)).unwrap().cursor;
        for time in [100, 50, 120] {
            world.sow_devices(&uuid, 1, at(time)).unwrap();
        }
        let times: Vec<_> =
            world.sync(0, &cursor, 10, at(120)).unwrap().events.iter().map(|event| event.at).collect();
        assert_eq!(times, [100, 100, 120]);
    }

    proptest! {
        #[test]
        fn no_cursor_is_too_strange(text in ".{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let (world, _) = world();
            for cursor in [text, STANDARD_NO_PAD.encode(bytes)] {
                prop_assert_eq!(world.fetch(0, Some(&cursor), 5, at(0)).err(), Some(CursorRefused::Invalid));
                prop_assert_eq!(world.sync(0, &cursor, 5, at(0)).err(), Some(CursorRefused::Invalid));
            }
        }

        /// While a fetch is read, its pages are the devices of its first page's moment, and the
        /// changes that follow lead to the devices there are.
        #[test]
        fn fetch_then_sync_always_arrives_at_the_truth(
            steps in prop::collection::vec((0_u8..4, any::<prop::sample::Index>()), 0..60),
            limit in 1_usize..5,
        ) {
            let (mut world, uuid) = world();
            world.sow_devices(&uuid, 5, at(0)).unwrap();
            let mut steps = steps.into_iter();
            let mut known = std::collections::BTreeSet::new();
            let mut cursor = None;
            loop {
                let page = world.fetch(0, cursor.as_deref(), limit, at(0)).unwrap();
                known.extend(page.events.iter().map(|event| event.record.serial.as_str().to_owned()));
                let (next, more) = (page.cursor, page.more);
                cursor = Some(next);
                steps.by_ref().take(3).for_each(|step| change(&mut world, &uuid, step));
                if !more { break; }
            }
            steps.for_each(|step| change(&mut world, &uuid, step));
            let mut cursor = cursor.unwrap();
            loop {
                let page = world.sync(0, &cursor, limit, at(0)).unwrap();
                for event in page.events {
                    let serial = event.record.serial.as_str().to_owned();
                    match event.operation() {
                        super::super::Operation::Deleted => known.remove(&serial),
                        _ => known.insert(serial),
                    };
                }
                cursor = page.cursor;
                if !page.more { break; }
            }
            let truth: std::collections::BTreeSet<_> = world.devices(&uuid, 0, 1000).unwrap().iter()
                .map(|event| event.record.serial.as_str().to_owned()).collect();
            prop_assert_eq!(truth.len(), world.servers()[0].device_count());
            prop_assert_eq!(known, truth);
        }
    }

    fn change(world: &mut World, uuid: &str, (kind, index): (u8, prop::sample::Index)) {
        let serials: Vec<_> = world
            .devices(uuid, 0, 1000)
            .unwrap()
            .iter()
            .map(|event| event.record.serial.as_str().to_owned())
            .collect();
        let change = serde_json::Map::from_iter([("color".to_owned(), "RED".into())]);
        match kind {
            1 if !serials.is_empty() => {
                world.modify_device(uuid, &serials[index.index(serials.len())], &change, at(0)).unwrap()
            }
            2 | 3 if !serials.is_empty() => {
                world.remove_device(uuid, &serials[index.index(serials.len())], at(0)).unwrap()
            }
            _ => drop(world.sow_devices(uuid, 1, at(0)).unwrap()),
        }
    }
}
