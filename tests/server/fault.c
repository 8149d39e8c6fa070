/* Makes system calls on the files of one folder fail, as a broken or full disk does.
 *
 * FAULT_FOLDER  files below it are meant
 * FAULT_SIGNAL  while this file exists, its content says what fails: letters w (writes), s (syncs), o (openings), then the errno
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int is_ours(const char *path)
{
    const char *folder = getenv("FAULT_FOLDER");
    return folder && strncmp(path, folder, strlen(folder)) == 0;
}

static int failure(char kind, const char *path)
{
    char text[32] = {0};
    const char *name = getenv("FAULT_SIGNAL");
    if (!name || !is_ours(path))
        return 0;
    int file = (int)syscall(SYS_openat, AT_FDCWD, name, O_RDONLY);
    if (file < 0)
        return 0;
    syscall(SYS_read, file, text, sizeof text - 1);
    syscall(SYS_close, file);
    char *digits = strpbrk(text, "0123456789");
    if (!digits)
        return 0;
    int error = atoi(digits);
    *digits = 0;
    return strchr(text, kind) ? error : 0;
}

static int fails(char kind, int fd)
{
    char link[64], path[4096];
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = before;
    if (length < 0)
        return 0;
    path[length] = 0;
    int error = failure(kind, path);
    if (error)
        errno = error;
    return error;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *bytes, size_t count) { return fails('w', fd) ? -1 : NEXT(write)(fd, bytes, count); }
int fdatasync(int fd) { return fails('s', fd) ? -1 : NEXT(fdatasync)(fd); }
int fsync(int fd) { return fails('s', fd) ? -1 : NEXT(fsync)(fd); }

static int refused(const char *path)
{
    int error = failure('o', path);
    if (error)
        errno = error;
    return error;
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return refused(path) ? -1 : NEXT(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return refused(path) ? -1 : NEXT(open64)(path, flags, mode);
}
