//! The configuration profile that sends a device to the enrollment URL: what Apple Configurator, or a person, puts on it.
//!
//! It is a "Profile Service" payload: the device posts its attributes to the URL and is answered its management profile.
//! Source: Apple, "Over-the-Air Profile Delivery and Configuration"; "TopLevel" and "Profile Service".

use crate::{
    app::{Error, Profiles},
    domain::{Caller, Profile, ProfileId, SettingId},
};

impl Profiles {
    /// The configuration profile, as XML; a conflict while no enrollment URL is configured.
    pub async fn export_mobile_config(
        &self,
        caller: &Caller,
        setting: SettingId,
        id: ProfileId,
    ) -> Result<String, Error> {
        let profile = self.get(caller, setting, id).await?;
        match &profile.enrollment_url {
            Some(url) => Ok(mobile_config(&profile, url)),
            None => Err(Error::conflict(
                "Where devices enroll is not configured, so there is nothing that a profile could point to. The operator \
                 sets it with --mdm-url.",
            )),
        }
    }
}

fn mobile_config(profile: &Profile, url: &str) -> String {
    let name = escaped(profile.display_name.as_deref().unwrap_or("Device enrollment"));
    let description = match &profile.description {
        Some(text) => format!("\t<key>PayloadDescription</key>\n\t<string>{}</string>\n", escaped(text)),
        None => String::new(),
    };
    let removable = if profile.flag("profileRemovalDisabled") { "true" } else { "false" };
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>PayloadContent</key>
	<dict>
		<key>URL</key>
		<string>{url}</string>
		<key>DeviceAttributes</key>
		<array>
			<string>UDID</string>
			<string>VERSION</string>
			<string>PRODUCT</string>
			<string>SERIAL</string>
		</array>
	</dict>
{description}	<key>PayloadDisplayName</key>
	<string>{name}</string>
	<key>PayloadIdentifier</key>
	<string>adept.enrollment.{setting}.{id}</string>
	<key>PayloadRemovalDisallowed</key>
	<{removable}/>
	<key>PayloadType</key>
	<string>Profile Service</string>
	<key>PayloadUUID</key>
	<string>{uuid}</string>
	<key>PayloadVersion</key>
	<integer>1</integer>
</dict>
</plist>
"#,
        url = escaped(url),
        setting = profile.setting,
        id = profile.id,
        uuid = profile.id.to_string().to_uppercase(),
    )
}

/// Text inside an XML element. Characters that XML cannot hold at all are left out.
fn escaped(text: &str) -> String {
    let mut escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    escaped.retain(|character| match character {
        '\t' | '\n' => true,
        _ => !matches!(character, '\u{0}'..'\u{20}' | '\u{fffe}' | '\u{ffff}'),
    });
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_element() {
        assert_eq!(escaped("a</string>&\u{1}é"), "a&lt;/string&gt;&amp;é");
    }
}
