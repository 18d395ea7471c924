//! `adept device`: what people read about a device.

use super::adept;
use crate::serve::started::Started;

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_no_setting_lists_is_not_found() {
    let service = Started::new().await;
    let data = format!("--data-dir={}", service.folder.path().display());
    adept(&["device", "show", "C02NOBODY", &data]).is(3, "no setting lists a device C02NOBODY");
    adept(&["device", "ask", "C02NOBODY", &data]).is(3, "no setting lists a device C02NOBODY");
    let nil = "--setting=00000000-0000-0000-0000-000000000001";
    adept(&["device", "counts", "nowhere", &data]).is(3, "no setting");
    adept(&["device", "ask", "C02NOBODY", nil, &data]).is(3, "there is no setting");
}
