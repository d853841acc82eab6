//! Man pages and completion scripts are generated from the applet table, committed, and the same.

use std::fs;
use std::path::Path;

use moskit::cmd::APPLETS;
use moskit::cmd::tool::{completions, man};

fn compare(folder: &str, files: &[(String, String)], repair: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut stale: Vec<_> = files
        .iter()
        .filter(|(name, text)| fs::read_to_string(folder.join(name)).ok().as_ref() != Some(text))
        .map(|(name, _)| name.clone())
        .collect();
    let committed = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    stale.extend(committed.filter(|name| !files.iter().any(|(generated, _)| generated == name)));
    assert!(stale.is_empty(), "not what the applet table makes: {stale:?}; repair with: {repair}");
}

#[test]
fn the_committed_man_pages_are_those_of_the_applet_table() {
    compare("man", &man::pages(APPLETS), "cargo run -- man --out man");
}

#[test]
fn the_committed_completions_are_those_of_the_applet_table() {
    compare("completions", &completions::scripts(APPLETS), "cargo run -- completions --out completions");
}

#[test]
fn options_with_few_values_complete_them() {
    let scripts = completions::scripts(APPLETS);
    let bash = &scripts.iter().find(|(name, _)| name == "moskit.bash").unwrap().1;
    for (option, values) in [
        ("--protocol-version", "mqttv31 mqttv311 mqttv5"),
        ("-V", "mqttv31 mqttv311 mqttv5"),
        ("--qos", "0 1 2"),
        ("--will-qos", "0 1 2"),
        ("--retain-handling", "always new never"),
        ("--tls-version", "tlsv1.2 tlsv1.3"),
        ("--payload-format", "text hex base64 json"),
        ("--decode", "json cbor msgpack protobuf: sparkplug hex"),
        ("--exec-fail", "stop go"),
        ("--fault", "connack= delay= drop close truncate expired-cert wrong-host-cert help"),
        ("--age-from", "store expiry: payload: prop:"),
        ("--hash", "sha512-pbkdf2 sha512 argon2id"),
    ] {
        let offered = format!("                {option})\n                    COMPREPLY=($(compgen -W \"{values}\"");
        assert!(bash.contains(&offered), "{option}");
    }
    // Words without an option: pages, kinds of broken sets, shells.
    for (verb, word) in
        [("man", "pub sub rr passwd"), ("certgen broken", "ca.unknown"), ("completions", "bash elvish fish")]
    {
        let place = format!("moskit__{})", verb.replace(' ', "__"));
        let words = bash.split("opts=\"").filter(|part| part.split('"').next().unwrap().contains(word)).count();
        assert!(words > 0, "{verb}: {place}");
    }
    for (name, parts) in [
        ("moskit.fish", ["-l retain-handling", "always\\t"]),
        ("_moskit", ["--retain-handling=", ":(always new never)"]),
    ] {
        let script = &scripts.iter().find(|(file, _)| file == name).unwrap().1;
        assert!(script.lines().count() > 100 && parts.iter().all(|part| script.contains(part)), "{name}");
    }
}
