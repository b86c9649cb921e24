/* A disk that forgets what was not synced: preloaded into a process, it keeps at every fsync a copy of the file, or
 * a list of the folder, under $FORGETFUL_ROOT in $FORGETFUL_KEPT. Before sync number $FORGETFUL_CUT it kills the
 * process and its children. From the copies and from what is in the folder then, forgetful_disk.py builds a state
 * that a power cut may leave: whatever was done since the last sync is there or not, so that a cut between two
 * syncs is one before the second. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Write the identity of an inode: its number may be used again, its number with its birth may not. */
static int identity(int folder, const char *path, int flags, char *text, size_t size) {
    struct statx found;
    if (statx(folder, path, flags | AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &found)) return -1;
    if (!(found.stx_mask & STATX_BTIME)) return -1;
    snprintf(text, size, "%llu.%lld.%u", (unsigned long long)found.stx_ino, (long long)found.stx_btime.tv_sec,
             found.stx_btime.tv_nsec);
    return 0;
}

int inode_identity(const char *path, char *text, int size) { return identity(AT_FDCWD, path, 0, text, size); }

static void keep_file(int source, int target) {
    static __thread char block[1 << 16];
    ssize_t count;
    for (off_t at = 0; (count = pread(source, block, sizeof block, at)) > 0; at += count)
        if (write(target, block, count) != count) abort();
}

/* Lines of: identity, kind (d, f or l), name, and a link's target. */
static void keep_folder(int handle, int target) {
    char path[PATH_MAX], id[64], place[PATH_MAX];
    snprintf(path, sizeof path, "/proc/self/fd/%d", handle);
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        if (identity(handle, entry->d_name, 0, id, sizeof id)) continue;
        ssize_t length = readlinkat(handle, entry->d_name, place, sizeof place - 1);
        place[length > 0 ? length : 0] = 0;
        char kind = entry->d_type == DT_DIR ? 'd' : length > 0 ? 'l' : 'f';
        dprintf(target, "%s\t%c\t%s\t%s\n", id, kind, entry->d_name, place);
    }
    if (folder) closedir(folder);
}

static void count_or_cut(const char *kept) {
    static atomic_int syncs;
    const char *cut = getenv("FORGETFUL_CUT");
    char path[PATH_MAX];
    if (cut && ++syncs == atoi(cut)) {
        kill(0, SIGKILL);
        pause();
    }
    snprintf(path, sizeof path, "%s/syncs", kept);
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (write(log, ".", 1) != 1) abort();
    close(log);
}

static void keep(int handle) {
    const char *root = getenv("FORGETFUL_ROOT"), *kept = getenv("FORGETFUL_KEPT");
    char link[64], path[PATH_MAX], id[64], part[PATH_MAX], done[PATH_MAX];
    struct stat found;
    if (!root || !kept || fstat(handle, &found)) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return;
    path[length] = 0;
    if (strncmp(path, root, strlen(root))) return;
    if (identity(handle, "", AT_EMPTY_PATH, id, sizeof id)) return;
    count_or_cut(kept);
    int readable = open(link, O_RDONLY);
    if (readable < 0) return;
    snprintf(done, sizeof done, "%s/%s", kept, id);
    snprintf(part, sizeof part, "%s/part.%ld", kept, syscall(SYS_gettid));
    int target = open(part, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (S_ISDIR(found.st_mode)) keep_folder(readable, target);
    else keep_file(readable, target);
    close(target);
    close(readable);
    rename(part, done); /* at once: a kill keeps the state before or after the sync */
}

int fsync(int handle) { keep(handle); return 0; }
int fdatasync(int handle) { keep(handle); return 0; }
