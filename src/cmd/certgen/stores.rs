//! The stores of CAs on a machine, and what has to be done to change them. It looks at folders and programs, and changes nothing.

use std::ffi::OsString;
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
}

/// A store, as far as it is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Certificates are files in a folder, of which a command makes the store. The folder is as the running system sees it.
    Folder { folder: PathBuf, after_install: Call, after_remove: Call },
    /// A database of NSS.
    Nss { folder: PathBuf },
    /// The keychain of macOS.
    Keychain,
    /// The store of Windows.
    Windows,
}

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
    program: &'static str,
    after_install: &'static [&'static str],
    after_remove: &'static [&'static str],
}

const LAYOUTS: [Layout; 3] = [
    Layout {
        folder: "usr/local/share/ca-certificates",
        program: "update-ca-certificates",
        after_install: &[],
        // Without it links to the file stay in /etc/ssl/certs.
        after_remove: &["--fresh"],
    },
    Layout {
        folder: "etc/pki/ca-trust/source/anchors",
        program: "update-ca-trust",
        after_install: &["extract"],
        after_remove: &["extract"],
    },
    Layout {
        folder: "etc/ca-certificates/trust-source/anchors",
        program: "update-ca-trust",
        after_install: &["extract"],
        after_remove: &["extract"],
    },
];

const KEYCHAIN: &str = "/Library/Keychains/System.keychain";

/// Where programs lie, besides those of PATH: `update-ca-certificates` stands in a folder that is root's alone.
const PROGRAM_FOLDERS: [&str; 4] = ["usr/bin", "usr/sbin", "bin", "sbin"];

/// The system's store below `root`; `None` where there is none that is known.
pub fn system(root: Option<&Path>, can_be_found: impl Fn(&str) -> bool) -> Option<Place> {
    if root.is_none() && std::env::consts::OS == "macos" {
        return Some(Place::Keychain);
    }
    if root.is_none() && std::env::consts::OS == "windows" {
        return Some(Place::Windows);
    }
    let base = root.unwrap_or(Path::new("/"));
    let is_there = |program: &str| {
        PROGRAM_FOLDERS.iter().any(|folder| base.join(folder).join(program).exists())
            || (root.is_none() && can_be_found(program))
    };
    let found = LAYOUTS.iter().find(|layout| base.join(layout.folder).is_dir() && is_there(layout.program));
    found.map(|layout| {
        let call = |arguments: &[&str]| {
            let arguments = arguments.iter().map(OsString::from);
            match root {
                None => Call { program: layout.program, arguments: arguments.collect() },
                Some(root) => {
                    let before = [root.as_os_str().to_owned(), layout.program.into()];
                    Call { program: "chroot", arguments: before.into_iter().chain(arguments).collect() }
                }
            }
        };
        Place::Folder {
            folder: base.join(layout.folder),
            after_install: call(layout.after_install),
            after_remove: call(layout.after_remove),
        }
    })
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
    /// What puts the CA in.
    pub fn install(&self, entry: &Entry<'_>) -> Vec<Step> {
        let file = entry.certificate.as_os_str();
        match self {
            Self::Folder { folder, after_install, .. } => {
                vec![Step::Write(entry.file(folder)), Step::Run(after_install.clone())]
            }
            Self::Nss { folder } => vec![nss(
                folder,
                &[
                    "-A".as_ref(),
                    "-t".as_ref(),
                    "C,,".as_ref(),
                    "-n".as_ref(),
                    entry.name.as_ref(),
                    "-i".as_ref(),
                    file,
                ],
            )],
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

    /// What takes it out again.
    pub fn remove(&self, entry: &Entry<'_>) -> Vec<Step> {
        match self {
            Self::Folder { folder, after_remove, .. } => {
                vec![Step::Delete(entry.file(folder)), Step::Run(after_remove.clone())]
            }
            Self::Nss { folder } => vec![nss(folder, &["-D".as_ref(), "-n".as_ref(), entry.name.as_ref()])],
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

    /// The command that ends well where the CA is in the store, or the file that is there then.
    pub fn question(&self, entry: &Entry<'_>) -> Step {
        match self {
            Self::Folder { folder, .. } => Step::Write(entry.file(folder)),
            Self::Nss { folder } => nss(folder, &["-L".as_ref(), "-n".as_ref(), entry.name.as_ref()]),
            Self::Keychain => run("security", &["verify-cert".as_ref(), "-c".as_ref(), entry.certificate.as_os_str()]),
            Self::Windows => run("certutil", &["-verifystore".as_ref(), "Root".as_ref(), entry.sha1.as_ref()]),
        }
    }
}

impl Entry<'_> {
    fn file(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.crt", self.name))
    }
}

fn nss(folder: &Path, arguments: &[&std::ffi::OsStr]) -> Step {
    let mut database = OsString::from("sql:");
    database.push(folder);
    let arguments = ["-d".into(), database].into_iter().chain(arguments.iter().map(|it| (*it).to_owned())).collect();
    Step::Run(Call { program: "certutil", arguments })
}

fn run(program: &'static str, arguments: &[&std::ffi::OsStr]) -> Step {
    Step::Run(Call { program, arguments: arguments.iter().map(|it| (*it).to_owned()).collect() })
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
                after_install: Call { program: "update-ca-certificates", arguments: Vec::new() },
                after_remove: Call { program: "update-ca-certificates", arguments: vec!["--fresh".into()] },
            },
        ];
        let all: Vec<Vec<String>> = places
            .iter()
            .map(|place| place.install(&entry).iter().chain(&place.remove(&entry)).map(words).collect())
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
                    "certutil -d sql:/h/.pki/nssdb -A -t C,, -n moskit-ab -i ca.crt",
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
