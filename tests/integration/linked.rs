//! How the program is linked: what keeps an intruder from using a fault in it, and which libraries a start has to load.
#![cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]

use std::fs;

const PT_DYNAMIC: u64 = 2;
const PT_GNU_STACK: u64 = 0x6474_E551;
const PT_GNU_RELRO: u64 = 0x6474_E552;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;
const DT_FLAGS: u64 = 30;
const DF_BIND_NOW: u64 = 8;

/// A number of so many bytes.
fn number(program: &[u8], at: u64, bytes: usize) -> u64 {
    let mut word = [0; 8];
    word[..bytes].copy_from_slice(&program[at as usize..][..bytes]);
    u64::from_le_bytes(word)
}

/// Type, flags, place in the file and length of each segment.
fn segments(program: &[u8]) -> Vec<(u64, u64, u64, u64)> {
    let (first, size, count) = (number(program, 32, 8), number(program, 54, 2), number(program, 56, 2));
    (0..count)
        .map(|index| first + index * size)
        .map(|at| {
            (
                number(program, at, 4),
                number(program, at + 4, 4),
                number(program, at + 8, 8),
                number(program, at + 32, 8),
            )
        })
        .collect()
}

/// Tag and value of each entry of the dynamic section.
fn dynamic(program: &[u8]) -> Vec<(u64, u64)> {
    let (.., start, length) =
        segments(program).into_iter().find(|(kind, ..)| *kind == PT_DYNAMIC).expect("it is linked to libraries");
    (0..length / 16)
        .map(|index| start + index * 16)
        .map(|at| (number(program, at, 8), number(program, at + 8, 8)))
        .collect()
}

#[test]
fn the_program_may_lie_anywhere_and_its_table_of_addresses_is_read_only() {
    let program = fs::read(env!("CARGO_BIN_EXE_moskit")).unwrap();
    assert_eq!(number(&program, 16, 2), 3, "it is position-independent");
    let segments = segments(&program);
    assert!(segments.iter().any(|(kind, ..)| *kind == PT_GNU_RELRO));
    assert!(
        segments.iter().any(|(kind, flags, ..)| *kind == PT_GNU_STACK && flags & 1 == 0),
        "its stack holds no code"
    );
    // Without it the addresses of libraries' functions are looked for when these are called, in a table that stays writable.
    assert!(dynamic(&program).iter().any(|(tag, flags)| *tag == DT_FLAGS && flags & DF_BIND_NOW != 0));
}

/// libgcc's unwinder is a library where the compiler has no archive of it. The bar that shows progress needs the library of
/// mathematics.
#[cfg(not(feature = "psk"))]
#[test]
fn a_start_loads_the_libraries_of_c_alone() {
    let program = fs::read(env!("CARGO_BIN_EXE_moskit")).unwrap();
    let dynamic = dynamic(&program);
    // The first segment of a program lies in memory as in the file, and the names are in it.
    let (_, names) = *dynamic.iter().find(|(tag, _)| *tag == DT_STRTAB).expect("libraries have names");
    let needed = dynamic.iter().filter(|(tag, _)| *tag == DT_NEEDED).map(|(_, at)| {
        let name = &program[(names + at) as usize..];
        String::from_utf8_lossy(name.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
    });
    let known = ["libc.so", "libm.so", "ld-linux", "libgcc_s.so"];
    let others: Vec<_> = needed.filter(|name| !known.iter().any(|known| name.starts_with(known))).collect();
    assert!(others.is_empty(), "{others:?}");
}
