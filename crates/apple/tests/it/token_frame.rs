//! What may stand around the JSON inside a token, and that nothing else may.

use adept_apple::token::TokenError;

use super::support::encoding::Text;
use super::support::seal::{CIPHERS, Cipher, Shape};
use super::support::{JSON, open, seal, token};

const TYPE: &str = "Content-Type: text/plain;charset=UTF-8";
const ENCODING: &str = "Content-Transfer-Encoding: 7bit";

fn assert_opens(text: &str) {
    let opened = open(&seal(text.as_bytes(), &Shape::APPLE));
    assert!(opened.is_ok_and(|opened| opened == token()), "{text:?}");
}

fn assert_refused(text: &str) {
    let refusal = open(&seal(text.as_bytes(), &Shape::APPLE)).err();
    assert_eq!(refusal, Some(TokenError::Unreadable), "{text:?}");
}

fn marked(json: &str) -> String {
    format!("-----BEGIN MESSAGE-----\n{json}\n-----END MESSAGE-----\n")
}

#[test]
fn header_fields_may_be_spelled_in_any_case_with_blanks_and_in_any_order() {
    for fields in [
        "",
        "\r\n\r\n",
        "\n",
        "Content-Type: text/plain\n\n",
        "Content-Type:text/plain\r\n\r\n",
        "content-type : TEXT/PLAIN ; Charset = utf-8 \r\n\r\n",
        "CONTENT-TYPE:\ttext/plain; charset=us-ascii\n \t\n",
        "Content-Type: text/plain;charset=UTF-8\r\r",
        "Content-Transfer-Encoding: 7bit\n\n",
        "Content-Transfer-Encoding: 8BIT\n\n",
        "Content-Transfer-Encoding: Binary\n\n\n\n",
        "Content-Transfer-Encoding: 7bit\r\nContent-Type: text/plain;charset=UTF-8\r\n\r\n",
        " \r\n\tContent-Type: text/plain\n\n",
    ] {
        for body in [JSON.to_owned(), marked(JSON), format!(" \n{}\n \t", marked(JSON))] {
            assert_opens(&format!("{fields}{body}"));
        }
    }
}

#[test]
fn no_other_header_field_and_none_twice() {
    for fields in [
        "A: b\n\n",
        "Content-Type: text/html\n\n",
        "Content-Type: text/plain; charset=latin1\n\n",
        "Content-Type: text/plain; charset=UTF-8; charset=UTF-8\n\n",
        "Content-Type: text/plain; format=flowed\n\n",
        "Content-Type: text/plain;\n charset=UTF-8\n\n",
        "Content-Type text/plain\n\n",
        "Content-Type:\n\n",
        "Content-Transfer-Encoding: base64\n\n",
        "Content-Transfer-Encoding: quoted-printable\n\n",
        "Content-Disposition: inline\n\n",
        "MIME-Version: 1.0\nContent-Type: text/plain\n\n",
        "XContent-Type: text/plain\n\n",
        "Content-Type: text/plain\nContent-Type: text/plain\n\n",
        "Content-Transfer-Encoding: 7bit\nContent-Type: text/plain\nContent-Transfer-Encoding: 8bit\n\n",
        // The empty line.
        "Content-Type: text/plain\n",
        "Content-Type: text/plain",
        // Fields behind it.
        "Content-Type: text/plain\n\nContent-Transfer-Encoding: 7bit\n\n",
    ] {
        for body in [JSON.to_owned(), marked(JSON)] {
            assert_refused(&format!("{fields}{body}"));
        }
    }
}

#[test]
fn both_markers_or_none_each_alone_on_its_line() {
    let (begin, end) = ("-----BEGIN MESSAGE-----", "-----END MESSAGE-----");
    for text in [
        format!("{begin}\n{JSON}\n{end}"),
        format!("{begin} \t\r\n\r\n \t{JSON} \r\n\t{end}"),
        format!("  {begin}\r{JSON}\r{end} "),
    ] {
        assert_opens(&text);
        assert_opens(&format!("{TYPE}\n{ENCODING}\n\n{text}"));
    }
    for text in [
        format!("{begin}\n{JSON}\n"),
        format!("{JSON}\n{end}\n"),
        format!("{end}\n{JSON}\n{begin}\n"),
        format!("{begin}{JSON}\n{end}\n"),
        format!("{begin}\n{JSON}{end}\n"),
        format!("{begin}\n{JSON} {end}\n"),
        format!("{begin}\n{begin}\n{JSON}\n{end}\n"),
        format!("{begin}\n{JSON}\n{end}\n{end}\n"),
        format!("{begin}\n{JSON}\n{end}\n{}", marked(JSON)),
        format!("-----begin message-----\n{JSON}\n-----end message-----\n"),
        format!("----BEGIN MESSAGE----\n{JSON}\n----END MESSAGE----\n"),
        format!("-----BEGIN MESSAGE-----x\n{JSON}\n{end}\n"),
        format!("-----BEGIN CMS-----\n{JSON}\n-----END CMS-----\n"),
        format!("{begin}\n\n{end}\n"),
        format!("{begin}\n{end}\n"),
        format!("{begin}{end}"),
        begin.to_owned(),
        end.to_owned(),
    ] {
        assert_refused(&text);
        assert_refused(&format!("{TYPE}\n{ENCODING}\n\n{text}"));
    }
}

#[test]
fn only_blanks_and_line_ends_stand_before_between_and_behind() {
    let whole = String::from_utf8(Text { line_end: "\n", ..Text::APPLE }.of(JSON)).unwrap();
    for blank in [" ", "\t", "\n", "\r\n", " \n\t \r\n\n"] {
        for text in [
            format!("{blank}{whole}"),
            format!("{whole}{blank}"),
            whole.replace("\n\n", &format!("\n\n{blank}")),
            whole.replace("MESSAGE-----\n{", &format!("MESSAGE-----\n{blank}{{")),
            whole.replace("}\n", &format!("}}{blank}\n")),
            format!("{blank}{JSON}{blank}"),
        ] {
            assert_opens(&text);
        }
    }
    for other in ["x", "{}", "}", "-", "\u{0}", "\u{b}", "\u{c}", "\u{7f}", "\u{a0}", "\u{feff}", "é"] {
        for text in [
            format!("{other}{whole}"),
            format!("{other}\n{whole}"),
            format!("{whole}{other}"),
            format!("{whole}\n{other}"),
            whole.replace("\n\n", &format!("\n\n{other}\n")),
            whole.replace("MESSAGE-----\n{", &format!("MESSAGE-----\n{other}\n{{")),
            whole.replace("}\n", &format!("}}\n{other}\n")),
            format!("{other}{JSON}"),
            format!("{JSON}{other}"),
        ] {
            assert_refused(&text);
        }
    }
}

#[test]
fn the_object_has_the_five_members_as_texts_each_once_and_others_are_ignored() {
    let members: Vec<&str> = JSON[1..JSON.len() - 1].split(',').collect();
    assert_eq!(members.len(), 5);
    for turn in 0..5 {
        let mut turned = members.clone();
        turned.rotate_left(turn);
        assert_opens(&marked(&format!("{{{}}}", turned.join(","))));
        assert_opens(&marked(&format!("{{ {} }}", turned.join(" ,\r\n\t"))));
        for other in [
            r#""more":"text""#,
            r#""more":null"#,
            r#""more":[1,-2.5e3,true,{"x":[]}]"#,
            r#""":{}"#,
            r#""Consumer_Key":"x""#,
        ] {
            let mut more = turned.clone();
            more.insert(turn, other);
            assert_opens(&marked(&format!("{{{}}}", more.join(","))));
        }
        assert_refused(&marked(&format!("{{{}}}", turned[1..].join(","))));
        for value in ["null", "7", "true", "[]", "{}", r#"["x"]"#] {
            let name = turned[0].split_once(':').unwrap().0;
            let changed = format!("{name}:{value}");
            let rest = turned[1..].join(",");
            assert_refused(&marked(&format!("{{{changed},{rest}}}")));
            assert_refused(&marked(&format!("{{{changed},{}}}", turned.join(","))));
        }
        assert_refused(&marked(&format!("{{{},{}}}", turned[0], turned.join(","))));
    }
    for text in [
        format!("[{JSON}]"),
        format!("[{}]", members.join(",")),
        format!("{{{}}}", JSON),
        format!("{JSON}{JSON}"),
        format!("{JSON},"),
        JSON.replace('}', ",}"),
        "{}".to_owned(),
        String::new(),
    ] {
        assert_refused(&marked(&text));
        assert_refused(&text);
    }
}

#[test]
fn a_tab_or_another_letter_inside_a_text_is_refused() {
    for inside in ["\t", "\u{0}", "\u{1f}", "\u{7f}", "ä", "\\u0000", "\\t", "\\u00e4"] {
        assert_refused(&marked(&JSON.replace("CS_", &format!("CS_{inside}"))));
    }
    for inside in ["\t", "\u{1f}", "\u{7f}", "ä"] {
        assert_refused(&marked(&JSON.replace('{', &format!("{{\"more\":\"{inside}\","))));
    }
}

/// Where blocks are short, a garbled one is printable too often.
#[test]
fn secrets_in_other_letters_than_apples_are_not_read_from_short_blocks() {
    for cipher in CIPHERS {
        let shape = Shape { cipher, ..Shape::APPLE };
        for (from, to) in [("CK_48dd", "CK_48DD"), ("AT_O", "AT_0"), ("AS_", ""), ("CS_53", "CS_5")] {
            assert!(
                open(&seal(marked(&JSON.replace(from, to)).as_bytes(), &shape)).is_ok(),
                "{to} {cipher:?}"
            );
        }
        for to in ["CS_g", "cs_", "CS-", "CS_ ", "CS_."] {
            let opened = open(&seal(marked(&JSON.replace("CS_", to)).as_bytes(), &shape));
            assert_eq!(opened.is_ok(), cipher != Cipher::TripleDes, "{to} {cipher:?}");
        }
    }
}
