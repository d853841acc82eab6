//! Hashing many passwords on all cores.

use std::num::{NonZeroU32, NonZeroUsize};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::hash::{Hash, HashingFailed, Recipe};
use super::scram;
use crate::scram::{KeysError, Mechanism};

/// Passwords that a thread takes at a time: few enough that all threads end together.
const BATCH: usize = 16;
/// Memory that all argon2 threads may take together, in KiB: 4 GiB.
const MAX_ARGON2_KIB: u32 = 4 * 1024 * 1024;

/// Hashes every password, in order. `done` is told, from any thread, how many more are done.
pub fn make_all(
    recipe: Recipe,
    salt_bytes: usize,
    passwords: &[&[u8]],
    done: impl Fn(u64) + Sync,
) -> Result<Vec<Hash>, HashingFailed> {
    let threads = thread_count(recipe, passwords.len());
    on_all_cores(passwords, threads, |password| Hash::make(recipe, salt_bytes, password), done)
}

/// As [`make_all`], with keys for SCRAM.
pub fn make_all_scram(
    mechanisms: &[Mechanism],
    iterations: NonZeroU32,
    passwords: &[&[u8]],
    done: impl Fn(u64) + Sync,
) -> Result<Vec<scram::Record>, KeysError> {
    let threads = thread_count(Recipe::Sha512, passwords.len());
    on_all_cores(passwords, threads, |password| scram::Record::make(mechanisms, iterations, password), done)
}

fn on_all_cores<T: Send, E: Send>(
    passwords: &[&[u8]],
    threads: usize,
    make: impl Fn(&[u8]) -> Result<T, E> + Sync,
    done: impl Fn(u64) + Sync,
) -> Result<Vec<T>, E> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut made = Vec::new();
        loop {
            let start = next.fetch_add(BATCH, Ordering::Relaxed);
            let Some(rest) = passwords.get(start..).filter(|rest| !rest.is_empty()) else { return Ok(made) };
            let batch = &rest[..rest.len().min(BATCH)];
            for (index, password) in (start..).zip(batch) {
                made.push((index, make(password)?));
            }
            done(batch.len() as u64);
        }
    };
    let mut made = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect::<Result<Vec<_>, _>>()
    })?
    .into_iter()
    .flatten()
    .collect::<Vec<_>>();
    made.sort_unstable_by_key(|(index, _)| *index);
    Ok(made.into_iter().map(|(_, hash)| hash).collect())
}

fn thread_count(recipe: Recipe, passwords: usize) -> usize {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let affordable = match recipe {
        Recipe::Argon2id(cost) => (MAX_ARGON2_KIB / cost.memory_kib.max(1)).max(1) as usize,
        Recipe::Sha512 | Recipe::Pbkdf2 { .. } => usize::MAX,
    };
    cores.min(affordable).min(passwords.div_ceil(BATCH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passwd::SALT_BYTES;

    #[test]
    fn every_password_gets_its_own_hash_in_order() {
        let passwords: Vec<Vec<u8>> = (0..100).map(|number| format!("pw{number}").into_bytes()).collect();
        let borrowed: Vec<&[u8]> = passwords.iter().map(Vec::as_slice).collect();
        let counted = AtomicUsize::new(0);
        let hashes = make_all(Recipe::Sha512, SALT_BYTES, &borrowed, |more| {
            counted.fetch_add(more as usize, Ordering::Relaxed);
        })
        .unwrap();
        assert_eq!(hashes.len(), 100);
        assert!(hashes.iter().zip(&borrowed).all(|(hash, password)| hash.verify(password)));
        assert_eq!(counted.into_inner(), 100);
    }

    #[test]
    fn nothing_to_hash_needs_no_thread() {
        assert_eq!(make_all(Recipe::Sha512, SALT_BYTES, &[], |_| ()), Ok(Vec::new()));
    }
}
