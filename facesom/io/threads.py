"""How many threads small matrices get, and work in several that ends cleanly when interrupted."""

import threading
import warnings
from multiprocessing.dummy import DummyProcess

from joblib import Parallel
from joblib.parallel import get_active_backend
from threadpoolctl import threadpool_limits


def one_thread(small=True):
    """Return a context and decorator in which BLAS, OpenMP and PyTorch use one thread if work is small.

    On small matrices several threads wait for each other longer than they work, and many times longer where
    another process is busy.

    Parameters
    ----------
    small : bool, default True
        Otherwise nothing is limited.

    Returns
    -------
    context manager and decorator
    """
    return threadpool_limits.wrap(limits=1 if small else None)


def in_threads(tasks, n_jobs=2):
    """Yield the results of joblib's delayed `tasks`, in order, worked on in threads.

    Inside ``joblib.parallel_config`` the backend named there does the work. When it ends early, by an error,
    Ctrl-C or ``close``, threads finish what they are at: native code that outlives Python aborts the process.

    Parameters
    ----------
    tasks : iterable
        Of ``joblib.delayed(function)(...)``.
    n_jobs : int or None, default 2
        As in ``joblib.Parallel``.

    Yields
    ------
    object
        What each task returns.
    """
    before = set(threading.enumerate())
    backend, _ = get_active_backend(prefer="threads")
    as_they_come = backend.supports_return_generator  # Ray's, for one, gives them all at the end
    work = Parallel(n_jobs, prefer="threads", return_as="generator" if as_they_come else "list")(tasks)
    try:
        for result in work:  # noqa: UP028 ("yield from" would close the work before it comes here)
            yield result
    except BaseException:
        if as_they_come:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # joblib says that tasks are left
                work.close()
        for thread in set(threading.enumerate()) - before:
            if isinstance(thread, DummyProcess):  # a worker of joblib's pool
                thread.join(timeout=60)
        raise
