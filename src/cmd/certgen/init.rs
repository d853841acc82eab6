//! `certgen init`: a CA, a server, clients and the configuration that uses them, in one go.

use std::fs;
use std::path::Path;

use super::ca::common_name;
use super::dates::now;
use super::files::{CERTIFICATE_MODE, Folder, KEY_MODE, NewFile, Replacing, authority_stems, shown, stem, write_all};
use super::index_file::index_path;
use super::issuer::OpenIssuer;
use super::leaf::{add_addresses_as_dns, client_names, files, hosts, own_names, sign};
use super::lifetime::warn_of_long_life;
use super::options::{CA_DAYS, CLIENT_DAYS, InitArgs, Lifetime, PasswordsTo, SERVER_DAYS};
use super::ready::{LOGINS_HEAD, Ready, configured};
use super::register::record;
use super::sentences::{bad_name, exists, not_made};
use crate::net::reason;
use crate::os::user;
use crate::pki::certificate::Certificate;
use crate::pki::index::Header;
use crate::pki::make::{Authority, AuthorityPlan, KeyPair, Leaf, PermittedNames, Purpose};
use crate::term::{Exit, Failure, Term};

/// What was made.
pub struct Initialised {
    /// The stem of each certificate's files: the CA, the server, the clients.
    pub certificates: Vec<(String, Certificate)>,
    /// The text of mosquitto.conf.
    pub configuration: String,
    /// What a broker's folder has besides; `None` without `--broker`.
    pub ready: Option<Ready>,
    /// The passwords are in logins.txt.
    pub passwords_in_file: bool,
    pub ca_key_is_encrypted: bool,
    pub client_keys_are_encrypted: bool,
    /// The files belong to root, and a broker that becomes another user cannot read the keys.
    pub is_root: bool,
}

pub fn run(args: &InitArgs, term: &mut Term) -> Result<Initialised, Failure> {
    let now = now();
    if args.passphrase.is_given() && !args.encrypt {
        return Err(Failure::new(Exit::USAGE, "a passphrase is given, but not --encrypt"));
    }
    if args.client_secret.is_given() && !args.encrypt_clients {
        return Err(Failure::new(Exit::USAGE, "a passphrase for clients' keys is given, but not --encrypt-clients"));
    }
    if !args.force && fs::read_dir(&args.dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(exists(&args.dir)
            .hint("--force uses it all the same and replaces files; a new CA makes the old certificates useless"));
    }
    let stems = client_stems(&args.clients)?;
    let ready = Ready::plan(args)?;
    args.key.warn(term);
    let path = args.dir.join("ca.crt");
    let issuer = OpenIssuer { authority: authority(args, now)?, path, chain: Vec::new(), index: None };
    let folder = Folder::make(&args.dir)?;
    let ca_key = args.dir.join("ca.key");
    let secret = if args.encrypt { Some(args.passphrase.to_protect(&ca_key, term)?) } else { None };
    let first_client = args.dir.join(stems.first().map(|stem| format!("{stem}.key")).unwrap_or_default());
    let client_secret = args.encrypt_clients.then(|| args.client_secret.to_protect(&first_client, term)).transpose()?;
    let ca = issuer.authority.certificate().clone();
    let mut set = vec![
        NewFile::certificates(args.dir.join("ca.crt"), [ca.der.as_slice()]),
        NewFile::key(ca_key, issuer.authority.key(), secret.as_ref())?,
    ];
    let index = index_path(&set[0].path);
    let mut lines = Header::of(&ca).line();
    let mut made = vec![("ca".to_owned(), ca)];
    let server = server(args, now, term)?;
    let mut leaves = vec![("server".to_owned(), server, Vec::new())];
    for (id, stem) in args.clients.iter().zip(stems) {
        leaves.push((stem, client(args, id, now), client_names(id, &[])));
    }
    for (stem, leaf, optional) in leaves {
        let (certificate, key) = sign(&issuer, leaf, &optional, args.key.kind)
            .map_err(|error| not_made(&format!("make `{stem}.crt`"), error))?;
        // The server's stays in the open: nobody types a passphrase when a service starts.
        let secret = client_secret.as_ref().filter(|_| stem != "server");
        set.extend(files(&args.dir, &stem, &certificate, Some((&key, secret)), &issuer, false)?);
        let file = args.dir.join(format!("{stem}.crt"));
        lines.push_str(&record(&certificate, Some(&file), &index)?.line());
        made.push((stem, certificate));
    }
    let absolute = fs::canonicalize(&args.dir).unwrap_or_else(|_| args.dir.clone());
    let absolute = configured(&absolute)?;
    let configuration = match &ready {
        Some(ready) => ready.configuration(&absolute),
        None => configuration(&absolute, args.port, !args.clients.is_empty()),
    };
    set.push(NewFile::new(args.dir.join("mosquitto.conf"), configuration.as_bytes(), CERTIFICATE_MODE));
    set.push(NewFile::new(index, lines, KEY_MODE));
    let passwords_in_file = ready.as_ref().is_some_and(|ready| {
        let on_terminal = || if term.out_is_terminal() { PasswordsTo::Show } else { PasswordsTo::File };
        !ready.logins.is_empty() && args.ready.passwords.unwrap_or_else(on_terminal) == PasswordsTo::File
    });
    let mut data = None;
    if let Some(ready) = &ready {
        set.extend(broker_files(&args.dir, ready, passwords_in_file)?);
        data = ready.data().map(|name| Folder::make(&args.dir.join(name))).transpose()?;
    }
    write_all(&set, Replacing::forced_authority(args.force), term)?;
    data.into_iter().for_each(Folder::keep);
    folder.keep();
    if ready.is_some() && !passwords_in_file {
        take_old_logins(&args.dir, term);
    }
    Ok(Initialised {
        certificates: made,
        configuration,
        ready,
        passwords_in_file,
        ca_key_is_encrypted: secret.is_some(),
        client_keys_are_encrypted: client_secret.is_some(),
        is_root: user::effective().is_some_and(|owner| owner.user == 0),
    })
}

/// The passwords in a logins.txt of before are no longer those of the password file. A file that is somebody else's stays.
fn take_old_logins(folder: &Path, term: &mut Term) {
    let path = folder.join("logins.txt");
    let Ok(text) = fs::read(&path) else { return };
    if !text.starts_with(LOGINS_HEAD.as_bytes()) {
        return;
    }
    match fs::remove_file(&path) {
        Ok(()) => term.note("note: the old logins.txt is deleted, for its passwords are no longer valid"),
        Err(error) => term.note(format_args!(
            "warning: the passwords in the old `{}` are no longer valid, and it cannot be deleted: {}",
            shown(&path),
            reason(&error)
        )),
    }
}

/// What a broker reads besides certificates, and the file that tells the passwords.
fn broker_files(folder: &Path, ready: &Ready, with_passwords: bool) -> Result<Vec<NewFile>, Failure> {
    let mut files = Vec::new();
    let mut add = |name: &str, text: &[u8]| files.push(NewFile::new(folder.join(name), text, KEY_MODE));
    if !ready.logins.is_empty() {
        add("passwords", &ready.password_file()?);
    }
    if let Some(text) = ready.acl() {
        add("acl", text.as_bytes());
    }
    if with_passwords {
        add("logins.txt", ready.logins_file().as_bytes());
    }
    Ok(files)
}

/// The file names of the clients; they must not be those of CA and server, or twice the same.
fn client_stems(ids: &[String]) -> Result<Vec<String>, Failure> {
    let mut stems: Vec<String> = Vec::new();
    for id in ids {
        let stem = stem(id)?;
        let owner = if stem == "server" { "server" } else { "CA" };
        if stem == "server" || authority_stems("ca").contains(&stem) {
            let why = format!("a client cannot be called `{id}`: its files would be those of the {owner}");
            return Err(Failure::new(Exit::USAGE, why));
        }
        if stems.contains(&stem) {
            return Err(Failure::new(Exit::USAGE, format!("the client `{id}` is given twice")));
        }
        stems.push(stem);
    }
    Ok(stems)
}

fn authority(args: &InitArgs, now: i64) -> Result<Authority, Failure> {
    let folder_name = fs::canonicalize(&args.dir).ok().or_else(|| Some(args.dir.clone()));
    let folder_name = folder_name.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let name = args.ca_name.clone().or(folder_name).unwrap_or_else(|| "moskit".to_owned());
    let lifetime = Lifetime { days: Some(args.ca_days), not_after: None, backdate: args.lifetime.backdate };
    let plan = AuthorityPlan {
        subject: args.subject.with(Some(common_name(&name)?)),
        validity: lifetime.span(now, CA_DAYS),
        path_length: 0,
        permitted: PermittedNames::default(),
    };
    KeyPair::generate(args.key.kind)
        .and_then(|key| Authority::self_signed(&plan, key))
        .map_err(|error| not_made("make the CA", error))
}

fn server(args: &InitArgs, now: i64, term: &mut Term) -> Result<Leaf, Failure> {
    let mut names = if args.hosts.is_empty() {
        own_names()
    } else {
        hosts(&args.hosts, false).map_err(|error| bad_name("make the server's certificate", &error))?
    };
    if args.ip_as_dns {
        add_addresses_as_dns(&mut names);
    }
    let validity = args.lifetime.span(now, SERVER_DAYS);
    warn_of_long_life(validity, Purpose::Server, term);
    let subject = args.subject.with(super::leaf::common_name(&names));
    Ok(Leaf { subject, names, purpose: Purpose::Server, validity })
}

fn client(args: &InitArgs, id: &str, now: i64) -> Leaf {
    let validity = args.lifetime.span(now, CLIENT_DAYS);
    Leaf { subject: args.subject.with(Some(id.to_owned())), names: Vec::new(), purpose: Purpose::Client, validity }
}

/// What mosquitto needs to use the files.
fn configuration(folder: &str, port: u16, with_clients: bool) -> String {
    let mut text = format!(
        "listener {port}\n\
         cafile {folder}/ca.crt\n\
         certfile {folder}/server.crt\n\
         keyfile {folder}/server.key\n"
    );
    text.push_str(if with_clients {
        "# Every client shows a certificate of this CA; its common name is the user name.\n\
         require_certificate true\n\
         use_identity_as_username true\n\
         allow_anonymous false\n"
    } else {
        "# Anybody who can reach the port may connect: add a password_file, or make client certificates.\n\
         allow_anonymous true\n"
    });
    text
}
