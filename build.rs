//! Makes a start take less, where the linker can. Measured on Linux with glibc (x86-64), and done there alone.
//!
//! The unwinder is linked into the program where the compiler has it as an archive. As a library of its own, libgcc_s.so is found,
//! mapped and bound at each start, and asks the processor what it is, which a virtual machine answers slowly: together a tenth of
//! what `moskit --version` takes.
//!
//! The functions that a start runs lie beside each other (`packaging/start.ld`), and the places that the loader has to correct
//! are said in few bytes, where the C library knows that form. Both together are a sixth of the CPU time of `moskit pub -m`.

use std::env::{var, var_os};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a C library (2.36 and newer) says of itself whose loader reads `DT_RELR`.
const RELR_MARK: &[u8] = b"GLIBC_ABI_DT_RELR";

const PACKED: &str = "-Wl,-z,pack-relative-relocs";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=packaging/start.ld");
    println!("cargo:rerun-if-env-changed=RUSTC_LINKER");
    let is = |part: &str, value: &str| var(format!("CARGO_CFG_TARGET_{part}")).is_ok_and(|found| found == value);
    // musl has no such libraries.
    if !(is("OS", "linux") && is("ENV", "gnu") && is("ARCH", "x86_64")) {
        return;
    }
    let linker = var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    if file_of(&linker, "libgcc_eh.a").is_some() {
        println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
    }
    // What is built to be tried need not start fast, and is linked often.
    if !var("PROFILE").is_ok_and(|profile| profile == "release") {
        return;
    }
    let order = var("CARGO_MANIFEST_DIR").map(|folder| format!("-Wl,-T,{folder}/packaging/start.ld"));
    for argument in order.into_iter().chain(knows_packed_relocations(&linker).then(|| PACKED.to_owned())) {
        if can_link(&linker, &argument) {
            println!("cargo:rustc-link-arg-bins={argument}");
        }
    }
}

/// Where whoever links finds a file; he gives the name alone back if he does not.
fn file_of(linker: &OsStr, name: &str) -> Option<PathBuf> {
    let asked = Command::new(linker).arg(format!("-print-file-name={name}")).output().ok()?;
    let path = Path::new(String::from_utf8_lossy(&asked.stdout).trim()).to_path_buf();
    path.is_absolute().then_some(path)
}

fn knows_packed_relocations(linker: &OsStr) -> bool {
    let library = file_of(linker, "libc.so.6").and_then(|path| fs::read(path).ok());
    library.is_some_and(|library| library.windows(RELR_MARK.len()).any(|bytes| bytes == RELR_MARK))
}

/// Whether a program can be linked with the argument and those that the user has set: mold and gold read no script of sections.
fn can_link(linker: &OsStr, argument: &str) -> bool {
    let Some(folder) = var_os("OUT_DIR").map(PathBuf::from) else { return false };
    let source = folder.join("start.c");
    if fs::write(&source, "int main(void) { return 0; }\n").is_err() {
        return false;
    }
    let mut linking = Command::new(linker);
    linking.args(link_arguments()).arg(argument).arg(source).arg("-o").arg(folder.join("start"));
    linking.output().is_ok_and(|done| done.status.success())
}

/// The arguments for the linker among the flags for rustc.
fn link_arguments() -> Vec<OsString> {
    let flags = var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let words = flags.split('\x1f').map(|flag| flag.strip_prefix("-C").unwrap_or(flag));
    words
        .flat_map(|word| match (word.strip_prefix("link-arg="), word.strip_prefix("link-args=")) {
            (Some(one), _) => vec![one.into()],
            (_, Some(several)) => several.split_whitespace().map(OsString::from).collect(),
            _ => Vec::new(),
        })
        .collect()
}
