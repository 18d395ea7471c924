//! A server token over the limit is answered, whatever the client is still sending when it is refused.

use adept::domain::Permission;
use serde_json::json;
use tokio::process::Command;

use super::started::Started;

/// What a token upload may hold, in bytes.
const LIMIT: usize = 256 * 1024;

#[tokio::test]
async fn an_upload_over_the_limit_is_answered_over_http_1_and_http_2_and_not_cut() {
    let service = Started::new().await;
    let application = service.application(&[Permission::ServiceConfigReadWrite]).await;
    let bearer = format!("Authorization: Bearer {}", service.sign_in(&application).await);
    let settings = service.url("/beta/deviceManagement/depOnboardingSettings");
    let made = service.http.post(&settings).header("Authorization", &bearer["Authorization: ".len()..]);
    let made: serde_json::Value =
        made.json(&json!({ "tokenName": "Test" })).send().await.unwrap().json().await.unwrap();
    let upload = format!("{settings}/{}/uploadDepToken", made["id"].as_str().unwrap());
    let upload_of = async |bytes: usize, how: &[&str]| {
        let file = service.folder.path().join("long");
        let token = "A".repeat(bytes - json!({ "depToken": "" }).to_string().len());
        std::fs::write(&file, json!({ "depToken": token }).to_string()).unwrap();
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--show-error",
            "--insecure",
            "--max-time",
            "60",
            "--write-out",
            "\n%{http_code}",
        ]);
        curl.args(["--header", "Content-Type: application/json", "--header", &bearer]).args(how);
        curl.arg("--data-binary").arg(format!("@{}", file.display())).arg(&upload);
        let done = curl.output().await.expect("curl is installed");
        let said = String::from_utf8_lossy(&done.stderr);
        let answer = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success(), "{bytes} bytes, {how:?}: {said}{answer}");
        answer
    };
    for version in ["--http1.1", "--http2"] {
        // Curl waits for `100 Continue` before a long body by itself, and not with an empty header.
        for more in [
            &[][..],
            &["--header", "Expect:"],
            &["--header", "Expect:", "--header", "Transfer-Encoding: chunked"],
        ] {
            let how = [&[version], more].concat();
            assert!(upload_of(LIMIT, &how).await.ends_with("\n400"), "{how:?}");
            for bytes in [LIMIT + 1, 3 << 20, 31 << 20] {
                let answer = upload_of(bytes, &how).await;
                assert!(answer.ends_with("\n413"), "{bytes} bytes, {how:?}: {answer}");
                assert!(
                    answer.contains("RequestEntityTooLarge") && answer.contains("262144 bytes"),
                    "{answer}"
                );
            }
        }
    }
}
