//! Devices as Apple's JSON, written straight into the answer: a page of a thousand is made for every call.
//! Which fields a client sees depends on the protocol version that it speaks.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;

use crate::world::{Event, Identity, ManualFields, ProfileStatus, Radio, Record, Step, World};

const PRINTER: DateTimePrinter = DateTimePrinter::new();

/// The protocol version that a field came with. Names not listed were there from the first.
fn since(name: &str) -> u32 {
    match name {
        "os" | "device_family" => 2,
        "mdm_migration_deadline" => 8,
        "imei" | "meid" | "eid" => 10,
        "wifi_mac_address" | "bluetooth_mac_address" | "ethernet_mac_address" => 10,
        "is_replacement_device" | "released_by_replacement" => 10,
        _ => 1,
    }
}

/// Writes devices of one server for one protocol version. It writes fields, not the braces around them.
pub(super) struct Show<'a> {
    world: &'a World,
    version: u32,
    /// As JSON, quotes included.
    assigned_by: String,
}

impl<'a> Show<'a> {
    pub(super) fn new(world: &'a World, server: usize, version: u32) -> Show<'a> {
        let owner =
            world.server_and_organization(server).map(|(_, organization)| organization.org_email.as_str());
        let assigned_by = serde_json::Value::from(owner.unwrap_or_default()).to_string();
        Show { world, version, assigned_by }
    }

    /// The serial number only.
    pub(super) fn serial(&self, record: &Record, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\"serial_number\":");
        quoted(record.serial.as_str(), out);
    }

    /// Everything that this protocol version shows.
    pub(super) fn record(&self, record: &Record, out: &mut Vec<u8>) {
        self.serial(record, out);
        let mut fields = Fields { out, version: self.version, manual: record.manual.as_deref() };
        let identity = record.sown.map(|sown| Identity::new(self.world.seed, sown.number()));
        if let Some(identity) = &identity {
            self.order(identity, &mut fields);
        }
        self.profile(record, &mut fields);
        fields.write("device_assigned_date", |out| quoted_time(record.assigned_at, out));
        fields.write("device_assigned_by", |out| out.extend_from_slice(self.assigned_by.as_bytes()));
        if let Some(identity) = &identity {
            self.hardware(identity, &mut fields);
        }
        fields.write_given();
    }

    /// What happened to the device, and when.
    pub(super) fn operation(&self, event: &Event, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"op_type\":");
        quoted(event.operation().as_str(), out);
        out.extend_from_slice(b",\"op_date\":");
        quoted_time(event.at, out);
        if event.step == Step::Replaced && since("released_by_replacement") <= self.version {
            out.extend_from_slice(b",\"released_by_replacement\":true");
        }
    }

    /// Which profile the device carries.
    fn profile(&self, record: &Record, fields: &mut Fields<'_>) {
        fields.write("profile_status", |out| quoted(record.status.as_str(), out));
        let Some(id) = record.profile else { return };
        fields.write("profile_uuid", |out| quoted(&self.world.profile(id).uuid, out));
        fields.write("profile_assign_time", |out| quoted_time(record.profile_assigned_at, out));
        if record.status == ProfileStatus::Pushed {
            fields.write("profile_push_time", |out| quoted_time(record.profile_pushed_at, out));
        }
    }

    /// What the order says about a seeded device.
    fn order(&self, identity: &Identity, fields: &mut Fields<'_>) {
        let model = identity.model;
        fields.write("model", |out| quoted(model.model, out));
        fields.write("description", |out| quoted(model.description, out));
        if let Some(color) = model.color {
            fields.write("color", |out| quoted(color, out));
        }
        if identity.has_asset_tag() {
            fields.write("asset_tag", |out| surrounded(out, |out| identity.asset_tag(out)));
        }
    }

    /// What the hardware of a seeded device is.
    fn hardware(&self, identity: &Identity, fields: &mut Fields<'_>) {
        let model = identity.model;
        let os = if self.version < 7 && model.os == "iPadOS" { "iOS" } else { model.os };
        fields.write("os", |out| quoted(os, out));
        fields.write("device_family", |out| quoted(model.family, out));
        if self.version < 10 {
            return;
        }
        if matches!(model.radio, Radio::Cellular | Radio::DualCellular) {
            fields.write("imei", |out| {
                out.push(b'[');
                surrounded(out, |out| identity.imei(0, out));
                if model.radio == Radio::DualCellular {
                    out.push(b',');
                    surrounded(out, |out| identity.imei(1, out));
                }
                out.push(b']');
            });
            fields.write("meid", |out| {
                out.push(b'[');
                surrounded(out, |out| identity.meid(0, out));
                out.push(b']');
            });
            fields.write("eid", |out| surrounded(out, |out| identity.eid(out)));
        }
        fields.write("wifi_mac_address", |out| surrounded(out, |out| identity.address(0, out)));
        fields.write("bluetooth_mac_address", |out| surrounded(out, |out| identity.address(1, out)));
        if model.radio == Radio::Ethernet {
            fields.write("ethernet_mac_address", |out| surrounded(out, |out| identity.address(2, out)));
        }
    }
}

/// A device with every field, as the portal side shows the truth.
pub(crate) fn whole(world: &World, server: usize, event: &Event) -> Vec<u8> {
    let mut out = Vec::with_capacity(640);
    out.push(b'{');
    Show::new(world, server, u32::MAX).record(&event.record, &mut out);
    out.push(b'}');
    out
}

/// What kind of device it is, if anything says so.
pub(super) fn family(world: &World, record: &Record) -> Option<String> {
    let sown = record.sown.map(|sown| Identity::new(world.seed, sown.number()).model.family.to_owned());
    record.manual_text("device_family").or(sown)
}

/// An object in the making. What is set manually wins over what would be written.
struct Fields<'a> {
    out: &'a mut Vec<u8>,
    version: u32,
    manual: Option<&'a ManualFields>,
}

impl Fields<'_> {
    fn write(&mut self, name: &'static str, value: impl FnOnce(&mut Vec<u8>)) {
        if since(name) > self.version || self.manual.is_some_and(|manual| manual.names(name)) {
            return;
        }
        self.out.push(b',');
        quoted(name, self.out);
        self.out.push(b':');
        value(self.out);
    }

    fn write_given(&mut self) {
        for (name, json) in self.manual.into_iter().flat_map(ManualFields::values) {
            if since(name) > self.version {
                continue;
            }
            let json =
                if self.version < 7 && (name, json) == ("os", "\"iPadOS\"") { "\"iOS\"" } else { json };
            self.out.push(b',');
            self.out.extend_from_slice(serde_json::Value::from(name).to_string().as_bytes());
            self.out.push(b':');
            self.out.extend_from_slice(json.as_bytes());
        }
    }
}

/// `YYYY-MM-DDTHH:MM:SSZ`
pub(super) fn time(seconds: i64, out: &mut Vec<u8>) {
    // Clocks stay within the years that a timestamp can hold, and writing into memory cannot fail.
    let _ = PRINTER.print_timestamp(&Timestamp::from_second(seconds).unwrap_or_default(), out);
}

fn quoted_time(seconds: i64, out: &mut Vec<u8>) {
    surrounded(out, |out| time(seconds, out));
}

/// A text that needs no escaping.
fn quoted(text: &str, out: &mut Vec<u8>) {
    surrounded(out, |out| out.extend_from_slice(text.as_bytes()));
}

fn surrounded(out: &mut Vec<u8>, text: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    text(out);
    out.push(b'"');
}
