/* Preloaded under the program: a disk that fails, or stands still, when it is told to, and that knows what was never
 * synced. The files are CANOPY_DISK_FILE and its log (-wal); in the folder CANOPY_DISK_STATE lie
 *   order    what to do: four int64 (a number that rises with each order, the kind, calls to let pass, calls to meet)
 *   met      a byte for each call that was met
 *   disk.N   what is surely on the disk of file N: 0 is the database, 1 its log
 *   dirty.N  what was written to it since its last sync: pairs of int64 (offset, length)
 * A sync that fails forgets what was to be synced, as Linux does: a later one does not bring it to the disk. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NOTHING, WRITE_FULL, WRITE_ERROR, SYNC_ERROR, WRITE_STANDS_STILL, SYNC_STANDS_STILL };
enum { GO_ON, FAIL, FAIL_HALFWAY };

#define FDS 65536
static unsigned char file_of[FDS]; /* 0: none of ours, else 1 + its number */
static int disk[2] = {-1, -1}, dirty[2] = {-1, -1}, orders = -1, met = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t seen_order, calls;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_close)(int);
static int (*real_fsync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_open)(const char *, int, ...);

static int state_file(const char *name, int number) {
    char path[4096];
    snprintf(path, sizeof path, number < 0 ? "%s/%s" : "%s/%s.%d", getenv("CANOPY_DISK_STATE"), name, number);
    return real_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

__attribute__((constructor)) static void begin(void) {
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_close = dlsym(RTLD_NEXT, "close");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_open = dlsym(RTLD_NEXT, "open64");
    if (!getenv("CANOPY_DISK_STATE") || !getenv("CANOPY_DISK_FILE")) abort();
    orders = state_file("order", -1);
    met = state_file("met", -1);
    for (int number = 0; number < 2; number++) {
        disk[number] = state_file("disk", number);
        dirty[number] = state_file("dirty", number);
    }
}

/* What the order says to this call; the lock is held. */
static int ordered(int writes) {
    int64_t order[4] = {0};
    if (pread(orders, order, sizeof order, 0) != sizeof order || order[1] == NOTHING) return GO_ON;
    int about_writes = order[1] == WRITE_FULL || order[1] == WRITE_ERROR || order[1] == WRITE_STANDS_STILL;
    if (about_writes != writes) return GO_ON;
    if (order[0] != seen_order) seen_order = order[0], calls = 0;
    int64_t call = calls++;
    if (call < order[2] || call >= order[2] + order[3]) return GO_ON;
    (void)!real_write(met, "x", 1);
    /* Until it is killed. */
    if (order[1] == WRITE_STANDS_STILL || order[1] == SYNC_STANDS_STILL) for (;;) pause();
    errno = order[1] == WRITE_FULL ? ENOSPC : EIO;
    return order[1] == WRITE_FULL && call == order[2] ? FAIL_HALFWAY : FAIL;
}

static int opened(int fd, const char *path) {
    if (fd < 0 || fd >= FDS) return fd;
    const char *ours = getenv("CANOPY_DISK_FILE");
    size_t length = strlen(ours);
    if (strncmp(path, ours, length) == 0) {
        if (path[length] == 0) file_of[fd] = 1;
        if (strcmp(path + length, "-wal") == 0) file_of[fd] = 2;
    }
    return fd;
}

#define OPEN(NAME)                                             \
    int NAME(const char *path, int flags, ...) {               \
        va_list more;                                          \
        va_start(more, flags);                                 \
        mode_t mode = va_arg(more, mode_t);                    \
        va_end(more);                                          \
        return opened(real_open(path, flags, mode), path);     \
    }
OPEN(open)
OPEN(open64)

int close(int fd) {
    if (fd >= 0 && fd < FDS) file_of[fd] = 0;
    return real_close(fd);
}

/* Writes at an offset, or where the file stands when that is negative. */
static ssize_t written(int fd, const void *bytes, size_t length, off_t offset) {
    if (offset < 0) return real_write(fd, bytes, length);
    return real_pwrite(fd, bytes, length, offset);
}

static ssize_t wrote(int fd, const void *bytes, size_t length, off_t offset) {
    int file = fd >= 0 && fd < FDS ? file_of[fd] : 0;
    if (!file) return written(fd, bytes, length, offset);
    pthread_mutex_lock(&lock);
    int what = ordered(1);
    ssize_t done = -1;
    if (what != FAIL) {
        int64_t range[2] = {offset < 0 ? lseek(fd, 0, SEEK_CUR) : offset, 0};
        range[1] = done = written(fd, bytes, what == FAIL_HALFWAY && length > 1 ? length / 2 : length, offset);
        int dirties = dirty[file - 1];
        lseek(dirties, 0, SEEK_END);
        if (done > 0 && real_write(dirties, range, sizeof range) != sizeof range) abort();
    }
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t write(int fd, const void *bytes, size_t length) { return wrote(fd, bytes, length, -1); }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return wrote(fd, bytes, length, offset); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) { return wrote(fd, bytes, length, offset); }

/* Brings what is dirty to the disk, or forgets it. */
static void settle(int fd, int file, int reached) {
    static char bytes[1 << 20];
    int64_t range[2];
    for (off_t at = 0; reached && pread(dirty[file], range, sizeof range, at) == sizeof range; at += sizeof range) {
        while (range[1] > 0) {
            size_t wanted = range[1] < (int64_t)sizeof bytes ? (size_t)range[1] : sizeof bytes;
            ssize_t got = pread(fd, bytes, wanted, range[0]);
            if (got <= 0 || real_pwrite(disk[file], bytes, got, range[0]) != got) abort();
            range[0] += got, range[1] -= got;
        }
    }
    if (real_ftruncate(dirty[file], 0)) abort();
}

static int synced(int fd) {
    int file = fd >= 0 && fd < FDS ? file_of[fd] : 0;
    if (!file) return real_fsync(fd);
    pthread_mutex_lock(&lock);
    int failed = ordered(0) != GO_ON;
    int error = errno;
    if (!failed) failed = real_fsync(fd), error = errno;
    settle(fd, file - 1, !failed);
    errno = error;
    pthread_mutex_unlock(&lock);
    return failed ? -1 : 0;
}

int fsync(int fd) { return synced(fd); }
int fdatasync(int fd) { return synced(fd); }

static int cut(int fd, off_t length) {
    int file = fd >= 0 && fd < FDS ? file_of[fd] : 0;
    int result = real_ftruncate(fd, length);
    if (file && !result && real_ftruncate(disk[file - 1], length)) abort();
    return result;
}

int ftruncate(int fd, off_t length) { return cut(fd, length); }
int ftruncate64(int fd, off_t length) { return cut(fd, length); }
