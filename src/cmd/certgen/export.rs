//! `certgen export`: a certificate with its key, in the form that a device, a phone or a cluster wants.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::dates::date;
use super::files::{
    CERTIFICATE_MODE, Folder, KEY_MODE, NAME_THE_FILES, NewFile, Replacing, key_der, key_pem, stem, write_all,
};
use super::forms::{Parts, arduino, c_header, esp_idf, identifier, micropython, module};
use super::index::is_issued_by;
use super::issuer::certificates;
use super::options::{ExportArgs, ExportForm, chain_path};
use super::secrets::{Profile, docker, environment, kubernetes, mobileconfig, object_name};
use super::sentences::not_made;
use crate::pki::certificate::Certificate;
use crate::pki::make::{Contents, KeyPair, Strength, store, to_pem};
use crate::term::{Exit, Failure, Secret, Term};

/// What was written.
#[derive(Default)]
pub struct Exported {
    pub files: Vec<PathBuf>,
    /// Files with a key that is not encrypted.
    pub secret: Vec<PathBuf>,
    /// Certificates whose CA does not lie beside them: of forms for devices, and where another CA does.
    pub without_ca: Vec<PathBuf>,
    /// Certificates whose intermediate CAs the form has no place for.
    pub without_chain: Vec<PathBuf>,
    /// A store's passphrase has characters that Java does not take.
    pub is_beyond_ascii: bool,
    /// The one file, for standard output.
    pub text: Option<Zeroizing<Vec<u8>>>,
}

/// One file of an export, before it has its folder.
struct Piece {
    name: String,
    text: Zeroizing<Vec<u8>>,
    /// It holds a private key, maybe an encrypted one.
    is_secret: bool,
}

/// What a certificate is called where it is written.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Name {
    File(String),
    /// In the file: an identifier of C or Python, or an object of Kubernetes.
    Inside(String),
}

pub fn run(args: &ExportArgs, term: &mut Term) -> Result<Exported, Failure> {
    let to_output = args.out == Path::new("-");
    judge(args, to_output)?;
    let mut exported = Exported::default();
    let (mut new, mut called) = (Vec::new(), HashMap::new());
    let mut secret = None;
    let mut folders = if to_output { None } else { Some(Folder::make(&args.out)?) };
    for path in &args.certificates {
        let material = Material::read(path, args, term)?;
        for name in [Some(Name::File(material.stem.clone())), material.name_inside(args.to)].into_iter().flatten() {
            if let Some(other) = called.insert(name.clone(), path) {
                return Err(both_called(&name, other, path));
            }
        }
        let is_encrypted = (args.encrypt || args.to.is_store()) && material.needs_passphrase(args.to);
        if is_encrypted && secret.is_none() {
            // One passphrase for all that are written in one go.
            secret = Some(args.secret.to_protect(&material.target(args.to), term)?);
        }
        let is_embedded = [ExportForm::Arduino, ExportForm::EspIdf, ExportForm::Micropython, ExportForm::CHeader];
        if material.ca.is_none() && (is_embedded.contains(&args.to) || path.with_file_name("ca.crt").exists()) {
            exported.without_ca.push(path.clone());
        }
        if material.chain.len() > 1 && args.to == ExportForm::Micropython {
            exported.without_chain.push(path.clone());
        }
        let secret = secret.as_ref().filter(|_| is_encrypted);
        exported.is_beyond_ascii |=
            args.to == ExportForm::P12 && secret.is_some_and(|secret| !secret.expose().is_ascii());
        let (folder, pieces) = material.pieces(args, secret)?;
        if to_output {
            exported.text = pieces.into_iter().next().map(|piece| piece.text);
            return Ok(exported);
        }
        let folder = args.out.join(folder);
        if let Some(folders) = &mut folders {
            folders.add(&folder)?;
        }
        for piece in pieces {
            let file = folder.join(&piece.name);
            if piece.is_secret && !is_encrypted {
                exported.secret.push(file.clone());
            }
            let mode = if piece.is_secret { KEY_MODE } else { CERTIFICATE_MODE };
            new.push(NewFile::new(file, piece.text.as_slice(), mode));
        }
    }
    spare_sources(args, &new)?;
    write_all(&new, Replacing::forced(args.force), term)?;
    if let Some(folders) = folders {
        folders.keep();
    }
    exported.files = super::made::paths(&new);
    Ok(exported)
}

fn both_called(name: &Name, one: &Path, other: &Path) -> Failure {
    let name = match name {
        Name::File(name) => format!("be written as `{name}`"),
        Name::Inside(name) => format!("be called `{name}` in what is written"),
    };
    let why = format!("`{}` and `{}` would both {name}", one.display(), other.display());
    Failure::new(Exit::USAGE, why).hint("export them one by one; --stem NAME names what comes of each")
}

/// Refuses to replace what is exported, with or without `--force`: a key in it may be the only one that there is.
fn spare_sources(args: &ExportArgs, new: &[NewFile]) -> Result<(), Failure> {
    let sources: Vec<_> = (args.certificates.iter().chain(&args.key).chain(&args.ca))
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    let is_source = |file: &&NewFile| file.path.canonicalize().is_ok_and(|path| sources.contains(&path));
    match new.iter().find(is_source) {
        Some(file) => {
            let why = format!("`{}` is a file that is exported, and would be replaced", file.path.display());
            Err(Failure::new(Exit::USAGE, why).hint("--out DIR or --stem NAME writes beside it"))
        }
        None => Ok(()),
    }
}

/// Options that the form has no use for.
fn judge(args: &ExportArgs, to_output: bool) -> Result<(), Failure> {
    let usage = |why: &str| Err(Failure::new(Exit::USAGE, why));
    if args.to == ExportForm::Jks {
        return Err(no_jks());
    }
    let is_whole = matches!(args.to, ExportForm::Der | ExportForm::EspIdf | ExportForm::Docker);
    if to_output && (is_whole || args.certificates.len() > 1) {
        return usage("more than one file cannot go to standard output");
    }
    if args.certificates.len() > 1 && (args.key.is_some() || args.stem.is_some()) {
        return usage("--key and --stem are for one certificate");
    }
    if args.legacy && args.to != ExportForm::P12 {
        return usage("--legacy is for --to p12");
    }
    if args.encrypt && !matches!(args.to, ExportForm::Pem | ExportForm::Der) {
        return usage(if args.to.is_store() {
            "--encrypt is for --to pem and der: this form is always encrypted"
        } else {
            "--encrypt is for --to pem and der: whoever reads this form cannot type a passphrase"
        });
    }
    if args.secret.is_given() && !args.encrypt && !args.to.is_store() {
        return usage("a passphrase for the key is given, but the form is not encrypted");
    }
    Ok(())
}

/// What somebody does who wants a store for Java.
fn no_jks() -> Failure {
    Failure::new(Exit::USAGE, "JKS is not written: Java reads PKCS#12 since version 8").hint(
        "--to p12 writes it; for a program that takes JKS alone: keytool -importkeystore -srckeystore STEM.p12 \
         -srcstoretype PKCS12 -destkeystore STEM.jks -deststoretype JKS",
    )
}

/// What there is to export.
struct Material {
    stem: String,
    /// The certificate and the intermediate CAs above it; empty where the certificate is that of a CA.
    chain: Vec<Certificate>,
    ca: Option<Certificate>,
    key: Option<KeyPair>,
}

impl Material {
    fn read(path: &Path, args: &ExportArgs, term: &mut Term) -> Result<Self, Failure> {
        let name = args.stem.clone().unwrap_or_else(|| path.file_stem().unwrap_or_default().to_string_lossy().into());
        let stem = stem(&name).map_err(|failure| failure.hint(NAME_THE_FILES))?;
        let mut chain = certificates(path)?;
        if chain.len() == 1
            && let Ok(longer) = certificates(&chain_path(path))
            && longer[0].der == chain[0].der
        {
            chain = longer;
        }
        if chain[0].is_ca() {
            if args.key.is_some() {
                let why = format!("`{}` is a CA, whose key no export holds", path.display());
                return Err(
                    Failure::new(Exit::USAGE, why).hint("export a certificate that it signed, or leave --key out")
                );
            }
            return Ok(Self { stem, ca: Some(chain.remove(0)), chain: Vec::new(), key: None });
        }
        let is_root = |it: &Certificate| it.is_ca() && it.is_self_issued() && it.is_signed_by(it) != Some(false);
        chain.retain(|certificate| !is_root(certificate));
        let ca = authority(path, args.ca.as_deref(), &chain)?;
        let key_path = args.key.clone().unwrap_or_else(|| path.with_extension("key"));
        let is_wanted = !args.no_key && (args.key.is_some() || key_path.exists());
        let key = is_wanted.then(|| args.passphrase.read_pair(&key_path, term)).transpose()?;
        if let Some(key) = &key
            && key.public_key() != chain[0].public_key.info
        {
            let why = format!("`{}` is not the key of `{}`", key_path.display(), path.display());
            return Err(Failure::new(Exit::FAILED, why).hint("--key FILE names another"));
        }
        Ok(Self { stem, chain, ca, key })
    }

    /// A store is under a passphrase even where it holds only certificates; a profile only where it has a key.
    fn needs_passphrase(&self, form: ExportForm) -> bool {
        self.key.is_some() || form == ExportForm::P12
    }

    /// What is asked for a passphrase is called so.
    fn target(&self, form: ExportForm) -> PathBuf {
        let ending = match form {
            ExportForm::P12 => "p12",
            ExportForm::Mobileconfig => "mobileconfig",
            ExportForm::Der => "der",
            _ => "pem",
        };
        PathBuf::from(format!("{}.{ending}", self.stem))
    }

    /// What a form calls the certificate where that is not its file: two of the same name would be one where they are used.
    fn name_inside(&self, form: ExportForm) -> Option<Name> {
        match form {
            ExportForm::CHeader | ExportForm::Arduino | ExportForm::EspIdf => {
                Some(Name::Inside(identifier(&self.stem)))
            }
            ExportForm::Micropython => Some(Name::Inside(module(&self.stem))),
            ExportForm::K8s => Some(Name::Inside(object_name(&self.stem))),
            _ => None,
        }
    }

    fn ders(&self) -> Vec<&[u8]> {
        self.chain.iter().chain(&self.ca).map(|certificate| certificate.der.as_slice()).collect()
    }

    fn store(&self, secret: Option<&Secret>, strength: Strength) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let contents = Contents { name: &self.stem, key: self.key.as_ref(), certificates: self.ders() };
        let passphrase = secret.map(Secret::expose).unwrap_or_default();
        store(&contents, passphrase, strength).map_err(|error| not_made("make the store", error))
    }

    /// The folder below the asked one, and the files in it.
    fn pieces(&self, args: &ExportArgs, secret: Option<&Secret>) -> Result<(PathBuf, Vec<Piece>), Failure> {
        let stem = &self.stem;
        let has_key = self.key.is_some();
        let last = self.chain.first().or(self.ca.as_ref()).map(|certificate| certificate.not_after).unwrap_or_default();
        let parts = Parts {
            stem,
            expires: &date(last),
            ca: self.ca.as_ref().map(|certificate| certificate.der.as_slice()),
            chain: self.chain.iter().map(|certificate| certificate.der.as_slice()).collect(),
            key: self.key.as_ref().map(KeyPair::pkcs8),
        };
        let one = |name: String, text: Zeroizing<String>| {
            let text = Zeroizing::new(text.as_bytes().to_vec());
            (PathBuf::new(), vec![Piece { name, text, is_secret: has_key }])
        };
        let several = |folder: &str, files: Vec<super::forms::Text>| {
            let piece = |file: super::forms::Text| Piece {
                name: file.name,
                text: Zeroizing::new(file.content.as_bytes().to_vec()),
                is_secret: file.is_secret,
            };
            (PathBuf::from(format!("{stem}-{folder}")), files.into_iter().map(piece).collect())
        };
        Ok(match args.to {
            ExportForm::P12 => {
                let strength = if args.legacy { Strength::Legacy } else { Strength::Modern };
                let text = self.store(secret, strength)?;
                (PathBuf::new(), vec![Piece { name: format!("{stem}.p12"), text, is_secret: has_key }])
            }
            ExportForm::Pem => one(format!("{stem}.pem"), self.pem(secret)?),
            ExportForm::Der => (PathBuf::new(), self.der(secret)?),
            ExportForm::CHeader => one(format!("{stem}.h"), c_header(&parts)),
            ExportForm::Arduino => one(format!("{stem}.h"), arduino(&parts)),
            ExportForm::Micropython => one(format!("{}.py", module(stem)), micropython(&parts)),
            ExportForm::EspIdf => several("esp-idf", esp_idf(&parts)?),
            ExportForm::Base64 => one(format!("{stem}.env"), environment(&parts)),
            ExportForm::K8s => one(format!("{stem}.yaml"), kubernetes(&parts)),
            ExportForm::Docker => several("docker", docker(&parts)),
            ExportForm::Mobileconfig => {
                // Apple's systems open stores of the old kind only.
                let store = if has_key { Some(self.store(secret, Strength::Legacy)?) } else { None };
                let profile = Profile { parts: &parts, store: store.as_deref().map(Vec::as_slice) };
                one(format!("{stem}.mobileconfig"), mobileconfig(&profile))
            }
            ExportForm::Jks => return Err(no_jks()),
        })
    }

    fn pem(&self, secret: Option<&Secret>) -> Result<Zeroizing<String>, Failure> {
        let mut text = Zeroizing::new(String::with_capacity(64 * 1024));
        if let Some(key) = &self.key {
            text.push_str(&key_pem(key, secret)?);
        }
        for der in self.ders() {
            text.push_str(&to_pem("CERTIFICATE", der));
        }
        Ok(text)
    }

    fn der(&self, secret: Option<&Secret>) -> Result<Vec<Piece>, Failure> {
        let stem = &self.stem;
        let certificate =
            |name: String, der: &[u8]| Piece { name, text: Zeroizing::new(der.to_vec()), is_secret: false };
        let mut pieces: Vec<_> = (self.chain.iter().enumerate())
            .map(|(at, it)| {
                certificate(if at == 0 { format!("{stem}.der") } else { format!("{stem}-chain{at}.der") }, &it.der)
            })
            .collect();
        if let Some(ca) = &self.ca {
            let name = if self.chain.is_empty() { format!("{stem}.der") } else { format!("{stem}-ca.der") };
            pieces.push(certificate(name, &ca.der));
        }
        if let Some(key) = &self.key {
            pieces.push(Piece { name: format!("{stem}-key.der"), text: key_der(key, secret)?, is_secret: true });
        }
        Ok(pieces)
    }
}

/// The CA that was named, or the one beside the certificate if it is the one above the chain.
fn authority(path: &Path, named: Option<&Path>, chain: &[Certificate]) -> Result<Option<Certificate>, Failure> {
    if let Some(named) = named {
        let ca = certificates(named)?.remove(0);
        if !ca.is_ca() {
            return Err(Failure::new(Exit::FAILED, format!("`{}` is not the certificate of a CA", named.display())));
        }
        return Ok(Some(ca));
    }
    let beside = path.with_file_name("ca.crt");
    if !beside.exists() {
        return Ok(None);
    }
    // A CA made anew may have the name of the old one: the signature says which it is.
    let is_above =
        |ca: &Certificate| ca.is_ca() && chain.last().is_some_and(|last| is_issued_by(last, ca) == Some(true));
    Ok(certificates(&beside)?.into_iter().find(is_above))
}
