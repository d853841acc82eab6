//! Archives of tar: the files in them, read one behind the other and never unpacked.

use std::io::Read;

use zeroize::Zeroizing;

use super::value::NAME_LIMIT;

/// The most members that are looked at.
pub const MEMBERS_LIMIT: usize = 20_000;

/// Where the mark of tar stands in the first header, POSIX's and GNU's.
const MARK_AT: usize = 257;
const MARK: &[u8] = b"ustar";

const BLOCK: usize = 512;

/// Why an archive is not read. Nothing of it counts then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveFault {
    /// A header or a file in it is cut off or wrong.
    Damaged,
    /// It does not end as archives do: the rest may be missing, or stands behind the end.
    NoEnd,
    TooMany,
}

/// A file in an archive.
pub struct Member {
    /// Its path, in which anything may stand.
    pub name: String,
    /// `None`: a link, a device, or a file with holes, which may be of any size.
    pub bytes: Option<Zeroizing<Vec<u8>>>,
}

pub fn is_archive(bytes: &[u8]) -> bool {
    bytes.len() >= BLOCK && bytes[MARK_AT..].starts_with(MARK)
}

/// The files of an archive. Folders are none.
pub fn members(bytes: &[u8]) -> Result<Vec<Member>, ArchiveFault> {
    let mut archive = tar::Archive::new(bytes);
    let mut found = Vec::new();
    for (at, entry) in archive.entries().map_err(|_| ArchiveFault::Damaged)?.enumerate() {
        let mut entry = entry.map_err(|_| ArchiveFault::Damaged)?;
        if at >= MEMBERS_LIMIT {
            return Err(ArchiveFault::TooMany);
        }
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind.is_pax_global_extensions() {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if name.len() > NAME_LIMIT {
            return Err(ArchiveFault::Damaged);
        }
        let size = entry.size();
        let bytes = if kind.is_file() || kind.is_contiguous() {
            if size > bytes.len() as u64 {
                return Err(ArchiveFault::Damaged);
            }
            let mut content = Zeroizing::new(Vec::with_capacity(size as usize));
            let read = (&mut entry).take(size).read_to_end(&mut content);
            if read.is_err() || content.len() as u64 != size {
                return Err(ArchiveFault::Damaged);
            }
            Some(content)
        } else {
            None
        };
        found.push(Member { name, bytes });
    }
    // It is read as far as the first of the blocks at its end. Without another it may have been cut between two members, and behind
    // them may stand what some programs unpack and others do not.
    let rest = archive.into_inner();
    let ends = rest.len() >= BLOCK && rest.iter().all(|byte| *byte == 0);
    if ends { Ok(found) } else { Err(ArchiveFault::NoEnd) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o600);
            builder.append_data(&mut header, name, *content).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn names(bytes: &[u8]) -> Result<Vec<(String, Option<usize>)>, ArchiveFault> {
        let row = |member: Member| (member.name, member.bytes.map(|bytes| bytes.len()));
        members(bytes).map(|found| found.into_iter().map(row).collect())
    }

    #[test]
    fn an_archive_that_is_cut_anywhere_is_damaged() {
        let whole = archive(&[("a/one", b"1"), (&format!("a/{}", "x".repeat(150)), &[b'2'; 600]), ("b", b"")]);
        assert_eq!(names(&whole).unwrap().len(), 3);
        for end in BLOCK..=whole.len() - 2 * BLOCK {
            assert!(is_archive(&whole[..end]));
            assert!(names(&whole[..end]).is_err(), "{end}");
        }
        assert!(!is_archive(&whole[..BLOCK - 1]));
    }

    #[test]
    fn what_stands_behind_the_end_is_not_left_out() {
        let (one, two) = (archive(&[("a", b"1")]), archive(&[("b", b"2")]));
        assert_eq!(names(&[one.as_slice(), &two].concat()), Err(ArchiveFault::NoEnd));
        let lone = [&one[..2 * BLOCK], &[0; BLOCK], &two].concat();
        assert_eq!(names(&lone), Err(ArchiveFault::NoEnd));
        assert_eq!(names(&[one.as_slice(), &[0; 18 * BLOCK]].concat()).unwrap().len(), 1);
    }

    #[test]
    fn a_member_that_says_it_is_huge_takes_no_room() {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_path("bomb.pem").unwrap();
        header.set_size(1 << 40);
        header.set_cksum();
        builder.append(&header, std::io::empty()).unwrap();
        assert_eq!(names(&builder.into_inner().unwrap()), Err(ArchiveFault::Damaged));
        // With holes: almost nothing in the archive, and a terabyte for whoever reads it.
        let mut header = tar::Header::new_gnu();
        header.set_path("holes.pem").unwrap();
        header.set_entry_type(tar::EntryType::GNUSparse);
        let gnu = header.as_gnu_mut().unwrap();
        gnu.realsize[..12].copy_from_slice(b"00000000000\0");
        header.set_size(0);
        header.set_cksum();
        let mut builder = tar::Builder::new(Vec::new());
        builder.append(&header, std::io::empty()).unwrap();
        let found = names(&builder.into_inner().unwrap());
        assert!(found.as_ref().is_err() || found.as_ref().unwrap() == &[("holes.pem".to_owned(), None)], "{found:?}");
    }

    #[test]
    fn links_are_not_followed_and_members_are_counted() {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, "ca.crt", "/etc/passwd").unwrap();
        assert_eq!(names(&builder.into_inner().unwrap()).unwrap(), [("ca.crt".to_owned(), None)]);
        let mut long = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        long.append_data(&mut header, "a".repeat(NAME_LIMIT + 1), std::io::empty()).unwrap();
        assert_eq!(names(&long.into_inner().unwrap()), Err(ArchiveFault::Damaged));
        let mut many = vec![0; 0];
        let one = archive(&[("a", b"")]);
        for _ in 0..=MEMBERS_LIMIT {
            many.extend_from_slice(&one[..BLOCK]);
        }
        many.extend_from_slice(&[0; 2 * BLOCK]);
        assert_eq!(names(&many), Err(ArchiveFault::TooMany));
    }
}
