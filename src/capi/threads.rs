//! The library's threads, and the signals of the host's process: none is handled on them.

/// Signals that a fault of the running code raises on its own thread. Blocked, they would end the process past the handlers that
/// virtual machines and crash reporters have for them.
#[cfg(unix)]
const FAULTS: [libc::c_int; 6] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGSYS];

/// While this lives, the calling thread takes no signal but those of faults; threads that it starts never do. The system gives a
/// signal of the process to any thread that takes it, and a handler of the host's expects threads of the host's.
pub(super) struct Masked {
    #[cfg(unix)]
    before: libc::sigset_t,
    /// The mask belongs to a thread: this stays on it.
    _here: std::marker::PhantomData<*const ()>,
}

impl Masked {
    #[cfg(unix)]
    pub(super) fn new() -> Masked {
        // SAFETY: both sets are initialised before they are used, and the mask is put back on this same thread: the type is not Send.
        unsafe {
            let mut all = std::mem::zeroed::<libc::sigset_t>();
            let mut before = std::mem::zeroed::<libc::sigset_t>();
            libc::sigfillset(&raw mut all);
            for fault in FAULTS {
                libc::sigdelset(&raw mut all, fault);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            Masked { before, _here: std::marker::PhantomData }
        }
    }

    #[cfg(not(unix))]
    pub(super) fn new() -> Masked {
        Masked { _here: std::marker::PhantomData }
    }
}

impl Drop for Masked {
    fn drop(&mut self) {
        #[cfg(unix)]
        // SAFETY: the set is what the system gave.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut());
        }
    }
}
