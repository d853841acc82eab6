//! The stores of CAs on a machine, and what has to be done to change them. It looks at folders and programs, and changes nothing.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Something to be done, and what undoes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The certificate becomes this file.
    Write(PathBuf),
    /// This file goes.
    Delete(PathBuf),
    Run(Call),
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub program: &'static str,
    pub arguments: Vec<OsString>,
    /// It reads the certificate from its standard input.
    pub is_fed: bool,
}

/// A store, as far as it is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Certificates are files in a folder, of which a command makes a bundle for programs. Both paths are as the running
    /// system sees them.
    Folder { folder: PathBuf, bundle: PathBuf, after_install: Call, after_remove: Call },
    /// A database of NSS.
    Nss { folder: PathBuf },
    /// The keychain of macOS.
    Keychain,
    /// The store of Windows.
    Windows,
}

/// What stands under the name that the certificate has in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    Absent,
    /// The certificate.
    Certificate,
    /// Something else: the rest of a write that was cut off, or another's.
    Other,
}

/// What a store holds of a CA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub own: Own,
    /// The certificate under other names: somebody else put it there.
    pub others: Vec<Other>,
    /// Programs that use the store believe the CA.
    pub is_believed: bool,
}

/// The certificate under a name that somebody else gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Other {
    File(PathBuf),
    /// A nickname in a database of NSS.
    Nickname(String),
}

/// What a link in an image leads to is not in the image.
#[derive(Debug)]
pub struct LeavesRoot(pub PathBuf);

/// What a CA is called in the stores.
pub struct Entry<'a> {
    /// The file of its certificate, PEM.
    pub certificate: &'a Path,
    /// Names the certificate alone, so that it is found again and no other goes with it.
    pub name: &'a str,
    /// SHA-1 of the certificate, in hexadecimal digits, which is how macOS and Windows find it.
    pub sha1: &'a str,
}

/// A folder that a system makes its store of, and the command that does it.
struct Layout {
    folder: &'static str,
    /// What the command writes, last of all, and OpenSSL, curl and Python read.
    bundle: &'static str,
    program: &'static str,
    after_install: &'static [&'static str],
    after_remove: &'static [&'static str],
}

const LAYOUTS: [Layout; 3] = [
    Layout {
        folder: "usr/local/share/ca-certificates",
        bundle: "etc/ssl/certs/ca-certificates.crt",
        program: "update-ca-certificates",
        after_install: &[],
        // Without it links to the file stay in /etc/ssl/certs.
        after_remove: &["--fresh"],
    },
    Layout {
        folder: "etc/pki/ca-trust/source/anchors",
        bundle: "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        program: "update-ca-trust",
        after_install: &["extract"],
        after_remove: &["extract"],
    },
    Layout {
        folder: "etc/ca-certificates/trust-source/anchors",
        bundle: "etc/ca-certificates/extracted/tls-ca-bundle.pem",
        program: "update-ca-trust",
        after_install: &["extract"],
        after_remove: &["extract"],
    },
];

const KEYCHAIN: &str = "/Library/Keychains/System.keychain";

/// Where programs lie, besides those of PATH: `update-ca-certificates` stands in a folder that is root's alone.
const PROGRAM_FOLDERS: [&str; 4] = ["usr/bin", "usr/sbin", "bin", "sbin"];

/// The system's store below `root`; `None` where there is none that is known.
///
/// # Errors
/// A link in `root` leads out of it: what is changed would be another system.
pub fn system(root: Option<&Path>, can_be_found: impl Fn(&str) -> bool) -> Result<Option<Place>, LeavesRoot> {
    if root.is_none() && std::env::consts::OS == "macos" {
        return Ok(Some(Place::Keychain));
    }
    if root.is_none() && std::env::consts::OS == "windows" {
        return Ok(Some(Place::Windows));
    }
    let base = root.unwrap_or(Path::new("/"));
    let is_there = |program: &str| {
        PROGRAM_FOLDERS.iter().any(|folder| base.join(folder).join(program).exists())
            || (root.is_none() && can_be_found(program))
    };
    let found = LAYOUTS.iter().find(|layout| base.join(layout.folder).is_dir() && is_there(layout.program));
    let Some(layout) = found else { return Ok(None) };
    let (folder, bundle) = (base.join(layout.folder), base.join(layout.bundle));
    if let Some(root) = root
        && let Some(out) = [&folder, &bundle].into_iter().find(|path| !stays_below(root, path))
    {
        return Err(LeavesRoot(out.clone()));
    }
    let call = |arguments: &[&str]| {
        let arguments = arguments.iter().map(OsString::from);
        match root {
            None => Call { program: layout.program, arguments: arguments.collect(), is_fed: false },
            Some(root) => {
                let before = [root.as_os_str().to_owned(), layout.program.into()];
                let arguments = before.into_iter().chain(arguments).collect();
                Call { program: "chroot", arguments, is_fed: false }
            }
        }
    };
    let (after_install, after_remove) = (call(layout.after_install), call(layout.after_remove));
    Ok(Some(Place::Folder { folder, bundle, after_install, after_remove }))
}

/// Whether `path` is below `root` also after its links are followed, as far as it exists. A link that leads nowhere from
/// here counts as one that leads out: it leads somewhere in the image.
fn stays_below(root: &Path, path: &Path) -> bool {
    let existing = path.ancestors().find(|path| path.symlink_metadata().is_ok());
    match (root.canonicalize(), existing.map(Path::canonicalize)) {
        (Ok(root), Some(Ok(existing))) => existing.starts_with(root),
        _ => false,
    }
}

/// The databases of browsers in a home.
pub fn browsers(home: &Path) -> Vec<Place> {
    const PROFILES: [&str; 4] = [
        ".mozilla/firefox",
        "snap/firefox/common/.mozilla/firefox",
        ".var/app/org.mozilla.firefox/.mozilla/firefox",
        "Library/Application Support/Firefox/Profiles",
    ];
    const CHROMIUM: [&str; 2] = [".pki/nssdb", "snap/chromium/current/.pki/nssdb"];
    let mut folders: Vec<PathBuf> = CHROMIUM.iter().map(|folder| home.join(folder)).collect();
    for profiles in PROFILES {
        let Ok(entries) = std::fs::read_dir(home.join(profiles)) else { continue };
        folders.extend(entries.flatten().map(|entry| entry.path()));
    }
    folders.retain(|folder| folder.join("cert9.db").is_file());
    folders.sort();
    folders.into_iter().map(|folder| Place::Nss { folder }).collect()
}

impl Place {
    /// What puts the CA in; nothing where programs believe it already.
    pub fn install(&self, entry: &Entry<'_>, held: &Held) -> Vec<Step> {
        let file = entry.certificate.as_os_str();
        match self {
            Self::Folder { folder, after_install, .. } => {
                let is_there = held.own == Own::Certificate || !held.others.is_empty();
                let update = Step::Run(after_install.clone());
                let file = entry.file(folder);
                match held.own {
                    _ if is_there && held.is_believed => Vec::new(),
                    // The command did not run to its end.
                    _ if is_there => vec![update],
                    Own::Other => vec![Step::Delete(file.clone()), Step::Write(file), update],
                    Own::Absent | Own::Certificate => vec![Step::Write(file), update],
                }
            }
            _ if held.is_believed => Vec::new(),
            Self::Nss { folder } => {
                // Without -i certutil reads its standard input.
                let words = ["-A", "-t", "C,,", "-n", entry.name].map(AsRef::as_ref);
                vec![Step::Run(Call { is_fed: true, ..nss(folder, &words) })]
            }
            Self::Keychain => vec![run(
                "security",
                &[
                    "add-trusted-cert".as_ref(),
                    "-d".as_ref(),
                    "-r".as_ref(),
                    "trustRoot".as_ref(),
                    "-k".as_ref(),
                    KEYCHAIN.as_ref(),
                    file,
                ],
            )],
            Self::Windows => vec![run("certutil", &["-addstore".as_ref(), "-f".as_ref(), "Root".as_ref(), file])],
        }
    }

    /// What takes it out again, as far as it stands there under its own name.
    pub fn remove(&self, entry: &Entry<'_>, held: &Held) -> Vec<Step> {
        match self {
            Self::Folder { folder, after_remove, .. } => {
                let update = Step::Run(after_remove.clone());
                match held.own {
                    Own::Certificate | Own::Other => vec![Step::Delete(entry.file(folder)), update],
                    // The file is gone, and the command did not run to its end.
                    Own::Absent if held.is_believed && held.others.is_empty() => vec![update],
                    Own::Absent => Vec::new(),
                }
            }
            // What has its name and is another certificate is not moskit's.
            _ if held.own != Own::Certificate => Vec::new(),
            Self::Nss { folder } => vec![Step::Run(nss(folder, &["-D", "-n", entry.name].map(AsRef::as_ref)))],
            Self::Keychain => vec![
                run("security", &["remove-trusted-cert".as_ref(), "-d".as_ref(), entry.certificate.as_os_str()]),
                run(
                    "security",
                    &["delete-certificate".as_ref(), "-Z".as_ref(), entry.sha1.as_ref(), KEYCHAIN.as_ref()],
                ),
            ],
            Self::Windows => vec![run("certutil", &["-delstore".as_ref(), "Root".as_ref(), entry.sha1.as_ref()])],
        }
    }

    /// The command that takes out what somebody else put there; for a file, once it is deleted.
    pub fn remove_other(&self, other: &Other) -> Option<Call> {
        match (self, other) {
            (Self::Folder { after_remove, .. }, Other::File(_)) => Some(after_remove.clone()),
            (Self::Nss { folder }, Other::Nickname(name)) => {
                Some(nss(folder, &["-D".as_ref(), "-n".as_ref(), name.as_ref()]))
            }
            _ => None,
        }
    }
}

impl Entry<'_> {
    /// Its file in a folder of anchors.
    pub fn file(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.crt", self.name))
    }
}

/// certutil with a database of NSS.
pub fn nss(folder: &Path, arguments: &[&OsStr]) -> Call {
    let mut database = OsString::from("sql:");
    database.push(folder);
    let arguments = ["-d".into(), database].into_iter().chain(arguments.iter().map(|it| (*it).to_owned())).collect();
    Call { program: "certutil", arguments, is_fed: false }
}

fn run(program: &'static str, arguments: &[&OsStr]) -> Step {
    Step::Run(Call { program, arguments: arguments.iter().map(|it| (*it).to_owned()).collect(), is_fed: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(step: &Step) -> String {
        match step {
            Step::Write(path) => format!("write {}", path.display()),
            Step::Delete(path) => format!("delete {}", path.display()),
            Step::Run(call) => {
                let words: Vec<_> = call.arguments.iter().map(|word| word.to_string_lossy()).collect();
                format!("{} {}", call.program, words.join(" ")).trim_end().to_owned()
            }
        }
    }

    #[test]
    fn each_system_gets_its_own_commands_and_what_is_installed_goes_again() {
        let entry = Entry { certificate: Path::new("ca.crt"), name: "moskit-ab", sha1: "CD" };
        let places = [
            Place::Keychain,
            Place::Windows,
            Place::Nss { folder: "/h/.pki/nssdb".into() },
            Place::Folder {
                folder: "/a".into(),
                bundle: "/b".into(),
                after_install: Call { program: "update-ca-certificates", arguments: Vec::new(), is_fed: false },
                after_remove: Call {
                    program: "update-ca-certificates",
                    arguments: vec!["--fresh".into()],
                    is_fed: false,
                },
            },
        ];
        let absent = Held { own: Own::Absent, others: Vec::new(), is_believed: false };
        let present = Held { own: Own::Certificate, others: Vec::new(), is_believed: true };
        let all: Vec<Vec<String>> = places
            .iter()
            .map(|place| {
                place.install(&entry, &absent).iter().chain(&place.remove(&entry, &present)).map(words).collect()
            })
            .collect();
        assert_eq!(
            all,
            [
                vec![
                    "security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ca.crt",
                    "security remove-trusted-cert -d ca.crt",
                    "security delete-certificate -Z CD /Library/Keychains/System.keychain",
                ],
                vec!["certutil -addstore -f Root ca.crt", "certutil -delstore Root CD"],
                vec![
                    "certutil -d sql:/h/.pki/nssdb -A -t C,, -n moskit-ab",
                    "certutil -d sql:/h/.pki/nssdb -D -n moskit-ab",
                ],
                vec![
                    "write /a/moskit-ab.crt",
                    "update-ca-certificates",
                    "delete /a/moskit-ab.crt",
                    "update-ca-certificates --fresh"
                ],
            ]
        );
    }
}
