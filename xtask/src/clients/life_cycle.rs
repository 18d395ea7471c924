//! The programs of `clients/`: the whole life of a setting with an SDK of Microsoft's. What they do is up to them.

use std::path::Path;

use super::install::Packages;
use super::sandbox::Sandbox;
use crate::install::copy;
use crate::run::{Result, root};

/// `clients/python/life_cycle.py`; returns its output.
pub(super) fn python(adept: &Path, packages: &Packages) -> Result<String> {
    let python = packages.python.join("bin/python");
    let run = format!("SSL_CERT_FILE=$CA REQUESTS_CA_BUNDLE=$CA '{}' life_cycle.py", python.display());
    play("python", "python", adept, &run)
}

/// `clients/python/generic.py`, whose client reads `$metadata` and nothing else of Graph; returns its output.
pub(super) fn generic(adept: &Path, packages: &Packages) -> Result<String> {
    let python = packages.python.join("bin/python");
    let run = format!("REQUESTS_CA_BUNDLE=$CA '{}' generic.py", python.display());
    play("generic", "python", adept, &run)
}

/// `clients/python/recorded.py`, which sends the requests of `fixtures/requests`; returns its output.
pub(super) fn recorded(adept: &Path, packages: &Packages) -> Result<String> {
    let python = packages.python.join("bin/python");
    let requests = root().join("fixtures/requests/requests.json");
    let run = format!("{WITHOUT_AUDIT}'{}' recorded.py '{}'", python.display(), requests.display());
    play("recorded", "python", adept, &run)
}

/// `clients/javascript/life_cycle.js`; returns its output.
pub(super) fn javascript(adept: &Path, packages: &Packages) -> Result<String> {
    let modules = packages.javascript.join("node_modules");
    let run = format!("ln -s '{}' .\nNODE_EXTRA_CA_CERTS=$CA node life_cycle.js", modules.display());
    play("javascript", "javascript", adept, &run)
}

/// `clients/javascript/kiota.js`; returns its output.
pub(super) fn kiota(adept: &Path, packages: &Packages) -> Result<String> {
    let modules = packages.javascript.join("node_modules");
    let run = format!("ln -s '{}' .\nNODE_EXTRA_CA_CERTS=$CA node kiota.js", modules.display());
    play("kiota", "javascript", adept, &run)
}

const SIMULATOR: &str = "adept simulator --listen 127.0.0.1:8080";
const SERVICE: &str = "adept serve --listen 127.0.0.1:8443 --metrics-listen off --apple-url http://127.0.0.1:8080 \
                       --throttle graph --mdm-url 'https://mdm.example.org/enroll/{settingId}'";
const CREDENTIALS: &str = r#"
adept client add life-cycle --permission DeviceManagementServiceConfig.ReadWrite.All \
  --permission DeviceManagementApps.Read.All > client.txt
export TENANT=$(awk '/^tenantId/ { print $2 }' client.txt)
export CLIENT=$(awk '/^clientId/ { print $2 }' client.txt)
export SECRET=$(awk '/^clientSecret/ { print $2 }' client.txt)
export ADEPT=https://localhost:8443 SIM=http://127.0.0.1:8080/_sim CA=$PWD/adept-data/tls/ca.pem
"#;

/// The programs that were recorded have the permission for devices alone.
const WITHOUT_AUDIT: &str = r#"
adept client add recorded --tenant "$TENANT" --permission DeviceManagementServiceConfig.ReadWrite.All > recorded.txt
export CLIENT=$(awk '/^clientId/ { print $2 }' recorded.txt)
export SECRET=$(awk '/^clientSecret/ { print $2 }' recorded.txt)
"#;

/// Runs a program of a folder of `clients/` in a sandbox of that name.
fn play(name: &str, folder: &str, adept: &Path, run: &str) -> Result<String> {
    let mut sandbox = Sandbox::new(name, adept)?;
    let folder = root().join("clients").join(folder);
    let programs =
        std::fs::read_dir(&folder).map_err(|error| format!("Cannot read {}: {error}.", folder.display()))?;
    for program in programs.flatten().filter(|entry| entry.path().is_file()) {
        copy(&program.path(), &sandbox.folder)?;
    }
    sandbox.open_terminal(SIMULATOR)?;
    sandbox.open_terminal(SERVICE)?;
    let mut shell = sandbox.shell()?;
    shell.run(&sandbox.with_ports(CREDENTIALS))?;
    shell.run(run).map_err(|error| error + &sandbox.logs())
}
