//! Throw-away certificates for `--tls`: an authority and a server certificate that live as long as the
//! broker does, in a folder that goes with it.

use std::path::PathBuf;

use crate::broker::config::Tls;
use crate::broker::fault::BadCertificate;
use crate::pki::make::{
    Authority, AuthorityPlan, Error, KeyPair, KeyType, Leaf, PermittedNames, Purpose, Subject, Validity, host, to_pem,
};
use crate::term::{Exit, Failure};
use crate::whole_file;

const DAY: i64 = 86_400;

/// The folder with the files; dropped, it is gone.
#[derive(Debug)]
pub struct ThrowAway {
    folder: PathBuf,
}

impl ThrowAway {
    /// Makes the certificates. `bad` makes the server's one that clients should refuse.
    pub fn make(bad: Option<BadCertificate>) -> Result<Self, Failure> {
        let failed = |why: String| Failure::new(Exit::FAILED, format!("cannot make certificates: {why}"));
        let (authority, certificate, key) = certificates(bad, super::state_files::wall().as_secs().cast_signed())
            .map_err(|error| failed(format!("{error:?}")))?;
        let made = Self { folder: private_folder().map_err(|error| failed(crate::net::reason(&error)))? };
        for (name, text) in [("ca.crt", &authority), ("server.crt", &certificate), ("server.key", &key)] {
            whole_file::write_new(&made.folder.join(name), text.as_bytes(), 0o600)
                .map_err(|error| failed(crate::net::reason(&error.cause)))?;
        }
        Ok(made)
    }

    /// The certificate that clients are to trust.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    /// The options of a listener that uses them.
    pub fn listener_options(&self) -> Tls {
        Tls {
            certfile: Some(self.folder.join("server.crt")),
            keyfile: Some(self.folder.join("server.key")),
            ..Tls::default()
        }
    }
}

impl Drop for ThrowAway {
    fn drop(&mut self) {
        // A temporary folder that cannot be removed is nothing to fail for.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
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

fn private_folder() -> std::io::Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt;
    let base: PathBuf = std::env::temp_dir();
    for attempt in 0..100 {
        let folder = base.join(format!("moskit-broker-{}-{attempt}", std::process::id()));
        match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| folder),
        }
    }
    Err(std::io::ErrorKind::AlreadyExists.into())
}
