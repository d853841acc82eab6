//! Throw-away certificates for `--tls`: an authority and a server certificate that live as long as the
//! broker does.

use std::path::{Path, PathBuf};

use crate::broker::config::Tls;
use crate::broker::fault::BadCertificate;
use crate::broker::host::state::wall;
use crate::pki::make::{
    Authority, AuthorityPlan, Error, KeyPair, KeyType, Leaf, PermittedNames, Purpose, Subject, Validity, host, to_pem,
};
use crate::term::{Exit, Failure};
use crate::whole_file;

const DAY: i64 = 86_400;
const AUTHORITY: &str = "ca.crt";
const CERTIFICATE: &str = "server.crt";
const KEY: &str = "server.key";

/// Makes the certificates in `folder`. `bad` makes the server's one that clients should refuse.
pub fn write(folder: &Path, bad: Option<BadCertificate>) -> Result<(), Failure> {
    let failed = |why: String| Failure::new(Exit::FAILED, format!("cannot make certificates: {why}"));
    let (authority, certificate, key) = certificates(bad, wall().since_epoch().as_secs().cast_signed())
        .map_err(|error| failed(format!("{error:?}")))?;
    for (name, text) in [(AUTHORITY, &authority), (CERTIFICATE, &certificate), (KEY, &key)] {
        whole_file::write_new(&folder.join(name), text.as_bytes(), 0o600)
            .map_err(|error| failed(crate::net::reason(&error.cause)))?;
    }
    Ok(())
}

/// The certificate that clients are to trust.
pub fn authority(folder: &Path) -> PathBuf {
    folder.join(AUTHORITY)
}

/// The options of a listener that uses them.
pub fn listener_options(folder: &Path) -> Tls {
    Tls { certfile: Some(folder.join(CERTIFICATE)), keyfile: Some(folder.join(KEY)), ..Tls::default() }
}

/// PEM texts: authority, server certificate, server key.
fn certificates(bad: Option<BadCertificate>, now: i64) -> Result<(String, String, String), Error> {
    // Back-dated, so that a client whose clock is behind takes them too.
    let validity = Validity { not_before: now - 30 * DAY, not_after: now + 30 * DAY };
    let plan = AuthorityPlan {
        subject: Subject::common_name("moskit throw-away CA"),
        validity,
        path_length: 0,
        permitted: PermittedNames::parse([]).map_err(Error::Name)?,
    };
    let authority = Authority::self_signed(&plan, KeyPair::generate(KeyType::P256)?)?;
    let names: &[&str] = match bad {
        Some(BadCertificate::WrongHost) => &["wrong-host.invalid"],
        _ => &["localhost", "127.0.0.1", "::1"],
    };
    let validity = match bad {
        Some(BadCertificate::Expired) => Validity { not_after: now - DAY, ..validity },
        _ => validity,
    };
    let leaf = Leaf {
        subject: Subject::common_name(names.first().copied().unwrap_or_default()),
        names: names.iter().map(|name| host(name)).collect::<Result<_, _>>().map_err(Error::Name)?,
        purpose: Purpose::Server,
        validity,
    };
    let key = KeyPair::generate(KeyType::P256)?;
    let certificate = authority.sign(&leaf, &key.public_key())?;
    Ok((
        to_pem("CERTIFICATE", &authority.certificate().der).to_string(),
        to_pem("CERTIFICATE", &certificate).to_string(),
        key.to_pem().to_string(),
    ))
}
