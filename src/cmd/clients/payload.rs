//! Payloads from files and standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use bytes::Bytes;

use crate::cmd::connect::args::{MAX_PAYLOAD, PayloadSource};
use crate::net::reason;
use crate::term::{Exit, Failure};

/// The one payload that a source has; `None` for those that have many, or none.
pub fn of(source: Option<&PayloadSource>) -> Result<Option<Bytes>, Failure> {
    Ok(match source {
        None | Some(PayloadSource::StdinLines | PayloadSource::Records) => None,
        Some(PayloadSource::Text(text)) => Some(text.clone()),
        Some(PayloadSource::Null) => Some(Bytes::new()),
        Some(PayloadSource::File(path)) => Some(of_file(path)?),
        Some(PayloadSource::Stdin) => Some(of_stdin(io::stdin().lock())?),
    })
}

/// The whole of a regular file; an empty one is an empty payload.
pub fn of_file(path: &Path) -> Result<Bytes, Failure> {
    let name = path.display();
    let failed = |first: String| {
        Failure::verbatim(Exit::FAILED, format!("{first}\nError loading input file \"{name}\".\n")).quietable()
    };
    let unreadable = |error: &io::Error| failed(format!("Error: Unable to read file \"{name}\": {}.", reason(error)));
    let is_no_file = || failed(format!("Error: {name} is not a file."));
    // Before it is opened, since opening a pipe waits for somebody who writes; and again, since it may be another by then.
    if !std::fs::metadata(path).map_err(|error| unreadable(&error))?.is_file() {
        return Err(is_no_file());
    }
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    let metadata = file.metadata().map_err(|error| unreadable(&error))?;
    if !metadata.is_file() {
        return Err(is_no_file());
    }
    // Room for all of it at once: a vector that grows holds it up to three times.
    let length = usize::try_from(metadata.len()).unwrap_or(usize::MAX).min(MAX_PAYLOAD);
    match read_limited(file, length + 1).map_err(|error| unreadable(&error))? {
        Some(bytes) => Ok(bytes),
        None => Err(failed(format!("Error: File must be less than {MAX_PAYLOAD} bytes."))),
    }
}

/// All of standard input, which must not be empty.
pub fn of_stdin(stdin: impl Read) -> Result<Bytes, Failure> {
    let failed = |first: String| {
        Failure::verbatim(Exit::FAILED, format!("{first}\nError loading input from stdin.\n")).quietable()
    };
    match read_limited(stdin, 0) {
        Ok(Some(bytes)) if bytes.is_empty() => Err(failed("Error: Zero length input.".to_owned())),
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(failed(format!("Error: Input must be less than {MAX_PAYLOAD} bytes."))),
        Err(error) => Err(failed(format!("Error: Unable to read standard input: {}.", reason(&error)))),
    }
}

/// All bytes, or `None` if they are more than a payload can hold.
fn read_limited(source: impl Read, capacity: usize) -> io::Result<Option<Bytes>> {
    let mut bytes = Vec::with_capacity(capacity);
    source.take(MAX_PAYLOAD as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= MAX_PAYLOAD).then(|| bytes.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_and_may_be_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("payload");
        std::fs::write(&path, b"a\0b\n").unwrap();
        assert_eq!(of_file(&path).unwrap(), &b"a\0b\n"[..]);
        std::fs::write(&path, b"").unwrap();
        assert_eq!(of_file(&path).unwrap(), &b""[..]);
    }

    #[test]
    fn a_missing_file_and_a_folder_are_told_with_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let name = missing.display();
        assert_eq!(
            of_file(&missing).unwrap_err().verbatim,
            format!(
                "Error: Unable to read file \"{name}\": No such file or directory.\nError loading input file \"{name}\".\n"
            )
        );
        let name = folder.path().display();
        assert_eq!(
            of_file(folder.path()).unwrap_err().verbatim,
            format!("Error: {name} is not a file.\nError loading input file \"{name}\".\n")
        );
    }

    #[test]
    fn standard_input_must_not_be_empty() {
        assert_eq!(of_stdin(&b"x\n"[..]).unwrap(), &b"x\n"[..]);
        assert_eq!(
            of_stdin(&b""[..]).unwrap_err().verbatim,
            "Error: Zero length input.\nError loading input from stdin.\n"
        );
    }
}
