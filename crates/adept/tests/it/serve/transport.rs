//! How answers travel: compressed where it is worth it, and read by clients that are still sending.

use reqwest::header::ACCEPT_ENCODING;
use tokio::process::Command;

use super::started::Started;

#[tokio::test]
async fn long_answers_are_compressed_for_clients_that_ask_and_short_ones_are_not() {
    let service = Started::with(&["--plain-http"]).await;
    let ask = async |path: &str, encodings: &str| {
        let asked = service.http.get(service.url(path)).header(ACCEPT_ENCODING, encodings);
        let answer = asked.send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (encoding, vary) = (header("content-encoding"), header("vary").unwrap_or_default());
        (encoding, vary.to_ascii_lowercase(), answer.bytes().await.unwrap())
    };
    let (encoding, vary, plain) = ask("/beta/$metadata", "identity").await;
    assert!(encoding.is_none() && vary.contains("accept-encoding"), "{vary}");
    let (encoding, vary, packed) = ask("/beta/$metadata", "br, gzip;q=0.8").await;
    assert_eq!(encoding.as_deref(), Some("gzip"));
    assert!(vary.contains("accept-encoding") && packed.starts_with(&[0x1f, 0x8b]), "{vary}");
    assert!(packed.len() * 4 < plain.len(), "{} of {} bytes", packed.len(), plain.len());
    let (encoding, _, short) = ask("/beta/deviceManagement", "gzip").await;
    assert!(encoding.is_none() && short.starts_with(b"{"), "{encoding:?}");
}

/// Curl stops sending when the answer comes, and calls a stream that is then reset an error.
#[tokio::test]
async fn curl_reads_the_answer_of_every_long_body_that_is_refused() {
    let service = Started::new().await;
    let body = service.folder.path().join("long");
    std::fs::write(&body, vec![b'a'; 3 << 20]).unwrap();
    for version in ["--http2", "--http1.1"] {
        for path in
            ["/beta/deviceManagement/depOnboardingSettings", "/beta/none", "/none", "/common/oauth2/token"]
        {
            for _ in 0..5 {
                let mut curl = Command::new("curl");
                curl.args(["--silent", "--show-error", "--insecure", "--max-time", "60", version]);
                curl.args(["--write-out", "\n%{http_code}", "--header", "Expect:", "--data-binary"]);
                curl.arg(format!("@{}", body.display())).arg(service.url(path));
                let done = curl.output().await.expect("curl is installed");
                let (answer, said) =
                    (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
                assert!(done.status.success(), "{version} {path}: {said}{answer}");
                let status = answer.lines().last().unwrap();
                assert!(status.starts_with('4') && answer.contains("error"), "{version} {path}: {answer}");
            }
        }
    }
}
