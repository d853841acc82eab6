//! Formats by the examples of their standards, and there and back.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn decoded(format: Format, topic: &str, payload: &[u8]) -> Result<String, FormatError> {
    Decoder::new(format).decode(topic, payload).map(|decoded| match decoded {
        Decoded::Json(line) | Decoded::Text(line) => String::from_utf8(line).unwrap(),
    })
}

fn bytes(digits: &str) -> Vec<u8> {
    dump::undump(digits.as_bytes()).unwrap()
}

#[test]
fn json_keeps_its_numbers_and_its_order() {
    let text = "{ \"b\": 1.50,\n\"a\": [12345678901234567890123, \"x\\u0041\\\" :\"], \"a\": {}, \"e\": [ ] }";
    let line = r#"{"b":1.50,"a":[12345678901234567890123,"x\u0041\" :"],"a":{},"e":[]}"#;
    assert_eq!(decoded(Format::Json, "t", text.as_bytes()).unwrap(), line);
    for wrong in ["", "{", "[1,]", "{\"a\"}", "1 2", "\"\u{1}\"", "nul"] {
        assert!(matches!(decoded(Format::Json, "t", wrong.as_bytes()), Err(FormatError::Json { .. })), "{wrong}");
    }
}

#[test]
fn json_is_utf_8_in_every_string() {
    for (wrong, line, column) in [(&b"\"\x80\""[..], 1, 2), (b"{\n  \"a\": \"b\xff\"}", 2, 10)] {
        let error = decoded(Format::Json, "t", wrong).unwrap_err();
        assert!(matches!(error, FormatError::Json { line: l, column: c } if (l, c) == (line, column)), "{error}");
        assert!(check_json(wrong).is_err());
    }
}

#[test]
fn pretty_json_has_a_line_for_each_member_and_colours_only_tokens() {
    let mut out = Vec::new();
    let colours = Colours { key: "<k>", text: "<t>", number: "<n>", word: "<w>", end: "</>" };
    write_json(br#"{"a":[1,"b"],"c":{},"d":null}"#, true, Some(&colours), &mut out);
    let expected =
        "{\n  <k>\"a\"</>: [\n    <n>1</>,\n    <t>\"b\"</>\n  ],\n  <k>\"c\"</>: {},\n  <k>\"d\"</>: <w>null</>\n}";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

/// RFC 8949 appendix A.
#[test]
fn cbor_is_read_as_in_the_examples_of_its_standard() {
    let table = [
        ("00", "0"),
        ("1bffffffffffffffff", "18446744073709551615"),
        ("c249010000000000000000", r#""AQAAAAAAAAAA""#),
        ("3bffffffffffffffff", r#""-18446744073709551616""#),
        ("3b7fffffffffffffff", "-9223372036854775808"),
        ("c349010000000000000000", r#""~AQAAAAAAAAAA""#),
        ("3903e7", "-1000"),
        ("f90000", "0.0"),
        ("f98000", "-0.0"),
        ("f93e00", "1.5"),
        ("f97bff", "65504.0"),
        ("f90001", "5.960464477539063e-8"),
        ("f90400", "0.00006103515625"),
        ("f97c00", r#""Infinity""#),
        ("f97e00", r#""NaN""#),
        ("f9fc00", r#""-Infinity""#),
        ("fa47c35000", "100000.0"),
        ("fb3ff199999999999a", "1.1"),
        ("f4", "false"),
        ("f6", "null"),
        ("f7", "null"),
        ("c11a514b67b0", "1363896240"),
        ("d74401020304", r#""AQIDBA""#),
        ("62225c", r#""\"\\""#),
        ("83010203", "[1,2,3]"),
        ("8301820203820405", "[1,[2,3],[4,5]]"),
        ("a201020304", r#"{"1":2,"3":4}"#),
        ("a26161016162820203", r#"{"a":1,"b":[2,3]}"#),
        ("5f42010243030405ff", r#""AQIDBAU""#),
        ("7f657374726561646d696e67ff", r#""streaming""#),
        ("9fff", "[]"),
        ("9f018202039f0405ffff", "[1,[2,3],[4,5]]"),
        ("bf61610161629f0203ffff", r#"{"a":1,"b":[2,3]}"#),
    ];
    for (digits, expected) in table {
        assert_eq!(decoded(Format::Cbor, "t", &bytes(digits)).unwrap(), expected, "{digits}");
    }
}

#[test]
fn what_is_no_cbor_is_an_error() {
    for digits in ["", "18", "1c", "61ff", "8301", "a1", "9f01", "ff", "f8ff", "5f01ff", "62c328"] {
        let Err(FormatError::Wrong("CBOR", why)) = decoded(Format::Cbor, "t", &bytes(digits)) else {
            panic!("{digits}");
        };
        // None of the library's types.
        assert!(!why.contains(['{', '"']) && why.contains(' '), "{digits}: {why}");
    }
    assert_eq!(decoded(Format::Cbor, "t", &bytes("0000")), Err(FormatError::Trailing));
    let deep = [0x81].repeat(1_000_000);
    assert!(decoded(Format::Cbor, "t", &deep).is_err());
    assert!(decoded(Format::Cbor, "t", &[0xc1].repeat(1_000_000)).is_err());
    // Lengths that nobody has the memory for.
    for digits in ["9bffffffffffffffff", "bbffffffffffffffff", "5bffffffffffffffff", "7b7fffffffffffffff00"] {
        assert!(decoded(Format::Cbor, "t", &bytes(digits)).is_err(), "{digits}");
    }
}

#[test]
fn messagepack_is_read_by_its_specification() {
    let table = [
        ("c0", "null"),
        ("c2", "false"),
        ("7f", "127"),
        ("e0", "-32"),
        ("cfffffffffffffffff", "18446744073709551615"),
        ("d38000000000000000", "-9223372036854775808"),
        ("cb3ff199999999999a", "1.1"),
        ("a161", r#""a""#),
        ("c403010203", r#""AQID""#),
        ("93010203", "[1,2,3]"),
        ("82a1610102c3", r#"{"a":1,"2":true}"#),
        ("d605010203ff", r#"{"ext":5,"data_b64":"AQID/w=="}"#),
    ];
    for (digits, expected) in table {
        assert_eq!(decoded(Format::MessagePack, "t", &bytes(digits)).unwrap(), expected, "{digits}");
    }
    for digits in ["", "c1", "93", "da0005", "a1ff", "ddffffffff", "dfffffffff", "c6ffffffff"] {
        assert!(decoded(Format::MessagePack, "t", &bytes(digits)).is_err(), "{digits}");
    }
    assert_eq!(decoded(Format::MessagePack, "t", &bytes("0101")), Err(FormatError::Trailing));
    assert!(decoded(Format::MessagePack, "t", &[0x91].repeat(1_000_000)).is_err());
}

#[test]
fn bytes_are_dumped_and_digits_are_read() {
    let shown = "00000000  68 65 6c 6c 6f 20 1b 7f  ff 0a 30 31 32 33 34 35  |hello ....012345|\n00000010  36                                                |6|";
    assert_eq!(decoded(Format::Hex, "t", b"hello \x1b\x7f\xff\n0123456").unwrap(), shown);
    assert_eq!(encode(&Format::Hex, b" 68 65\n6C6c 6f"), Ok(b"hello".to_vec()));
    for wrong in ["6", "6g", "0x68", "68656"] {
        assert_eq!(encode(&Format::Hex, wrong.as_bytes()), Err(FormatError::HexDigits), "{wrong}");
    }
}

const PROTO: &str = r#"
syntax = "proto3";
package plant;
message Reading { string name = 1; sint64 value = 2; repeated double samples = 3; Unit unit = 4; bytes raw = 5; }
enum Unit { NONE = 0; CELSIUS = 1; }
"#;

/// A .proto file as protoc would make a descriptor set of it.
fn descriptor_set(path: &std::path::Path) -> std::path::PathBuf {
    let set = protox::compile([path], [path.parent().unwrap()]).unwrap();
    let into = path.with_extension("set");
    std::fs::write(&into, prost::Message::encode_to_vec(&set)).unwrap();
    into
}

fn reading() -> Format {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plant.proto");
    std::fs::write(&path, PROTO).unwrap();
    Format::Protobuf(Box::new(load_protobuf(&descriptor_set(&path), &[], "plant.Reading").unwrap()))
}

#[test]
fn protobuf_is_read_and_written_by_a_proto_file() {
    let text = r#"{"name":"a","value":"-3","samples":[1.5,2.0],"unit":"CELSIUS","raw":"AQI="}"#;
    let payload = encode(&reading(), text.as_bytes()).unwrap();
    assert_eq!(payload, bytes("0a0161 1005 1a10000000000000f83f0000000000000040 2001 2a020102"));
    assert_eq!(decoded(reading(), "t", &payload).unwrap(), text);
    assert!(matches!(encode(&reading(), br#"{"nam":"a"}"#), Err(FormatError::Unfit(..))));
    assert!(matches!(encode(&reading(), br#"{"value":1.5}"#), Err(FormatError::Unfit(..))));
    assert!(matches!(decoded(reading(), "t", b"\x0a\x05a"), Err(FormatError::Wrong(..))));
    // A message of another type.
    assert!(matches!(decoded(reading(), "t", &bytes("fa0101 61")), Err(FormatError::Wrong(..))));
    assert_eq!(decoded(reading(), "t", b"").unwrap(), "{}");
}

#[test]
fn a_float_of_32_bits_keeps_its_shortest_digits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.proto");
    std::fs::write(&path, "syntax = \"proto3\"; message A { float f = 1; }").unwrap();
    let format = Format::Protobuf(Box::new(load_protobuf(&descriptor_set(&path), &[], "A").unwrap()));
    assert_eq!(decoded(format, "t", &bytes("0d6666aa41")).unwrap(), r#"{"f":21.3}"#);
}

#[test]
fn what_is_wrong_with_the_file_of_message_types_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.proto");
    std::fs::write(&path, PROTO).unwrap();
    let loaded = load_protobuf(&descriptor_set(&path), &[], "Reading");
    let Err(ProtoError::UnknownMessage { known, .. }) = loaded else { panic!() };
    assert_eq!(known, ["plant.Reading"]);
    let set = folder.path().join("a.pb");
    assert!(matches!(load_protobuf(&set, &[], "A"), Err(ProtoError::Unreadable(..))));
    std::fs::write(&set, b"\xff\xff").unwrap();
    assert!(matches!(load_protobuf(&set, &[], "A"), Err(ProtoError::Descriptors(..))));
    #[cfg(not(feature = "proto"))]
    assert!(matches!(load_protobuf(&path, &[], "plant.Reading"), Err(ProtoError::NoCompiler(..))));
}

#[cfg(feature = "proto")]
#[test]
fn what_is_wrong_with_a_proto_file_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.proto");
    assert!(load_protobuf(&path, &[], "A").is_err());
    std::fs::write(&path, PROTO).unwrap();
    assert!(load_protobuf(&path, &[], "plant.Reading").is_ok());
    for text in ["message {", "syntax = \"proto3\"; import \"b.proto\";"] {
        std::fs::write(&path, text).unwrap();
        assert!(matches!(load_protobuf(&path, &[], "A"), Err(ProtoError::Source(..))));
    }
}

fn birth(name: &str, alias: u64, datatype: &str, value: &Value) -> Vec<u8> {
    let metric = json!({ "name": name, "alias": alias, "datatype": datatype, "value": value });
    sparkplug::encode(&json!({ "timestamp": 1, "seq": 0, "metrics": [metric] })).unwrap()
}

/// A payload with one metric that has an alias and, if there is one, the four bytes of -5.
fn data(alias: u8) -> Vec<u8> {
    [bytes("08 02 12 08 10"), vec![alias], bytes("50 fbffffff 0f")].concat()
}

#[test]
fn sparkplug_names_metrics_by_the_last_birth() {
    let mut decoder = Decoder::new(Format::Sparkplug);
    let mut json = |topic: &str, payload: &[u8]| match decoder.decode(topic, payload).unwrap() {
        Decoded::Json(line) => serde_json::from_slice::<Value>(&line).unwrap(),
        Decoded::Text(_) => Value::Null,
    };
    let topic = |kind: &str, rest: &str| format!("spBv1.0/g/{kind}/{rest}");
    // Before the birth nothing is known, and nothing is guessed.
    assert_eq!(
        json(&topic("NDATA", "e"), &data(1)),
        json!({"timestamp": 2, "metrics": [{"alias": 1, "value": 4_294_967_291_u32}]})
    );
    let born = json(&topic("NBIRTH", "e"), &birth("temperature", 1, "Int32", &json!(-3)));
    assert_eq!(born["metrics"][0], json!({"name": "temperature", "alias": 1, "datatype": "Int32", "value": -3}));
    let known = json!({"name": "temperature", "alias": 1, "datatype": "Int32", "value": -5});
    assert_eq!(json(&topic("NDATA", "e"), &data(1))["metrics"][0], known);
    // Another edge node has aliases of its own, a device those of its node.
    assert_eq!(json(&topic("NDATA", "other"), &data(1))["metrics"][0].get("name"), None);
    json(&topic("DBIRTH", "e/d"), &birth("speed", 2, "Int8", &json!(1)));
    assert_eq!(json(&topic("DDATA", "e/d"), &data(2))["metrics"][0]["name"], "speed");
    json(&topic("DDEATH", "e/d"), &[]);
    assert_eq!(json(&topic("DDATA", "e/d"), &data(2))["metrics"][0].get("name"), None);
    assert_eq!(json(&topic("NDATA", "e"), &data(1))["metrics"][0], known);
    json(&topic("NBIRTH", "e"), &birth("pressure", 1, "Int32", &json!(0)));
    assert_eq!(json(&topic("NDATA", "e"), &data(1))["metrics"][0]["name"], "pressure");
    assert_eq!(json("spBv1.0/STATE/host", br#"{"online":true,"timestamp":1}"#)["online"], true);
}

/// A birth and a message as sparkplug-payload 1.0.3 wrote them, the package of Eclipse Tahu on npm.
const TAHU: [&str; 2] = [
    "0880d095ffbc3112160a0474656d7010051880d095ffbc312009656666aa41120d0a016e1006200150fbffffff0f12140a037536341007200858ff \
     ffffffffffffffff0112070a0162200b7001120e0a0173200c7a076772c3b6c39f65120f0a047768656e200d5880d095ffbc31120e0a0562797465 \
     73201182010200ff122f0a02647320108a01260802120161120162180c1803220d0a033201780a0608ffffffff0f22090a033201790a0208021225 \
     0a0374706c201392011b0a013112070a016d200350031a080a0170100c4201762201542800121a0a0570726f707320034a0d0a04756e6974120508 \
     0c42014350011800",
    "08e8d795ffbc31120910052009650000b4411801",
];

#[test]
fn sparkplug_of_eclipse_tahu_is_read_with_all_its_types() {
    let mut decoder = Decoder::new(Format::Sparkplug);
    let mut read =
        |kind: &str, digits: &str| match decoder.decode(&format!("spBv1.0/g/{kind}/e"), &bytes(digits)).unwrap() {
            Decoded::Json(line) => serde_json::from_slice::<Value>(&line).unwrap(),
            Decoded::Text(_) => panic!(),
        };
    let birth = read("NBIRTH", TAHU[0]);
    let values: Vec<_> =
        birth["metrics"].as_array().unwrap().iter().map(|metric| (&metric["name"], &metric["value"])).collect();
    let data_set = json!({"columns": ["a", "b"], "types": ["String", "Int32"], "rows": [["x", -1], ["y", 2]]});
    let template = json!({
        "version": "1", "template_ref": "T", "is_definition": false,
        "parameters": [{"name": "p", "datatype": "String", "value": "v"}],
        "metrics": [{"name": "m", "datatype": "Int32", "value": 3}],
    });
    let expected = [
        ("temp", json!(21.3)),
        ("n", json!(-5)),
        ("u64", json!(u64::MAX)),
        ("b", json!(true)),
        ("s", json!("größe")),
        ("when", json!(1_700_000_000_000_u64)),
        ("bytes", json!("AP8=")),
        ("ds", data_set),
        ("tpl", template),
        ("props", json!(1)),
    ];
    assert_eq!(values.len(), expected.len());
    for ((name, value), (expected_name, expected)) in values.into_iter().zip(&expected) {
        assert_eq!((name.as_str(), value), (Some(*expected_name), expected));
    }
    assert_eq!(birth["metrics"][9]["properties"], json!({"unit": "C"}));
    assert_eq!(
        read("NDATA", TAHU[1])["metrics"][0],
        json!({"name": "temp", "alias": 5, "datatype": "Float", "value": 22.5})
    );
}

#[test]
fn sparkplug_is_read_only_below_its_topic_and_only_when_it_is_a_payload() {
    for topic in ["t", "spBv1.0", "spBv1.0/g/NDATA", "spBv1.0/g/DDATA/e/d/x", "spAv1.0/g/NDATA/e"] {
        assert_eq!(decoded(Format::Sparkplug, topic, &data(1)), Err(FormatError::NotSparkplugTopic), "{topic}");
    }
    for digits in ["ff", "0a", "fa0101 61"] {
        assert!(decoded(Format::Sparkplug, "spBv1.0/g/NDATA/e", &bytes(digits)).is_err(), "{digits}");
    }
}

#[test]
fn sparkplug_is_written_with_types_and_ranges() {
    for (datatype, value) in [
        ("Int8", json!(-128)),
        ("UInt8", json!(255)),
        ("Int64", json!(i64::MIN)),
        ("UInt64", json!(u64::MAX)),
        ("DateTime", json!(1_795_986_468_000_u64)),
        ("Float", json!(21.3)),
        ("Double", json!(1.1)),
        ("Boolean", json!(true)),
        ("String", json!("ü")),
        ("Bytes", json!("AQI=")),
        ("Int16", Value::Null),
    ] {
        let payload = birth("m", 1, datatype, &value);
        let text = decoded(Format::Sparkplug, "spBv1.0/g/NBIRTH/e", &payload).unwrap();
        let shown: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(shown["metrics"][0]["value"], value, "{datatype}");
    }
    for (datatype, value) in
        [("Int8", json!(128)), ("UInt8", json!(-1)), ("Boolean", json!(1)), ("Template", json!({}))]
    {
        let metric = json!({ "name": "m", "datatype": datatype, "value": value });
        assert!(sparkplug::encode(&json!({ "metrics": [metric] })).is_err(), "{datatype}");
    }
}

#[test]
fn a_payload_beyond_the_limit_is_not_decoded() {
    assert_eq!(decoded(Format::Hex, "t", &vec![0; MAXIMUM_PAYLOAD + 1]), Err(FormatError::TooLarge));
}

fn selected(path: &str, json: &str) -> Option<String> {
    let mut out = Vec::new();
    let found = Select::parse(path).unwrap().write(json.as_bytes(), &mut out).unwrap();
    found.then(|| String::from_utf8(out).unwrap())
}

#[test]
fn a_path_selects_values_a_line_each() {
    let text = r#"{"a":{"b":[1,{"c":"x"},null]},"t":21.50}"#;
    assert_eq!(selected("$.a.b[1].c", text).as_deref(), Some("x"));
    assert_eq!(selected("$.a.b[*]", text).as_deref(), Some("1\n{\"c\":\"x\"}\nnull"));
    assert_eq!(selected("$.none", text), None);
    assert!(Select::parse("a.b").is_err());
    assert!(matches!(Select::parse("$").unwrap().write(b"{", &mut Vec::new()), Err(FormatError::Json { .. })));
}

#[test]
fn regular_expressions_work_or_say_what_build_has_them() {
    let path = r#"$.list[?search(@, "b")]"#;
    if cfg!(feature = "jsonpath-regex") {
        assert_eq!(selected(path, r#"{"list":["abc","d"]}"#).as_deref(), Some("abc"));
    } else {
        let why = "match() and search() need a build with the cargo feature `jsonpath-regex`";
        assert_eq!(Select::parse(path).unwrap_err().why, why);
        assert_eq!(Match::parse(r#"match($.a, "b")"#).unwrap_err().why, why);
    }
    assert_eq!(selected("$.list[?length(@) > 1]", r#"{"list":["abc","d"]}"#).as_deref(), Some("abc"));
}

#[test]
fn a_match_is_a_comparison_or_a_path_that_finds_something() {
    let met = |expression: &str, json: &str| Match::parse(expression).unwrap().is_met(json.as_bytes());
    assert!(met(r#"$.state == "on""#, r#"{"state":"on"}"#));
    assert!(!met(r#"$.state == "on""#, r#"{"state":"off"}"#));
    assert!(!met(r#"$.state == "on""#, "on"));
    assert!(met("$ > 20", "21.5"));
    assert!(met(r#"$.t > 20 && $.name == "a$\"b""#, r#"{"t":21,"name":"a$\"b"}"#));
    assert!(met("$.list[?@.x > 1]", r#"{"list":[{"x":2}]}"#));
    assert!(!met("$.list[?@.x > 1]", r#"{"list":[{"x":1}]}"#));
    assert!(met("$.error", r#"{"error":null}"#));
    let error = Match::parse("$.a == ").unwrap_err();
    assert!(error.position <= "$.a == ".len());
    assert!(Match::parse("").is_err());
}

/// JSON whose numbers every format can hold.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("a number of JSON", |number| number.is_finite()).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec((".{0,4}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn json_goes_into_cbor_and_messagepack_and_comes_out_unchanged(value in any_json()) {
        prop_assert_eq!(&cbor::decode(&cbor::encode(&value).unwrap()).unwrap(), &value);
        prop_assert_eq!(&msgpack::decode(&msgpack::encode(&value).unwrap()).unwrap(), &value);
    }

    #[test]
    fn laid_out_json_is_the_same_json(value in any_json()) {
        let line = value.to_string();
        for pretty in [false, true] {
            let mut out = Vec::new();
            write_json(line.as_bytes(), pretty, None, &mut out);
            prop_assert_eq!(&serde_json::from_slice::<Value>(&out).unwrap(), &value);
            let mut again = Vec::new();
            write_json(&out, false, None, &mut again);
            prop_assert_eq!(String::from_utf8(again).unwrap(), line.as_str());
        }
    }

    #[test]
    fn no_bytes_make_decoding_panic(payload in any::<Vec<u8>>()) {
        for format in [Format::Json, Format::Cbor, Format::MessagePack, Format::Sparkplug, Format::Hex] {
            let _ = decoded(format, "spBv1.0/g/NBIRTH/e", &payload);
        }
    }

    #[test]
    fn digits_give_their_bytes(payload in any::<Vec<u8>>()) {
        let digits = payload.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
        prop_assert_eq!(dump::undump(digits.as_bytes()), Some(payload));
    }
}
