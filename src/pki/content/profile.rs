//! Apple's configuration profiles: the certificates and stores in their payloads. Of XML only what a property list has.

use std::collections::HashMap;

use zeroize::Zeroizing;

use super::value::{VALUES_LIMIT, Value, base64};

/// Dictionaries in dictionaries: a profile has three.
const DEPTH_LIMIT: usize = 32;

/// What payloads with certificates are called.
const KINDS: &str = "com.apple.security.";

/// Whether a text is a property list.
pub fn is_profile(text: &str) -> bool {
    let text = text.trim_start();
    (text.starts_with("<?xml") || text.starts_with("<plist")) && text.contains("<plist") && text.contains("Payload")
}

/// A dictionary that has not ended.
#[derive(Default)]
struct Dictionary {
    key: String,
    texts: HashMap<String, String>,
    data: Option<Vec<u8>>,
}

/// What the payloads hold, each by its identifier; `None` if the list is not closed or too deep.
pub fn values(text: &str) -> Option<Vec<Value>> {
    let (mut open, mut found) = (Vec::<Dictionary>::new(), Vec::new());
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        if let Some(comment) = after.strip_prefix("!--") {
            rest = comment.split_once("-->")?.1;
            continue;
        }
        let (tag, after) = after.split_once('>')?;
        rest = after;
        match tag.trim() {
            "dict" if open.len() >= DEPTH_LIMIT => return None,
            "dict" => open.push(Dictionary::default()),
            "/dict" => {
                let ended = open.pop()?;
                found.extend(ended.value());
                if found.len() > VALUES_LIMIT {
                    return Some(found);
                }
            }
            tag @ ("key" | "string" | "data") => {
                let (content, after) = rest.split_once('<')?;
                rest = after.strip_prefix('/')?.strip_prefix(tag)?.trim_start().strip_prefix('>')?;
                if let Some(dictionary) = open.last_mut() {
                    dictionary.take(tag, content);
                }
            }
            _ => {}
        }
    }
    (open.is_empty() && text.contains("</plist>")).then_some(found)
}

impl Dictionary {
    fn take(&mut self, tag: &str, content: &str) {
        match tag {
            "key" => self.key = unescaped(content.trim()),
            "string" => {
                self.texts.insert(std::mem::take(&mut self.key), unescaped(content));
            }
            _ if matches!(self.key.as_str(), "PayloadContent") => {
                // What is no base64 is taken as it is, and found to be damaged.
                let bytes =
                    base64(content.as_bytes()).map_or_else(|| content.as_bytes().to_vec(), |bytes| bytes.to_vec());
                self.data = Some(bytes);
            }
            _ => {}
        }
    }

    fn value(self) -> Option<Value> {
        let kind = self.texts.get("PayloadType").filter(|kind| kind.starts_with(KINDS))?;
        let bytes = Zeroizing::new(self.data?);
        let identifier = self.texts.get("PayloadIdentifier").unwrap_or(kind);
        // The ending makes it a value that must be one of ours.
        let ending = if kind.ends_with("pkcs12") { "p12" } else { "crt" };
        Some(Value::new(format!("{identifier}.{ending}"), bytes))
    }
}

fn unescaped(text: &str) -> String {
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (escape, letter)| text.replace(escape, letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "<?xml version=\"1.0\"?><!DOCTYPE plist><plist version=\"1.0\">";

    fn rows(body: &str) -> Option<Vec<(String, Vec<u8>)>> {
        let values = values(&format!("{HEAD}{body}"))?;
        Some(values.into_iter().map(|value| (value.name, value.bytes.unwrap().to_vec())).collect())
    }

    #[test]
    fn payloads_are_read_in_any_order_of_their_keys() {
        let body = "<dict><key>PayloadContent</key><array>\
            <dict><!-- <data>x</data> --><key>PayloadContent</key><data>\n !\n</data><key>PayloadIdentifier</key>\
            <string>a&amp;b</string><key>PayloadType</key><string>com.apple.security.root</string></dict>\
            <dict><key>PayloadType</key><string>com.apple.wifi.managed</string><key>PayloadContent</key><data>MAMCAQc=</data></dict>\
            <dict><key>PayloadType</key><string>com.apple.security.pkcs12</string><key>Other</key><data>MAMCAQc=</data></dict>\
            </array><key>PayloadType</key><string>Configuration</string></dict></plist>";
        assert_eq!(rows(body).unwrap(), [("a&b.crt".to_owned(), b"\n !\n".to_vec())]);
    }

    #[test]
    fn what_is_cut_off_or_too_deep_is_no_profile() {
        assert_eq!(rows("<dict><key>PayloadType</key>"), None);
        assert_eq!(rows("<dict></dict>"), None);
        assert_eq!(rows(&"<dict>".repeat(100)), None);
        assert_eq!(rows("<dict><key>a<b></key></dict></plist>"), None);
        assert_eq!(rows("</dict></plist>"), None);
        assert_eq!(rows("<!-- "), None);
    }
}
