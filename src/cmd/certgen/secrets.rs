//! Certificates and keys as clusters, containers and phones take their secrets.

use std::fmt::Write;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::forms::{Parts, THIS_FILE, Text, ignored};
use crate::pki::index::hexadecimal;

/// Room for a text of a few keys and certificates: what it grew out of would not be wiped.
const ROOM: usize = 256 * 1024;

/// The longest name of an object in Kubernetes.
const LONGEST_NAME: usize = 253;

const FILES: [(&str, &str); 3] = [("ca", "ca.crt"), ("cert", "tls.crt"), ("key", "tls.key")];

/// PEM in base64, for variables of a CI, of systemd or of Node-RED.
pub fn environment(parts: &Parts<'_>) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(ROOM));
    text.push_str(&parts.secret("#", THIS_FILE));
    for (what, pem) in parts.pems() {
        let encoded = Zeroizing::new(STANDARD.encode(pem.as_bytes()));
        let _ = writeln!(text, "MQTT_{}_BASE64={}", what.to_ascii_uppercase(), *encoded);
    }
    text
}

/// For `kubectl apply -f`. A Secret of type tls must have both certificate and key.
pub fn kubernetes(parts: &Parts<'_>) -> Zeroizing<String> {
    let kind = if parts.key.is_some() { "kubernetes.io/tls" } else { "Opaque" };
    let mut text = Zeroizing::new(String::with_capacity(ROOM));
    text.push_str(&parts.secret("#", THIS_FILE));
    let _ = write!(
        text,
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: \"{}\"\ntype: {kind}\ndata:\n",
        object_name(parts.stem)
    );
    for (what, pem) in parts.pems() {
        let file = FILES.iter().find(|(name, _)| *name == what).map_or(what, |(_, file)| file);
        let encoded = Zeroizing::new(STANDARD.encode(pem.as_bytes()));
        let _ = writeln!(text, "  {file}: {}", *encoded);
    }
    text
}

/// A name of an object: small letters, digits, `-` and `.`, with a letter or a digit at both ends (RFC 1123).
pub fn object_name(stem: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c.to_ascii_lowercase() } else { '-' };
    let name: String = stem.chars().take(LONGEST_NAME).map(plain).collect();
    // Each part between dots begins and ends with a letter or a digit.
    let parts: Vec<_> = name.split('.').map(|part| part.trim_matches('-')).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "mqtt".to_owned() } else { parts.join(".") }
}

/// Files, and a compose.yaml that makes secrets of them: `docker compose -f … -f compose.yaml`.
pub fn docker(parts: &Parts<'_>) -> Vec<Text> {
    let pems = parts.pems();
    let mut compose = "# Each secret is the file /run/secrets/NAME in the containers that ask for it:\n\
         #   services:\n\
         #     SERVICE:\n\
         #       secrets: ["
        .to_owned();
    let names: Vec<_> = pems.iter().map(|(what, _)| format!("mqtt_{what}")).collect();
    let _ = write!(compose, "{}]\nsecrets:\n", names.join(", "));
    let mut files = Vec::new();
    for (what, pem) in pems {
        let file = FILES.iter().find(|(name, _)| *name == what).map_or(what, |(_, file)| file);
        let _ = writeln!(compose, "  mqtt_{what}:\n    file: ./{file}");
        files.push(Text { name: file.to_owned(), content: pem, is_secret: what == "key" });
    }
    files.push(Text { name: "compose.yaml".to_owned(), content: Zeroizing::new(compose), is_secret: false });
    if parts.key.is_some() {
        files.push(ignored("tls.key\n"));
    }
    files
}

/// What a profile installs.
pub struct Profile<'a> {
    pub parts: &'a Parts<'a>,
    /// A PKCS#12 store with the key, whose passphrase the phone asks for.
    pub store: Option<&'a [u8]>,
}

/// A configuration profile of Apple's.
pub fn mobileconfig(profile: &Profile<'_>) -> Zeroizing<String> {
    let Parts { stem, ca, chain, .. } = profile.parts;
    let name = escaped(stem);
    let mut payloads = Zeroizing::new(String::with_capacity(ROOM));
    let mut add = |kind: &str, what: &str, content: &[u8], of: &[u8]| {
        let encoded = Zeroizing::new(STANDARD.encode(content));
        let _ = write!(
            payloads,
            "    <dict>\n      <key>PayloadType</key><string>{kind}</string>\n      <key>PayloadVersion</key><integer>1</integer>\n      \
             <key>PayloadIdentifier</key><string>moskit.{name}.{what}</string>\n      \
             <key>PayloadUUID</key><string>{}</string>\n      <key>PayloadDisplayName</key><string>{name}: {what}</string>\n      \
             <key>PayloadContent</key><data>{}</data>\n    </dict>\n",
            identifier(kind, of),
            *encoded
        );
    };
    if let Some(ca) = ca {
        add("com.apple.security.root", "ca", ca, ca);
    }
    match (profile.store, chain.first()) {
        // Its salts differ each time, its certificate does not.
        (Some(store), Some(certificate)) => add("com.apple.security.pkcs12", "identity", store, certificate),
        (None, Some(certificate)) => {
            add("com.apple.security.pkcs1", "certificate", certificate, certificate);
            for (at, above) in chain.iter().enumerate().skip(1) {
                add("com.apple.security.pkcs1", &format!("chain{at}"), above, above);
            }
        }
        (_, None) => {}
    }
    let all = chain.first().copied().or(*ca).unwrap_or_default();
    let mut text = Zeroizing::new(String::with_capacity(ROOM + payloads.len()));
    let _ = write!(
        text,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n  <key>PayloadType</key><string>Configuration</string>\n  \
         <key>PayloadVersion</key><integer>1</integer>\n  <key>PayloadIdentifier</key><string>moskit.{name}</string>\n  \
         <key>PayloadUUID</key><string>{}</string>\n  <key>PayloadDisplayName</key><string>{name}</string>\n  \
         <key>PayloadContent</key>\n  <array>\n{}  </array>\n</dict>\n</plist>\n",
        identifier("Configuration", all),
        *payloads
    );
    text
}

/// A UUID of what is installed (version 8, RFC 9562), so that the same profile replaces itself.
fn identifier(kind: &str, content: &[u8]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(kind.as_bytes());
    context.update(content);
    let digest = context.finish();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hexadecimal(&bytes).to_ascii_uppercase();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Text between the tags of XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_have_names_that_kubernetes_takes() {
        for (stem, name) in [("dev1", "dev1"), ("Dev_1", "dev-1"), ("-.-x.", "x"), ("*", "mqtt"), ("a b.ü.c", "a-b.c")]
        {
            assert_eq!(object_name(stem), name);
        }
    }

    #[test]
    fn the_same_content_has_the_same_identifier() {
        let one = identifier("a", b"b");
        assert_eq!(one, identifier("a", b"b"));
        assert_ne!(one, identifier("a", b"c"));
        assert_eq!((one.len(), &one[14..15]), (36, "8"));
    }
}
