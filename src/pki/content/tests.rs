//! Each form is known from the others, and what is wrong in one is said.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

struct Made {
    pem: String,
    der: Vec<u8>,
    key: String,
}

fn made() -> Made {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    Made { pem: made.cert.pem(), der: made.cert.der().to_vec(), key: made.signing_key.serialize_pem() }
}

/// What was found: the part and the kind of each thing.
fn rows(bytes: &[u8]) -> Vec<String> {
    let kind = |item: &Item| match item {
        Item::Certificate(_) => "certificate".to_owned(),
        Item::Key(_) => "key".to_owned(),
        Item::Damaged(what) => format!("damaged {what}"),
        Item::Unknown(kind) => format!("unknown: {}", kind.describe()),
        other => format!("{other:?}"),
    };
    let row = |found: &Found| format!("{}={}", found.part.as_deref().unwrap_or("-"), kind(&found.item));
    match contents(bytes, None) {
        Ok(contents) => contents.found.iter().map(row).collect(),
        Err(error) => vec![format!("{error:?}")],
    }
}

/// Texts in each form with a certificate and its key.
fn forms(made: &Made) -> Vec<(Form, Vec<u8>)> {
    let Made { pem, der, key } = made;
    let (pem64, key64) = (STANDARD.encode(pem), STANDARD.encode(key));
    let array = der.iter().fold(String::new(), |all, byte| format!("{all}0x{byte:02x}, "));
    let quoted = |text: &str| text.lines().fold(String::new(), |all, line| format!("{all}  \"{line}\\n\"\n"));
    let indented = |text: &str| text.lines().fold(String::new(), |all, line| format!("{all}    {line}\n"));
    vec![
        (Form::Pem, format!("{pem}{key}").into_bytes()),
        (Form::Der, der.clone()),
        (Form::Base64, STANDARD.encode(der).into_bytes()),
        (Form::C, format!("#pragma once\nconst unsigned char dev_der[] = {{ {array} }};\nconst char *key = R\"X({key})X\";").into_bytes()),
        (Form::C, format!("#define CERT \\\n{}\n", quoted(pem).replace('\n', " \\\n")).into_bytes()),
        (Form::Python, format!("from x import y\nCERT = a2b_base64(b\"{}\")\nKEY = '''{key}'''\n", STANDARD.encode(der)).into_bytes()),
        (Form::Variables, format!("# SECRET\nMQTT_CERT_BASE64={pem64}\nMQTT_KEY_BASE64={key64}\nPORT=8883\n").into_bytes()),
        (Form::Partition, format!("key,type,encoding,value\nm,namespace,,\ncert,data,string,\"{pem}\"\n").into_bytes()),
        (Form::Kubernetes, format!("apiVersion: v1\nkind: Secret\ndata:\n  tls.crt: {pem64}\n  password: aGVsbG8=\nstringData:\n  tls.key: |\n{}", indented(key)).into_bytes()),
        (Form::Kubernetes, format!("{{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"data\":{{\"tls.crt\":\"{pem64}\"}}}}").into_bytes()),
        (Form::Profile, format!("<?xml version=\"1.0\"?><plist><dict><key>PayloadType</key><string>com.apple.security.root</string><key>PayloadContent</key><data>{}</data></dict></plist>", STANDARD.encode(der)).into_bytes()),
        (Form::Archive, archive(&[("d/dev.crt", pem.as_bytes()), ("d/dev.key", key.as_bytes()), ("d/README", b"hello")])),
    ]
}

#[test]
fn each_form_is_told_from_the_others() {
    let made = made();
    for (form, text) in forms(&made) {
        let contents = contents(&text, None).unwrap_or_else(|error| panic!("{form:?}: {error:?}"));
        assert_eq!(contents.form, form);
        let certificates: Vec<_> = contents
            .found
            .iter()
            .filter_map(|found| match &found.item {
                Item::Certificate(it) => Some(it.der.clone()),
                Item::Damaged(_) => panic!("{form:?}: {:?}", rows(&text)),
                _ => None,
            })
            .collect();
        assert_eq!(certificates, std::slice::from_ref(&made.der), "{form:?}");
    }
    let packed = &forms(&made).pop().unwrap().1;
    let wanted = ["d/dev.crt=certificate", "d/dev.key=key", "d/README=unknown: text without any PEM section"];
    assert_eq!(rows(packed), wanted);
}

/// A value that was cut or changed is never just left out.
#[test]
fn what_is_damaged_in_a_form_is_said() {
    let made = made();
    let encoded = STANDARD.encode(&made.der);
    for (form, text) in forms(&made) {
        if matches!(form, Form::Pem | Form::Der | Form::Base64 | Form::Archive) {
            continue;
        }
        let text = String::from_utf8(text).unwrap();
        // In the middle of the certificate.
        let at = [&encoded[40..60], &STANDARD.encode(&made.pem)[200..220], &made.pem[100..120], "0x30, 0x82, "]
            .iter()
            .find_map(|part| text.find(part))
            .unwrap_or_else(|| panic!("{form:?}"));
        let cut = format!("{}{}", &text[..at], &text[at + 12..]);
        let shown = rows(cut.as_bytes()).join(" ");
        assert!(
            shown.contains("damaged") || shown.contains("Unknown") || shown.contains("Damaged"),
            "{form:?}: {shown}"
        );
        assert!(!shown.contains("=certificate"), "{form:?}: {shown}");
    }
    let stray =
        format!("#pragma once\nconst char *a = R\"X({})X\";\n// {}\nMACRO({}", made.pem, made.key, "-----BEGIN X");
    assert!(rows(stray.as_bytes()).iter().any(|row| row == "-=damaged PEM section"));
}

/// Nothing that somebody may write makes a panic.
#[test]
fn texts_cut_and_changed_anywhere_are_read() {
    let made = made();
    for (form, text) in forms(&made) {
        let step = (text.len() / 150).max(1);
        for at in (0..text.len()).step_by(step) {
            let _ = contents(&text[..at], None);
            let mut changed = text.clone();
            for byte in [0, b'"', b'\n', b'<', b'{', 0xff, b'\\'] {
                changed[at] = byte;
                let _ = contents(&changed, None);
                let _ = kind(&changed);
            }
        }
        assert!(contents(&text, None).is_ok(), "{form:?}");
    }
}

#[test]
fn what_is_known_to_be_something_else_is_named() {
    for (bytes, what) in [
        (b"\x1f\x8b\x08rest".as_slice(), "compressed by gzip"),
        (b"PK\x03\x04", "a zip archive"),
        (b"\xfe\xed\xfe\xed\0\0\0\x02", "a Java keystore (JKS)"),
        (b"hello\n", "text without any PEM section"),
        (b"#include <x.h>\nint main(void) { return 0; }\n", "a C source"),
        (b" \n", "empty"),
        (b"\x00\xff", "binary data of an unknown kind"),
    ] {
        let Err(Unreadable::Unknown(kind)) = contents(bytes, None) else { panic!("{what}") };
        assert_eq!(kind.describe(), what);
        assert_eq!(super::kind(bytes).unwrap(), kind);
    }
}

#[test]
fn files_that_a_table_names_are_looked_at_once_and_not_further() {
    let made = made();
    let table = "key,type,encoding,value\nca,file,string,ca.pem\nself,file,string,nvs.csv\ngone,file,string,gone.pem\n";
    let beside = |name: &str| match name {
        "ca.pem" => Some(Zeroizing::new(made.pem.clone().into_bytes())),
        "nvs.csv" => Some(Zeroizing::new(table.as_bytes().to_vec())),
        _ => None,
    };
    let contents = contents(table.as_bytes(), Some(&beside)).unwrap();
    let parts: Vec<_> = contents.found.iter().map(|found| found.part.as_deref().unwrap_or_default()).collect();
    assert_eq!(parts, ["ca.pem", "nvs.csv", "gone.pem"]);
    assert!(matches!(contents.found[0].item, Item::Certificate(_)));
    assert!(contents.found[1..].iter().all(|found| matches!(found.item, Item::Unknown(_))));
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

/// What is too much is not looked at in part, as if the rest were not there.
#[test]
fn what_is_more_than_is_looked_at_is_not_known() {
    let made = made();
    assert!(
        TOO_MUCH.describe().contains(": 100,000 things, 10,000 values of a text, 32 MB")
            && (THINGS_LIMIT, VALUES_LIMIT, NAMED_LIMIT) == (100_000, 10_000, 32 << 20)
    );
    let too_much = [format!("{:?}", Unreadable::Unknown(TOO_MUCH))];
    let repeated = |head: &str, row: &str| format!("{head}{}", row.repeat(VALUES_LIMIT + 1));
    let table = "key,type,encoding,value\n";
    let secret = "apiVersion: v1\nkind: Secret\ndata:\n";
    let long = "x".repeat(NAME_LIMIT + 1);
    for text in [
        repeated(table, "a,data,string,b\n"),
        format!("{}ca,data,string,\"{}\"\n", repeated(&format!("{table}x,y\n"), "a,namespace,,\n"), made.pem),
        repeated("", "A=b\n"),
        repeated(secret, "  a: b\n"),
        repeated("secrets:\n", "  file: x\n"),
        repeated(
            "<?xml?><plist><!-- Payload -->",
            "<dict><key>PayloadType</key><string>com.apple.security.root</string><key>PayloadContent</key><data>MA==</data></dict>",
        ),
        format!("{table}{long},data,string,b\n"),
        format!("{secret}  {long}: b\n"),
        "-----BEGIN A-----\n-----END A-----\n".repeat(THINGS_LIMIT + 1),
        format!(
            "#pragma once\nconst char *a = R\"({})\";",
            "-----BEGIN A-----\n-----END A-----\n".repeat(THINGS_LIMIT + 1)
        ),
    ] {
        assert_eq!(rows(text.as_bytes()), too_much, "{}", &text[..40]);
        let shown = rows(&archive(&[("d/a.txt", text.as_bytes()), ("d/dev.crt", made.pem.as_bytes())]));
        assert_eq!(shown[1], "d/dev.crt=certificate");
        assert!(shown[0].contains("d/a.txt=unknown: more than is looked at"), "{}", shown[0]);
    }
    // Of a source any number of texts is looked at.
    let source =
        format!("#pragma once\n{}const char *a = R\"({})\";", "f(\"ab\");\n".repeat(VALUES_LIMIT + 1), made.pem);
    assert_eq!(rows(source.as_bytes()), ["a=certificate"]);
    let named = format!("{secret}  a: b\n---\n{secret}  a: b\nmetadata:\n  name: {long}\n");
    for odd in [named, format!("{}data: {{a: b}}\n", &secret[..secret.len() - 6])] {
        assert_eq!(rows(odd.as_bytes()), [format!("{:?}", Unreadable::Unknown(UNUSUAL_OBJECT))]);
    }
}

#[test]
fn the_files_that_a_table_names_are_bounded_together() {
    let made = made();
    let table = format!("key,type,encoding,value\n{}", "ca,file,string,ca.pem\n".repeat(5));
    let big = [made.pem.as_bytes(), &vec![b'\n'; NAMED_LIMIT / 2]].concat();
    let asked = std::cell::Cell::new(0);
    let beside = |_: &str| {
        asked.set(asked.get() + 1);
        Some(Zeroizing::new(big.clone()))
    };
    let contents = contents(table.as_bytes(), Some(&beside)).unwrap();
    let is_unknown = |found: &Found| matches!(found.item, Item::Unknown(TOO_MUCH)) && found.is_promised();
    assert_eq!((asked.get(), contents.found.iter().filter(|found| is_unknown(found)).count()), (2, 3));
}

#[test]
fn an_archive_in_an_archive_is_not_left_out() {
    let made = made();
    let inner = archive(&[("dev.crt", made.pem.as_bytes())]);
    let outer = archive(&[("a/dev1.tar", &inner), ("a/dev.crt", made.pem.as_bytes())]);
    let contents = contents(&outer, None).unwrap();
    assert!(contents.found[0].is_promised(), "{contents:?}");
    assert!(matches!(contents.found[0].item, Item::Unknown(Kind::Unread(_))));
}

/// Each of these took hours once, or more memory than there is.
#[test]
fn no_text_takes_more_than_its_length_lets_expect() {
    let secret = "apiVersion: v1\nkind: Secret\ndata:\n";
    let word = "a".repeat(1 << 20);
    for text in [
        format!("{secret}  a: \"{}", "\n   x\\\"".repeat(200_000)),
        format!("#pragma once\n{}", "R\"a(".repeat(500_000)),
        format!("#pragma once\n{word}{}", " =".repeat(500_000)),
        format!("#pragma once\nchar {word}[] = {{ {} }};", "\"ab\", ".repeat(100_000)),
        format!("import x\n{}", "\"\" ".repeat(1_000_000)),
        format!("key,type,encoding,value\n{}", ",".repeat(1_000_000)),
    ] {
        let _ = contents(text.as_bytes(), None);
    }
}
