// The parts of the demo guest that a shell does badly. One program, named by argv[0]:
//   dirty MIB RATE_MIB_PER_S | dirty status | dirty off     rewrite a buffer at a rate (what live migration has to chase)
//   heartbeat MS [IPV4 PORT]                                a numbered line (or UDP datagram) every MS milliseconds
//   load-modules FILE                                       insert the listed modules, in order, in one process
//   find-disk LABEL                                         print the block device that carries a filesystem label
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define STATE_FILE "/run/troupe/dirty"
#define PID_FILE "/run/troupe/dirty.pid"
#define PAGE 4096
#define PAGES_PER_MIB 256

static double seconds(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void rest(double s) {
    if (s <= 0) return;
    struct timespec t = {(time_t)s, (long)((s - (double)(time_t)s) * 1e9)};
    nanosleep(&t, NULL);
}

static double number(const char *text, double low, double high, const char *what) {
    char *end;
    errno = 0;
    double v = strtod(text, &end);
    if (errno || end == text || *end || !(v >= low && v <= high)) {
        fprintf(stderr, "%s must be a number from %g to %g, not '%s'\n", what, low, high, text);
        exit(2);
    }
    return v;
}

// ---- dirty ---------------------------------------------------------------------------------------------------------

static void report(int mib, double rate, double actual, uint64_t passes) {
    FILE *f = fopen(STATE_FILE ".new", "w");
    if (!f) return; // the report is a courtesy: without it the load goes on
    fprintf(f, "mib=%d rate=%g actual=%.1f passes=%llu\n", mib, rate, actual, (unsigned long long)passes);
    fclose(f);
    rename(STATE_FILE ".new", STATE_FILE);
}

static int dirty_off(void) {
    FILE *f = fopen(PID_FILE, "r");
    int pid = 0;
    if (f) {
        if (fscanf(f, "%d", &pid) != 1) pid = 0;
        fclose(f);
    }
    if (pid > 0 && kill(pid, SIGKILL) != 0 && errno != ESRCH) {
        perror("dirty: cannot stop the running one");
        return 1;
    }
    unlink(PID_FILE);
    unlink(STATE_FILE);
    return 0;
}

static int dirty_status(void) {
    char line[200];
    FILE *f = fopen(STATE_FILE, "r");
    if (!f) {
        puts("off");
        return 0;
    }
    if (fgets(line, sizeof line, f)) fputs(line, stdout);
    fclose(f);
    return 0;
}

// One write per page makes the whole page dirty for the migration's dirty log. The rest of the page is random so that
// neither zero-page detection nor compression shortens the copy.
static void dirty_forever(uint8_t *buffer, int mib, double rate) {
    size_t pages = (size_t)mib * PAGES_PER_MIB, at = 0;
    uint64_t passes = 0, done = 0, counted = 0;
    double began = seconds(CLOCK_MONOTONIC), reported = began;
    for (;;) {
        size_t burst = rate > 0 ? (size_t)(rate * PAGES_PER_MIB * 0.02) + 1 : 2048;
        for (size_t i = 0; i < burst; i++) {
            *(volatile uint64_t *)(buffer + at * PAGE) = passes + 1;
            if (++at == pages) at = 0, passes++;
        }
        done += burst, counted += burst;
        double now = seconds(CLOCK_MONOTONIC);
        if (rate > 0) {
            double due = began + (double)done / (rate * PAGES_PER_MIB);
            if (due > now) rest(due - now);
            else if (now - due > 1) began = now, done = 0; // too slow a CPU: do not save up a burst for later
        }
        if (now - reported >= 1) {
            report(mib, rate, (double)counted / PAGES_PER_MIB / (now - reported), passes);
            reported = now, counted = 0;
        }
    }
}

static int dirty(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "off")) return dirty_off();
    if (argc == 2 && !strcmp(argv[1], "status")) return dirty_status();
    if (argc != 3) {
        fprintf(stderr, "usage: dirty MIB RATE_MIB_PER_S (0 = as fast as it goes) | dirty status | dirty off\n");
        return 2;
    }
    int mib = (int)number(argv[1], 1, 1 << 20, "MIB");
    double rate = number(argv[2], 0, 1e6, "RATE_MIB_PER_S");
    if (dirty_off() != 0) return 1;
    size_t size = (size_t)mib << 20;
    // MAP_POPULATE would let an oversized request invoke the OOM killer; check what is free first.
    long long available = -1;
    char line[128];
    FILE *f = fopen("/proc/meminfo", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %lld kB", &available) == 1) break;
    if (f) fclose(f);
    if (available >= 0 && (long long)mib * 1024 > available) {
        fprintf(stderr, "dirty: %d MiB asked, %lld MiB available\n", mib, available / 1024);
        return 1;
    }
    uint8_t *buffer = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffer == MAP_FAILED) {
        perror("dirty: mmap");
        return 1;
    }
    uint64_t x = 88172645463325252ULL;
    for (size_t i = 0; i < size / 8; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        ((uint64_t *)buffer)[i] = x;
    }
    pid_t child = fork();
    if (child < 0) {
        perror("dirty: fork");
        return 1;
    }
    if (child == 0) {
        setsid();
        int null = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; fd++) dup2(null, fd);
        dirty_forever(buffer, mib, rate);
    }
    f = fopen(PID_FILE, "w");
    if (!f || fprintf(f, "%d\n", child) < 0 || fclose(f) != 0) {
        perror("dirty: " PID_FILE);
        kill(child, SIGKILL);
        return 1;
    }
    report(mib, rate, 0, 0);
    printf("DIRTY %d MiB at %g MiB/s, pid %d\n", mib, rate, child);
    return 0;
}

// ---- heartbeat -----------------------------------------------------------------------------------------------------

static int heartbeat(int argc, char **argv) {
    if (argc != 2 && argc != 4) {
        fprintf(stderr, "usage: heartbeat MS [IPV4 PORT]\n");
        return 2;
    }
    double every = number(argv[1], 1, 3.6e6, "MS") / 1000;
    int sock = -1;
    if (argc == 4) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number(argv[3], 1, 65535, "PORT"))};
        sock = socket(AF_INET, SOCK_DGRAM, 0);
        if (inet_pton(AF_INET, argv[2], &to.sin_addr) != 1 || connect(sock, (void *)&to, sizeof to) != 0) {
            fprintf(stderr, "heartbeat: cannot send to %s\n", argv[2]);
            return 1;
        }
    }
    for (uint64_t n = 1;; n++) {
        char line[100];
        int len = snprintf(line, sizeof line, "HEARTBEAT %llu mono=%.3f wall=%.3f\n", (unsigned long long)n,
                           seconds(CLOCK_MONOTONIC), seconds(CLOCK_REALTIME));
        // A lost datagram or a refused port is what a heartbeat is there to show: it goes on.
        ssize_t sent = sock >= 0 ? send(sock, line, (size_t)len, 0) : write(1, line, (size_t)len);
        if (sock < 0 && sent < 0) return 1;
        rest(every);
    }
}

// ---- load-modules --------------------------------------------------------------------------------------------------

static int load_modules(int argc, char **argv) {
    FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (!f) {
        fprintf(stderr, "usage: load-modules FILE\n");
        return 2;
    }
    char path[300];
    int failed = 0;
    while (fgets(path, sizeof path, f)) {
        path[strcspn(path, "\n")] = 0;
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) != 0 && errno != EEXIST)) {
            fprintf(stderr, "load-modules: %s: %s\n", path, strerror(errno));
            failed = 1;
        }
        if (fd >= 0) close(fd);
    }
    fclose(f);
    return failed;
}

// ---- find-disk -----------------------------------------------------------------------------------------------------

static int has(int fd, off_t at, const char *magic, size_t length) {
    char got[16];
    return pread(fd, got, length, at) == (ssize_t)length && !memcmp(got, magic, length);
}

static int labelled(int fd, off_t at, size_t length, const char *label) {
    char got[40] = {0};
    if (pread(fd, got, length, at) != (ssize_t)length) return 0;
    for (size_t end = strlen(got); end > 0 && got[end - 1] == ' ';) got[--end] = 0;
    return !strcasecmp(got, label);
}

static int find_disk(int argc, char **argv) {
    DIR *d = argc == 2 ? opendir("/sys/class/block") : NULL;
    if (!d) {
        fprintf(stderr, "usage: find-disk LABEL\n");
        return 2;
    }
    for (struct dirent *e; (e = readdir(d));) {
        char path[300];
        if (!strncmp(e->d_name, "ram", 3) || !strncmp(e->d_name, "loop", 4) || *e->d_name == '.') continue;
        snprintf(path, sizeof path, "/dev/%s", e->d_name);
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0) continue; // a drive without a medium
        int found = (has(fd, 32769, "CD001", 5) && labelled(fd, 32808, 32, argv[1])) ||
                    (has(fd, 1080, "\x53\xef", 2) && labelled(fd, 1144, 16, argv[1])) ||
                    (has(fd, 54, "FAT", 3) && labelled(fd, 43, 11, argv[1])) ||
                    (has(fd, 82, "FAT32", 5) && labelled(fd, 71, 11, argv[1]));
        close(fd);
        if (found) {
            puts(path);
            return 0;
        }
    }
    return 1;
}

int main(int argc, char **argv) {
    const char *name = strrchr(argv[0], '/');
    name = name ? name + 1 : argv[0];
    if (!strcmp(name, "dirty")) return dirty(argc, argv);
    if (!strcmp(name, "heartbeat")) return heartbeat(argc, argv);
    if (!strcmp(name, "load-modules")) return load_modules(argc, argv);
    if (!strcmp(name, "find-disk")) return find_disk(argc, argv);
    fprintf(stderr, "call as dirty, heartbeat, load-modules or find-disk\n");
    return 2;
}
