//! A shared access signature of Azure, as far as it can be judged without its key: `SharedAccessSignature sr=…&sig=…&se=…`.

use crate::net::authority::percent_decoded;

/// What of a token is no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sas {
    /// `HUB/devices/DEVICE`, or `HUB`.
    resource: String,
    /// Seconds since 1970.
    pub expiry: i64,
}

const SCHEME: &str = "SharedAccessSignature ";

impl Sas {
    /// What the token says; why it is none, in a phrase without anything of it.
    pub fn read(token: &[u8]) -> Result<Self, &'static str> {
        let text = str::from_utf8(token).map_err(|_| "it is not UTF-8")?;
        let fields = text.strip_prefix(SCHEME).ok_or("it does not begin with `SharedAccessSignature `")?;
        let field = |name: &str| {
            fields
                .split('&')
                .find_map(|field| field.split_once('=').filter(|(key, _)| *key == name))
                .map(|(_, value)| value)
        };
        if field("sig").is_none_or(str::is_empty) {
            return Err("the signature (sig) is missing in it");
        }
        let expiry = field("se").ok_or("its end (se) is missing in it")?;
        let expiry = expiry.parse().map_err(|_| "its end (se) is no number")?;
        let decoded = |text: &str| String::from_utf8(percent_decoded(text.as_bytes()).ok()?).ok();
        let resource = field("sr").and_then(decoded).ok_or("the resource (sr) is missing in it, or broken")?;
        Ok(Self { resource, expiry })
    }

    /// The name of the hub, or of a gateway, that it is for.
    pub fn hub(&self) -> &str {
        self.resource.split_once('/').map_or(&*self.resource, |(hub, _)| hub)
    }

    /// Whether it is for this device, if one is named, or for the device of a module (`DEVICE/MODULE`). A token for the whole hub is
    /// for all of them.
    pub fn is_for(&self, device: Option<&str>) -> bool {
        let rest = self.resource.split_once('/').map_or("", |(_, rest)| rest);
        match (rest.strip_prefix("devices/"), device) {
            (Some(named), Some(device)) => named.split('/').next() == device.split('/').next(),
            (None, _) => rest.is_empty(),
            (Some(_), None) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(resource: &str) -> String {
        format!("{SCHEME}sr={resource}&sig=c2VjcmV0&se=1000")
    }

    #[test]
    fn a_token_is_for_its_hub_and_device() {
        let read = |resource: &str| Sas::read(token(resource).as_bytes()).unwrap();
        let of_device = read("hub.azure-devices.net%2Fdevices%2Fd1");
        assert_eq!(of_device.expiry, 1000);
        assert_eq!(of_device.hub(), "hub.azure-devices.net");
        assert!(of_device.is_for(Some("d1")) && of_device.is_for(None) && of_device.is_for(Some("d1/camera")));
        assert!(!of_device.is_for(Some("d2")));
        let of_hub = read("hub.azure-devices.net");
        assert!(of_hub.is_for(Some("d2")) && of_hub.hub() == "hub.azure-devices.net");
        assert!(!read("hub.azure-devices.net%2Fjobs").is_for(Some("d1")));
    }

    #[test]
    fn what_is_no_token_is_none() {
        for (text, why) in [
            (&b"c2VjcmV0"[..], "begin"),
            (b"\xff", "UTF-8"),
            (b"SharedAccessSignature sr=a&se=1", "sig"),
            (b"SharedAccessSignature sr=a&sig=b", "(se) is missing"),
            (b"SharedAccessSignature sr=a&sig=b&se=soon", "no number"),
            (b"SharedAccessSignature sr=a&sig=b&se=99999999999999999999", "no number"),
            (b"SharedAccessSignature sig=b&se=1", "(sr)"),
            (b"SharedAccessSignature sr=%2&sig=b&se=1", "(sr)"),
            (b"SharedAccessSignature sr=%zz&sig=b&se=1", "(sr)"),
            (b"SharedAccessSignature sr=%+1&sig=b&se=1", "(sr)"),
            (b"SharedAccessSignature sr=%ff&sig=b&se=1", "(sr)"),
        ] {
            let fault = Sas::read(text).unwrap_err();
            assert!(fault.contains(why), "{fault}");
        }
    }
}
