//! Has the unwinder linked into the program where the compiler has it as an archive. As a library of its own, libgcc_s.so is
//! found, mapped and bound at each start, and asks the processor what it is, which a virtual machine answers slowly: together
//! a tenth of what `moskit --version` takes.

use std::env::{var, var_os};
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=RUSTC_LINKER");
    let is = |part: &str, value: &str| var(format!("CARGO_CFG_TARGET_{part}")).is_ok_and(|found| found == value);
    // Measured there; musl has no such library.
    if is("OS", "linux") && is("ENV", "gnu") && is("ARCH", "x86_64") && has_archive() {
        println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
    }
}

/// Whether whoever links knows the archive, which he names by its path then.
fn has_archive() -> bool {
    let linker = var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let asked = Command::new(linker).arg("-print-file-name=libgcc_eh.a").output();
    asked.is_ok_and(|answer| Path::new(String::from_utf8_lossy(&answer.stdout).trim()).is_absolute())
}
