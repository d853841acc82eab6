//! One device of a batch: what its row asks for, and what is made of that.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::chunk::{Ready, ReadyFile};
use super::dates::{DAY, date};
use super::files::{self, NewFile, stem};
use super::fleet::{At, Bad};
use super::issuer::OpenIssuer;
use super::leaf::{client_names, files, sign};
use super::options::{BatchArgs, Layout, Lifetime, SubjectParts};
use super::register::record;
use super::rows::Row;
use super::sentences::{bad_name, not_made};
use super::sign::{judge_request, read_request};
use crate::pki::certificate::{AlternativeName, Certificate};
use crate::pki::index::Record;
use crate::pki::make::{KeyType, Leaf, Purpose, Request, Subject, Validity, host};
use crate::pki::manifest::Entry;
use crate::term::{Failure, Secret};

/// A device that is to be made.
pub struct Device {
    pub at: At,
    pub id: String,
    stem: String,
    leaf: Leaf,
    /// Names that nobody asked for, left out where the CA may not sign for them.
    optional: Vec<AlternativeName>,
    /// `None` for a request, which has its key.
    key: Option<KeyType>,
}

/// What all devices of a batch have in common.
pub struct Plan<'a> {
    pub args: &'a BatchArgs,
    pub issuer: &'a OpenIssuer,
    /// The digest of the issuer's key.
    pub authority: String,
    pub secret: Option<Secret>,
    pub now: i64,
    pub validity: Validity,
    /// Stems that are the CA's own.
    pub reserved: Vec<String>,
}

impl Device {
    /// Whether its key is of a kind that takes long to make.
    pub fn is_slow(&self) -> bool {
        self.key.is_some_and(KeyType::is_rsa)
    }
}

impl Plan<'_> {
    /// What a row asks for, if it may be had.
    pub fn device(&self, at: At, row: Row) -> Result<Device, Bad> {
        self.plan(&at, row).map_err(|why| Bad { at, why })
    }

    fn plan(&self, at: &At, row: Row) -> Result<Device, String> {
        let Row { id, names, days, key, org, org_unit } = row;
        let stem = stem(&id).map_err(text)?;
        if self.reserved.contains(&stem) {
            return Err(format!("the files of `{id}` would be those of the CA"));
        }
        if self.args.layout == Layout::Flat && !self.issuer.chain.is_empty() && stem.ends_with("-chain") {
            return Err(format!("the files of `{id}` could be the chain of another"));
        }
        if let Some(name) = self.names_of(&stem).iter().find(|name| self.args.out.join(name).symlink_metadata().is_ok())
        {
            return Err(format!("`{}` exists already", self.args.out.join(name).display()));
        }
        let what = format!("make `{id}`");
        let wrong = |error: &_| text(bad_name(&what, error));
        let mut names =
            names.iter().map(|word| word.parse()).collect::<Result<Vec<_>, _>>().map_err(|it| wrong(&it))?;
        let purpose = self.args.profile.purpose();
        let is_request = matches!(at, At::File(_));
        let mut optional = Vec::new();
        if is_request {
            // Its names are in the request.
        } else if purpose == Purpose::Client {
            optional = client_names(&id, &names);
        } else {
            let own = host(&id).map_err(|error| wrong(&error))?;
            names.retain(|name| *name != own);
            names.insert(0, own);
        }
        let parts = SubjectParts {
            org: org.or_else(|| self.args.subject.org.clone()),
            org_unit: org_unit.or_else(|| self.args.subject.org_unit.clone()),
        };
        let subject = if is_request { Subject::default() } else { parts.with(Some(id.clone())) };
        if !is_request {
            subject.check().map_err(|error| wrong(&error))?;
        }
        let validity = days.map_or(Ok(self.validity), |days| self.span(days))?;
        let leaf = Leaf { subject, names, purpose, validity };
        let key = (!is_request).then(|| key.unwrap_or(self.args.key.kind));
        Ok(Device { at: at.clone(), id, stem, leaf, optional, key })
    }

    fn span(&self, days: u32) -> Result<Validity, String> {
        let lifetime = Lifetime { days: Some(days), not_after: None, backdate: self.args.lifetime.backdate };
        let validity = lifetime.span(self.now, days);
        let end = self.issuer.authority.certificate().not_after;
        if validity.not_after > end {
            let (wanted, end) = (date(validity.not_after), date(end));
            return Err(format!("it would be valid until {wanted}, its CA only until {end}"));
        }
        debug_assert!(validity.not_after >= self.now + DAY);
        Ok(validity)
    }

    /// What is seen of a device in the folder when it is done.
    fn names_of(&self, stem: &str) -> Vec<String> {
        match self.args.layout {
            Layout::Flat => vec![format!("{stem}.crt"), format!("{stem}.key")],
            Layout::Folder => vec![stem.to_owned()],
            Layout::Archive => vec![format!("{stem}.tar")],
        }
    }

    /// Whether what a request asks for can be signed, as far as that is known before.
    pub fn check(device: &Device) -> Result<(), String> {
        match &device.at {
            At::File(path) => request(device, path).map(drop),
            At::Line(_) => Ok(()),
        }
    }

    /// Makes the device. Nothing is written.
    pub fn make(&self, device: &Device) -> Result<Ready, Bad> {
        self.made(device).map_err(|why| Bad { at: device.at.clone(), why })
    }

    fn made(&self, device: &Device) -> Result<Ready, String> {
        let what = format!("make `{}`", device.id);
        let (certificate, key) = match (&device.at, device.key) {
            (_, Some(kind)) => {
                let (certificate, key) = sign(self.issuer, device.leaf.clone(), &device.optional, kind)
                    .map_err(|error| text(not_made(&what, error)))?;
                (certificate, Some(key))
            }
            (At::File(path), None) => {
                let (request, leaf) = request(device, path)?;
                let der = request.sign(&self.issuer.authority, &leaf).map_err(|error| text(not_made(&what, error)))?;
                let certificate = Certificate::parse(&der).map_err(|_| "it cannot be read back".to_owned())?;
                (certificate, None)
            }
            (At::Line(_), None) => return Err("it has neither a key nor a request".to_owned()),
        };
        let key = key.as_ref().map(|key| (key, self.secret.as_ref()));
        let mut made = files(Path::new(""), &device.stem, &certificate, key, self.issuer, false).map_err(text)?;
        let authority = self.issuer.authority.certificate();
        if self.args.layout != Layout::Flat && authority.is_self_issued() {
            made.push(NewFile::certificates(PathBuf::from("ca.crt"), [authority.der.as_slice()]));
        }
        let files = self.laid_out(&device.stem, made)?;
        let names: Vec<_> = files.iter().map(|file| file.name.clone()).collect();
        let index = self.issuer.index.as_deref().unwrap_or(Path::new("."));
        let record = record(&certificate, Some(&self.args.out.join(&names[0])), index).map_err(text)?;
        let Record::Issued(issued) = &record else { return Err("it has no record".to_owned()) };
        let entry = Entry::of(&device.id, issued, names, &self.authority).ok_or("it has no fingerprint")?;
        Ok(Ready { record, entry, files })
    }

    /// The files as they go into the folder of the batch.
    fn laid_out(&self, stem: &str, files: Vec<NewFile>) -> Result<Vec<ReadyFile>, String> {
        let named = |file: NewFile, before: &str| {
            let name = format!("{before}{}", file.path.display());
            ReadyFile { name, mode: file.mode(), text: file.into_text() }
        };
        Ok(match self.args.layout {
            Layout::Flat => files.into_iter().map(|file| named(file, "")).collect(),
            Layout::Folder => files.into_iter().map(|file| named(file, &format!("{stem}/"))).collect(),
            Layout::Archive => {
                let text = archive(stem, &files, self.now).map_err(|error| error.to_string())?;
                vec![ReadyFile { name: format!("{stem}.tar"), text, mode: files::KEY_MODE }]
            }
        })
    }
}

/// What the request of a device asks for, if that can be signed.
fn request(device: &Device, path: &Path) -> Result<(Request, Leaf), String> {
    let request = read_request(path).map_err(text)?;
    let leaf = Leaf { names: request.names.clone(), ..device.leaf.clone() };
    judge_request(&request, &leaf.names, leaf.purpose, path).map_err(text)?;
    Ok((request, leaf))
}

/// The files in a folder called `stem`, as tar, which has room for all from the start: what it grew out of would not be wiped.
fn archive(stem: &str, files: &[NewFile], now: i64) -> std::io::Result<Zeroizing<Vec<u8>>> {
    /// What tar puts around each file, and at the end.
    const AROUND: usize = 2048;
    let size = files.iter().map(|file| file.text().len() + AROUND).sum::<usize>() + AROUND;
    let mut text = Zeroizing::new(Vec::with_capacity(size));
    let mut builder = tar::Builder::new(&mut *text);
    for file in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(file.text().len() as u64);
        header.set_mode(file.mode());
        header.set_mtime(now.max(0).cast_unsigned());
        builder.append_data(&mut header, Path::new(stem).join(&file.path), file.text())?;
    }
    builder.finish()?;
    drop(builder);
    Ok(text)
}

fn text(failure: Failure) -> String {
    failure.message.unwrap_or_default()
}
