//! `sub --decode` and `pub --encode`: payloads of other formats, with Python and published .proto files as the foreign side.

use std::path::Path;
use std::process::Command;

use crate::broker::broker;
use crate::mosquitto::installed;
use crate::run::{Ended, moskit, run};
use crate::terminal::OnTerminal;

/// A broker, and a session that keeps what comes.
struct Desk {
    running: moskit::broker::server::Running,
    port: String,
}

impl Desk {
    fn open() -> Self {
        let (running, address) = broker();
        let desk = Self { running, port: address.port().to_string() };
        assert_eq!(run(&mut desk.sub(&["-E"]), b""), done(""));
        desk
    }

    fn sub(&self, words: &[&str]) -> Command {
        moskit(&[&["sub", "-p", &self.port, "-q", "1", "-c", "-i", "desk", "-t", "#", "-W", "60"][..], words].concat())
    }

    fn publish(&self, words: &[&str], payload: &[u8]) -> Ended {
        run(&mut moskit(&[&["pub", "-p", &self.port, "-q", "1"][..], words].concat()), payload)
    }

    fn shown(&self, count: usize, words: &[&str]) -> Ended {
        run(&mut self.sub(&[words, &["-C", &count.to_string()]].concat()), b"")
    }
}

fn done(stdout: &str) -> Ended {
    Ended { stdout: stdout.to_owned(), stderr: String::new(), code: 0 }
}

#[test]
fn payloads_go_into_each_format_and_come_out_of_it() {
    let desk = Desk::open();
    let json = r#"{"name":"bee","on":true,"list":[1,-2,2.5],"nothing":null}"#;
    for kind in ["json", "cbor", "msgpack"] {
        assert_eq!(desk.publish(&["-t", "t", "--encode", kind, "-m", json], b""), done(""));
        assert_eq!(desk.shown(1, &["--decode", kind]), done(&format!("{json}\n")));
        assert_eq!(desk.publish(&["-t", "t", "--encode", kind, "-l"], b"[1]\n{\"a\":2}\n"), done(""));
        assert_eq!(desk.shown(2, &["--decode", kind, "-v"]), done("t [1]\nt {\"a\":2}\n"));
    }
    assert_eq!(desk.publish(&["-t", "t", "--encode", "hex", "-m", "00 68 69"], b""), done(""));
    assert_eq!(
        desk.shown(1, &["--decode", "hex"]),
        done("00000000  00 68 69                                          |.hi|\n")
    );
    let refused = desk.publish(&["-t", "t", "--encode", "cbor", "-m", "{"], b"");
    assert_eq!(
        (refused.stderr.as_str(), refused.code),
        ("error: the payload is not valid JSON at line 1, column 1\n", 1)
    );
    desk.running.stop();
}

#[test]
fn what_does_not_decode_is_shown_as_it_is_and_told_once_a_topic() {
    let desk = Desk::open();
    let lines = "a\t{\"t\": 1}\na\tno json\na\tnor this\nb\t{\nc/x\t\u{1}\nd\t[2]\n";
    assert_eq!(desk.publish(&["-l", "--topic-per-line"], lines.as_bytes()), done(""));
    // The first filter that matches holds, and what none matches is not decoded.
    let shown = desk.shown(6, &["--decode", "cbor=c/#", "--decode", "json=+", "-v"]);
    assert_eq!(shown.stdout, "a {\"t\":1}\na no json\na nor this\nb {\nc/x 1\nd [2]\n");
    assert_eq!(
        (shown.stderr.as_str(), shown.code),
        (
            "Warning: the payload on 'a' is not decoded: not valid JSON at line 1, column 2.\n\
             Warning: the payload on 'b' is not decoded: not valid JSON at line 1, column 1.\n",
            0
        )
    );
    desk.running.stop();
}

#[test]
fn parts_of_decoded_payloads_are_selected_and_matched() {
    let desk = Desk::open();
    let lines = b"{\"state\":\"off\",\"n\":1}\n{\"state\":\"on\",\"n\":2}\n{\"state\":\"on\",\"n\":3}\n";
    assert_eq!(desk.publish(&["-t", "t", "--encode", "msgpack", "-l"], lines), done(""));
    let words = ["--decode", "msgpack", "--match", "$.state == 'on'", "--select", "$.n"];
    assert_eq!(desk.shown(1, &words), done("2\n"));
    // The one that was passed over is acknowledged, the one behind the last is not.
    assert_eq!(desk.shown(1, &["--decode", "msgpack"]), done("{\"state\":\"on\",\"n\":3}\n"));
    assert_eq!(desk.publish(&["-t", "t", "--encode", "msgpack", "-l"], lines), done(""));
    assert_eq!(desk.shown(3, &["--decode", "msgpack", "-F", "%t %J", "--select", "$"]).stdout.lines().count(), 3);
    desk.running.stop();
}

#[test]
fn on_a_terminal_json_has_a_line_for_each_member_in_colours_and_no_control_of_a_stranger() {
    let desk = Desk::open();
    let shown = |words: &[&str], plain: bool| {
        let payload = "{\"a\":\"x\u{9b}31m\u{202e}\",\"n\":1.50,\"list\":[true,null]}";
        assert_eq!(desk.publish(&["-t", "t\u{202e}", "-s"], payload.as_bytes()), done(""));
        let mut command = desk.sub(&[words, &["-C", "1"]].concat());
        if plain {
            command.env("NO_COLOR", "1");
        }
        let mut terminal = OnTerminal::start(command);
        terminal.child.wait().unwrap();
        terminal.type_in("END\n");
        terminal.wait_for("END").replace("END", "").replace("\r\n", "\n")
    };
    let plain =
        "t\\u{202e} {\n  \"a\": \"x\\u009b31m\\u202e\",\n  \"n\": 1.50,\n  \"list\": [\n    true,\n    null\n  ]\n}\n";
    assert_eq!(shown(&["--decode", "json", "-v"], true), plain);
    let coloured = shown(&["--decode", "json"], false);
    assert_eq!(
        coloured,
        "{\n  \x1b[34m\"a\"\x1b[0m: \x1b[32m\"x\\u009b31m\\u202e\"\x1b[0m,\n  \x1b[34m\"n\"\x1b[0m: \x1b[36m1.50\x1b[0m,\n  \
         \x1b[34m\"list\"\x1b[0m: [\n    \x1b[35mtrue\x1b[0m,\n    \x1b[35mnull\x1b[0m\n  ]\n}\n"
    );
    // In a pipe it is a line, and --pretty lays it out without colours.
    assert_eq!(desk.publish(&["-t", "t", "-m", "[1]"], b""), done(""));
    assert_eq!(desk.shown(1, &["--decode", "json", "--pretty"]), done("[\n  1\n]\n"));
    desk.running.stop();
}

/// A .proto file as protoc would make a descriptor set of it.
fn descriptor_set(path: &Path) -> String {
    let set = protox::compile([path], [path.parent().unwrap()]).unwrap();
    let into = path.with_extension("set");
    std::fs::write(&into, prost::Message::encode_to_vec(&set)).unwrap();
    into.to_str().unwrap().to_owned()
}

#[cfg(feature = "proto")]
#[test]
fn a_proto_file_is_compiled_with_what_it_imports() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open();
    // A type that stands in a file of another folder.
    let imports = folder.path().join("imports");
    std::fs::create_dir(&imports).unwrap();
    let unit = "syntax = \"proto3\"; package lab; enum Unit { NONE = 0; KELVIN = 1; }";
    std::fs::write(imports.join("unit.proto"), unit).unwrap();
    let with_unit = folder.path().join("unit-reading.proto");
    let text = "syntax = \"proto3\"; package lab; import \"unit.proto\"; message UnitReading { Unit unit = 1; }";
    std::fs::write(&with_unit, text).unwrap();
    let files = ["--proto", with_unit.to_str().unwrap(), "--proto-path", imports.to_str().unwrap()];
    let kind = "protobuf:lab.UnitReading";
    let message = ["-t", "t", "-m", "{\"unit\":\"KELVIN\"}", "--encode", kind];
    assert_eq!(desk.publish(&[&message[..], &files].concat(), b""), done(""));
    assert_eq!(desk.shown(1, &[&["--decode", kind][..], &files].concat()), done("{\"unit\":\"KELVIN\"}\n"));
    let bad = folder.path().join("bad.proto");
    std::fs::write(&bad, "syntax = \"proto3\"; message A { int32 n = ; }").unwrap();
    let said =
        run(&mut moskit(&["sub", "-t", "a", "--decode", "protobuf:A", "--proto", bad.to_str().unwrap()]), b"").stderr;
    assert!(said.starts_with(&format!("error: cannot compile `{}`: ", bad.display())), "{said}");
    desk.running.stop();
}

/// Python's struct and bytes as a foreign writer of CBOR, MessagePack and Protocol Buffers.
#[test]
fn bytes_of_another_language_are_decoded() {
    let folder = tempfile::tempdir().unwrap();
    let proto = folder.path().join("lab.proto");
    std::fs::write(&proto, "syntax = \"proto3\"; package lab; message Reading { string name = 1; double value = 2; }")
        .unwrap();
    let proto = &descriptor_set(&proto);
    let desk = Desk::open();
    if installed("python3").is_none() {
        return;
    }
    let script = "import struct, sys\nout = sys.stdout.buffer\n\
                  {'cbor': lambda: out.write(b'\\xa1\\x61n' + b'\\x18\\x2a'),\n\
                  'msgpack': lambda: out.write(b'\\x81\\xa1n\\x2a'),\n\
                  'proto': lambda: out.write(b'\\x0a\\x03bee\\x11' + struct.pack('<d', 2.5))}[sys.argv[1]]()";
    let of_python = |what: &str| Command::new("python3").args(["-c", script, what]).output().unwrap().stdout;
    for (what, words, line) in [
        ("cbor", &["--decode", "cbor"][..], "{\"n\":42}\n"),
        ("msgpack", &["--decode", "msgpack"], "{\"n\":42}\n"),
        ("proto", &["--decode", "protobuf:lab.Reading=t", "--proto", proto], "{\"name\":\"bee\",\"value\":2.5}\n"),
    ] {
        assert_eq!(desk.publish(&["-t", "t", "-s"], &of_python(what)), done(""));
        assert_eq!(desk.shown(1, words), done(line), "{what}");
    }
    let encoded =
        ["-t", "t", "--encode", "protobuf:lab.Reading", "--proto", proto, "-m", "{\"name\":\"bee\",\"value\":2.5}"];
    assert_eq!(desk.publish(&encoded, b""), done(""));
    assert_eq!(desk.shown(1, &["-F", "%x"]), done("0a03626565110000000000000440\n"));
    desk.running.stop();
}

#[test]
fn what_is_wrong_with_a_kind_or_its_file_is_one_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = path("a.proto", "syntax = \"proto3\"; package lab; message A { int32 n = 1; } message B { A a = 1; }");
    let source = good.clone();
    let good = descriptor_set(good.as_ref());
    let no_set = path("set.bin", "this is no descriptor set");
    let said = |words: &[&str]| {
        let shown = run(&mut moskit(words), b"");
        assert_eq!(shown.code, 1, "{words:?}");
        shown.stderr
    };
    let sub = |words: &[&str]| said(&[&["sub", "-p", "1", "-t", "a"][..], words].concat());
    assert!(sub(&["--decode", "xml"]).starts_with(
        "Error: Invalid value 'xml' for --decode: it is json, cbor, msgpack, protobuf:TYPE, sparkplug or hex."
    ));
    assert!(sub(&["--decode", "cbor=a/#/b"]).starts_with("Error: Invalid decode topic 'a/#/b'"));
    assert!(sub(&["--decode", "protobuf:lab.A"]).starts_with("Error: protobuf needs --proto FILE"));
    assert!(sub(&["--proto", &good]).starts_with("Error: --proto needs --decode or --encode with protobuf."));
    assert!(
        sub(&["--ndjson", "--decode", "cbor"]).starts_with("Error: --ndjson and --decode cannot be used together.")
    );
    assert_eq!(
        sub(&["--decode", "protobuf:lab.C", "--proto", &good]),
        format!("error: `{good}` has no message type `lab.C`\nhint: `{good}` has lab.A, lab.B\n")
    );
    assert_eq!(
        sub(&["--decode", "protobuf", "--proto", &good]),
        format!("error: protobuf needs a message type, as protobuf:TYPE\nhint: `{good}` has lab.A, lab.B\n")
    );
    let sought = sub(&["--decode", "protobuf:lab.A", "--proto", &good, "--proto-path", "/"]);
    assert!(sought.ends_with("is no .proto file, and has nothing that --proto-path could find\n"), "{sought}");
    if cfg!(not(feature = "proto")) {
        let said = sub(&["--decode", "protobuf:lab.A", "--proto", &source]);
        assert!(
            said.starts_with(&format!("error: cannot read `{source}`: this build has no compiler for .proto files\n"))
        );
    }
    assert!(sub(&["--decode", "protobuf:A", "--proto", &no_set]).contains("is no descriptor set of Protocol Buffers"));
    assert!(sub(&["--decode", "protobuf:A", "--proto", "/nowhere"]).starts_with("error: cannot read `/nowhere`: "));
    let publish = |words: &[&str]| said(&[&["pub", "-p", "1"][..], words].concat());
    assert!(publish(&["--ndjson", "--encode", "cbor"]).starts_with("Error: --encode cannot be used with records"));
    assert!(
        publish(&["-t", "a", "-m", "1", "--encode", "cbor", "--payload-format", "hex"])
            .starts_with("Error: --payload-format and --encode cannot be used together.")
    );
    let unfit = ["-t", "a", "-m", "{\"x\":1}", "--encode", "protobuf:lab.A", "--proto", &good];
    assert!(publish(&unfit).starts_with("error: the payload cannot be encoded: Protocol Buffers cannot hold it: "));
}

#[test]
fn sparkplug_metrics_have_the_names_of_their_birth() {
    let desk = Desk::open();
    let publish = |kind: &str, json: &str| {
        assert_eq!(
            desk.publish(&["-t", &format!("spBv1.0/G/{kind}/E"), "--encode", "sparkplug", "-m", json], b""),
            done("")
        );
    };
    publish("NBIRTH", r#"{"seq":0,"metrics":[{"name":"t","alias":7,"datatype":"Double","value":1.5}]}"#);
    publish("NDATA", r#"{"seq":1,"metrics":[{"alias":7,"datatype":"Double","value":2.5}]}"#);
    assert_eq!(desk.publish(&["-t", "other", "-m", "x"], b""), done(""));
    let shown = desk.shown(3, &["--decode", "sparkplug", "--select", "$.metrics[*]['name','value']", "-v"]);
    assert_eq!(shown.stdout, "spBv1.0/G/NBIRTH/E t\n1.5\nspBv1.0/G/NDATA/E t\n2.5\nother x\n");
    assert_eq!(shown.stderr, "Warning: the payload on 'other' is not decoded: the topic is not below spBv1.0/.\n");
    desk.running.stop();
}
