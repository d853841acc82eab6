//! Certificates and keys as source texts for devices: C, Arduino, ESP-IDF, MicroPython. Names in certificates are strangers' text, so
//! none of them stands here: what is in a text is called by its file's stem, letters, digits and `_`.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::pki::make::to_pem;
use crate::term::{Exit, Failure};

/// What goes into a text, DER.
pub struct Parts<'a> {
    pub stem: &'a str,
    /// When the certificate expires, for people.
    pub expires: &'a str,
    pub ca: Option<&'a [u8]>,
    /// The certificate and the intermediate CAs above it.
    pub chain: Vec<&'a [u8]>,
    /// PKCS#8
    pub key: Option<&'a [u8]>,
}

/// A file of a form that has several.
pub struct Text {
    pub name: String,
    pub content: Zeroizing<String>,
    pub is_secret: bool,
}

/// What holds the key, where that is the text itself.
pub const THIS_FILE: &str = "this file";

/// Room for the texts of a device: what a text grew out of would not be wiped.
const ROOM: usize = 128 * 1024;

/// What a string in the non-volatile storage of ESP-IDF may have, with the zero at its end.
const NVS_STRING_LIMIT: usize = 4000;

/// A stem as C and Python can name it.
pub fn identifier(stem: &str) -> String {
    let plain: String =
        stem.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    // A name that begins with a digit is none, and one that begins with `_` is the compiler's.
    if plain.starts_with(|c: char| c.is_ascii_lowercase()) { plain } else { format!("x{plain}") }
}

/// Words of Python, and modules of MicroPython and its ports, with those that a board runs when it starts. A module of
/// such a name cannot be imported, or is imported in the place of the other.
const TAKEN: [&str; 88] = [
    "and",
    "as",
    "assert",
    "async",
    "await",
    "break",
    "class",
    "continue",
    "def",
    "del",
    "elif",
    "else",
    "except",
    "finally",
    "for",
    "from",
    "global",
    "if",
    "import",
    "in",
    "is",
    "lambda",
    "nonlocal",
    "not",
    "or",
    "pass",
    "raise",
    "return",
    "try",
    "while",
    "with",
    "yield",
    "array",
    "asyncio",
    "binascii",
    "bluetooth",
    "boot",
    "btree",
    "builtins",
    "cmath",
    "collections",
    "cryptolib",
    "datetime",
    "deflate",
    "dht",
    "errno",
    "esp",
    "esp32",
    "espnow",
    "framebuf",
    "gc",
    "gzip",
    "hashlib",
    "heapq",
    "inisetup",
    "io",
    "json",
    "lwip",
    "machine",
    "main",
    "math",
    "micropython",
    "mip",
    "neopixel",
    "network",
    "ntptime",
    "onewire",
    "os",
    "platform",
    "pyb",
    "random",
    "re",
    "requests",
    "rp2",
    "select",
    "simple",
    "socket",
    "ssl",
    "stm",
    "struct",
    "sys",
    "time",
    "tls",
    "uctypes",
    "umqtt",
    "vfs",
    "websocket",
    "zlib",
];

/// A stem as a module of Python: as [`identifier`], with an `x` before what is taken, also with the `u` that such
/// modules had before.
pub fn module(stem: &str) -> String {
    let name = identifier(stem);
    let is_taken = TAKEN.contains(&name.as_str()) || name.strip_prefix('u').is_some_and(|rest| TAKEN.contains(&rest));
    if is_taken { format!("x{name}") } else { name }
}

impl Parts<'_> {
    pub fn ca_pem(&self) -> Option<Zeroizing<String>> {
        self.ca.map(|der| to_pem("CERTIFICATE", der))
    }

    /// The certificate and what is above it.
    pub fn chain_pem(&self) -> Option<Zeroizing<String>> {
        let all = self.chain.iter().map(|der| to_pem("CERTIFICATE", der).to_string());
        (!self.chain.is_empty()).then(|| Zeroizing::new(all.collect()))
    }

    pub fn key_pem(&self) -> Option<Zeroizing<String>> {
        self.key.map(|der| to_pem("PRIVATE KEY", der))
    }

    /// The texts that there are: `ca`, `cert` and `key`, PEM.
    pub fn pems(&self) -> Vec<(&'static str, Zeroizing<String>)> {
        let all = [("ca", self.ca_pem()), ("cert", self.chain_pem()), ("key", self.key_pem())];
        all.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
    }

    /// The same as DER, of the chain only the certificate, since a DER text holds one.
    fn ders(&self) -> Vec<(&'static str, &[u8])> {
        let all = [("ca", self.ca), ("cert", self.chain.first().copied()), ("key", self.key)];
        all.into_iter().filter_map(|(name, der)| Some((name, der?))).collect()
    }

    /// The first lines of a text, each behind `mark`; `holder` has the key.
    fn head(&self, mark: &str, holder: &str) -> String {
        format!("{mark} Made by moskit certgen export. Expires {}.\n{}", self.expires, self.secret(mark, holder))
    }

    /// The line that says that `holder` has the key, if there is one.
    pub fn secret(&self, mark: &str, holder: &str) -> String {
        match self.key {
            Some(_) => format!("{mark} SECRET: {holder} holds a private key. Keep it out of version control.\n"),
            None => String::new(),
        }
    }
}

/// DER as arrays, for mbedTLS, wolfSSL and BearSSL in C.
pub fn c_header(parts: &Parts<'_>) -> Zeroizing<String> {
    let name = identifier(parts.stem);
    let guard = format!("{}_CERTIFICATES_H", name.to_ascii_uppercase());
    let mut text = Zeroizing::new(String::with_capacity(ROOM));
    let _ = writeln!(text, "{}#ifndef {guard}\n#define {guard}", parts.head("//", THIS_FILE));
    let chain = parts.chain.iter().enumerate().skip(1).map(|(at, der)| (format!("chain{at}"), *der));
    let all = parts.ders().into_iter().map(|(what, der)| (what.to_owned(), der)).chain(chain);
    for (what, der) in all {
        let _ = write!(text, "\nstatic const unsigned char {name}_{what}_der[] = {{");
        for (at, byte) in der.iter().enumerate() {
            let _ = write!(text, "{}0x{byte:02x},", if at % 12 == 0 { "\n    " } else { " " });
        }
        let _ = writeln!(text, "\n}};\nstatic const unsigned int {name}_{what}_der_len = {};", der.len());
    }
    let _ = writeln!(text, "\n#endif");
    text
}

/// PEM as raw strings, which WiFiClientSecure takes: setCACert, setCertificate, setPrivateKey.
pub fn arduino(parts: &Parts<'_>) -> Zeroizing<String> {
    let name = identifier(parts.stem);
    let mut text = Zeroizing::new(String::with_capacity(ROOM));
    text.push_str(&parts.head("//", THIS_FILE));
    let calls = [("ca", "setCACert"), ("cert", "setCertificate"), ("key", "setPrivateKey")];
    for (what, _) in parts.pems() {
        let call = calls.iter().find(|(name, _)| *name == what).map_or("", |(_, call)| call);
        let _ = writeln!(text, "//   client.{call}({name}_{what}_pem);    // WiFiClientSecure client;");
    }
    text.push_str("#pragma once\n#ifndef PROGMEM\n#define PROGMEM\n#endif\n");
    for (what, pem) in parts.pems() {
        let _ = writeln!(text, "\nstatic const char {name}_{what}_pem[] PROGMEM = R\"PEM({})PEM\";", *pem);
    }
    text
}

/// A component: PEM that the linker embeds under names that no other component has, a header that names it, and the lines of a partition for each device.
pub fn esp_idf(parts: &Parts<'_>) -> Result<Vec<Text>, Failure> {
    let name = identifier(parts.stem);
    let pems = parts.pems();
    let beside = format!("{name}_key.pem beside this file");
    let mut header = format!("{}#pragma once\n", parts.head("//", &beside));
    let mut build = format!("{}idf_component_register(INCLUDE_DIRS \".\" EMBED_TXTFILES", parts.head("#", &beside));
    let mut partition = "key,type,encoding,value\nmqtt,namespace,,\n".to_owned();
    header.push_str("\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
    let mut files = Vec::new();
    for (what, pem) in pems {
        if pem.len() >= NVS_STRING_LIMIT {
            return Err(Failure::new(
                Exit::FAILED,
                format!("`{what}` has {} bytes, and a string in ESP-IDF's storage takes {NVS_STRING_LIMIT}", pem.len()),
            )
            .hint("a key of type p256 is small: moskit certgen client --key p256"));
        }
        let _ = writeln!(header, "extern const char {name}_{what}_pem[] __asm__(\"_binary_{name}_{what}_pem_start\");");
        let _ = write!(build, " \"{name}_{what}.pem\"");
        let _ = writeln!(partition, "{what},file,string,{name}_{what}.pem");
        files.push(Text { name: format!("{name}_{what}.pem"), content: pem, is_secret: what == "key" });
    }
    header.push_str("#ifdef __cplusplus\n}\n#endif\n");
    build.push_str(")\n");
    let key = format!("{name}_key.pem\n");
    for (name, text) in
        [(format!("{name}.h"), header), ("CMakeLists.txt".to_owned(), build), ("nvs.csv".to_owned(), partition)]
    {
        files.push(Text { name, content: Zeroizing::new(text), is_secret: false });
    }
    if parts.key.is_some() {
        files.push(ignored(&key));
    }
    Ok(files)
}

/// Keeps a key out of version control.
pub fn ignored(names: &str) -> Text {
    Text { name: ".gitignore".to_owned(), content: Zeroizing::new(names.to_owned()), is_secret: false }
}

/// DER as bytes, which MicroPython's ssl takes.
pub fn micropython(parts: &Parts<'_>) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(ROOM));
    text.push_str(&parts.head("#", THIS_FILE));
    text.push_str(
        "#\n\
         # context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)\n\
         # context.verify_mode = ssl.CERT_REQUIRED\n",
    );
    if parts.ca.is_some() {
        text.push_str("# context.load_verify_locations(cadata=CA)\n");
    }
    if parts.key.is_some() {
        text.push_str("# context.load_cert_chain(CERT, KEY)\n");
    }
    text.push_str("# client = MQTTClient(ID, HOST, port=8883, ssl=context)\n\ntry:\n    from binascii import a2b_base64\nexcept ImportError:\n    from ubinascii import a2b_base64\n");
    for (what, der) in parts.ders() {
        let encoded = Zeroizing::new(STANDARD.encode(der));
        let _ = write!(text, "\n{} = a2b_base64(", what.to_ascii_uppercase());
        for line in encoded.as_bytes().chunks(76) {
            let _ = write!(text, "\n    b\"{}\"", String::from_utf8_lossy(line));
        }
        text.push_str("\n)\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_module_is_called_as_another_or_as_a_word_of_python() {
        for (stem, name) in
            [("class", "xclass"), ("SSL", "xssl"), ("ussl", "xussl"), ("main", "xmain"), ("dev1", "dev1")]
        {
            assert_eq!(module(stem), name);
        }
    }

    #[test]
    fn names_are_those_of_c() {
        let rows = [
            ("dev1", "dev1"),
            ("Dev-1.lan", "dev_1_lan"),
            ("1st", "x1st"),
            ("_x", "x_x"),
            ("grün", "gr_n"),
            ("*/ x\"", "x___x_"),
        ];
        for (stem, name) in rows {
            assert_eq!(identifier(stem), name);
        }
    }
}
