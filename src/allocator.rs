//! The allocator of the process, and the one setting it needs.
//!
//! mimalloc gives memory that was freed back to the system after ten milliseconds. A server frees what it is about to
//! ask for again (a batch of rows, the record of a commit, the columns of a segment), and touching a fresh page costs
//! more than filling it: loading a million rows took 0.97 s with ten milliseconds and 0.57 s with a second. So the delay
//! is ten seconds. It passes only when somebody looks: a thread does, because a server that has become idle would keep
//! what its last large transaction took (650 MB after an update of three million rows).

use std::ffi::{c_int, c_long};
use std::io;
use std::thread;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc's `mi_option_t`.
const PURGE_DELAY: c_int = 15;
const PURGE_DELAY_MILLISECONDS: c_long = 10_000;

/// How often it is looked at what may be given back.
const LOOKED_AT: Duration = Duration::from_secs(2);

unsafe extern "C" {
    fn mi_option_set(option: c_int, value: c_long);
    fn mi_collect(force: bool);
}

/// Sets the allocator up. To be called first of all, while there is one thread.
pub fn configure() {
    // SAFETY: the function is part of mimalloc, which is linked as the allocator, and is called from the only thread;
    // it stores a number.
    unsafe {
        mi_option_set(PURGE_DELAY, PURGE_DELAY_MILLISECONDS);
    }
}

/// Has a thread give back what was freed long enough ago, for as long as the process lives.
pub fn give_back() -> io::Result<()> {
    let look = || loop {
        thread::sleep(LOOKED_AT);
        // SAFETY: the function is part of mimalloc, which is linked as the allocator, and may be called at any time; it
        // frees nothing that is in use.
        unsafe { mi_collect(false) }
    };
    thread::Builder::new().name("strata-memory".to_owned()).spawn(look).map(|_| ())
}
