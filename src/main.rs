//! The `shipctl` binary: arguments in, exit status out. Everything else is in the library.
//!
//! With glibc it begins where C programs do. What Rust's own beginning does first takes a lookup a tenth of its time: it
//! reads a file of `/proc`, to tell an overflow of the stack from other faults later on. What else it does, `shipctl` does
//! itself.

#![cfg_attr(target_env = "gnu", no_main)]

/// Called by the C library, which hands the arguments to the standard library by itself.
#[cfg(target_env = "gnu")]
#[unsafe(no_mangle)]
extern "C" fn main() -> std::ffi::c_int {
    shipctl::run::begin();
    std::process::exit(shipctl::main().into())
}

#[cfg(not(target_env = "gnu"))]
fn main() -> std::process::ExitCode {
    shipctl::main().into()
}
