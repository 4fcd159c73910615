/* The interpreter that binfmt_misc starts for foreign ELF programs while an image is built.

   The kernel gives { SELF, PATH, ARGV0, arguments... } (flag P) and the program's file as
   AT_EXECFD (flag O); see https://docs.kernel.org/admin-guide/binfmt-misc.html. The link of that
   file in /proc names the program itself, whatever links led to it. Where the kit, which
   aimager/sandbox/native_programs.py makes, has a native program of that name, it is started by the native loader,
   else the foreign one by QEMU:

       KIT/ld.so --inhibit-cache --library-path KIT/lib --argv0 ARGV0 KIT/programs/NAME arguments...
       KIT/qemu [-cpu MODEL] -0 ARGV0 PATH arguments...

   MODEL is what the symbolic link KIT/cpu says. Each start is noted in RECORD, if it is there.
   There is no libc, and no memory but the stack. */

#define KIT "/dev/kit"
#define RECORD "/dev/kit.record"

enum { AT_NULL = 0, AT_EXECFD = 2, AT_SECURE = 23, AT_FDCWD = -100, X_OK = 1, WRITE_APPEND = 02001 };
enum { PATH_SIZE = 4200, CANNOT_START = 126 };

#if defined __x86_64__
enum { WRITE = 1, CLOSE = 3, EXECVE = 59, EXIT = 60, OPENAT = 257, READLINKAT = 267,
       FACCESSAT = 269 };
__asm__(".globl _start\n_start: xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call begin\n");

static long call(long number, long a, long b, long c, long d)
{
    register long fourth __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall" : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth) : "rcx", "r11", "memory");
    return result;
}
#elif defined __aarch64__
enum { WRITE = 64, CLOSE = 57, EXECVE = 221, EXIT = 93, OPENAT = 56, READLINKAT = 78,
       FACCESSAT = 48 };
__asm__(".globl _start\n_start: mov x29, xzr\n mov x30, xzr\n mov x0, sp\n bl begin\n");

static long call(long number, long a, long b, long c, long d)
{
    register long eighth __asm__("x8") = number;
    register long first __asm__("x0") = a;
    register long second __asm__("x1") = b;
    register long third __asm__("x2") = c;
    register long fourth __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(first)
                     : "r"(eighth), "r"(second), "r"(third), "r"(fourth) : "memory");
    return first;
}
#endif

static char *append(char *end, const char *text)
{
    while ((*end = *text++))
        end++;
    return end;
}

static char *append_number(char *end, unsigned long number)
{
    if (number > 9)
        end = append_number(end, number / 10);
    *end++ = (char)('0' + number % 10);
    *end = 0;
    return end;
}

/* What the link says, as text of less than PATH_SIZE bytes; 0: there is no such link. */
static long read_link(const char *path, char *text)
{
    long length = call(READLINKAT, AT_FDCWD, (long)path, (long)text, PATH_SIZE - 1);
    text[length > 0 ? length : 0] = 0;
    return length > 0 ? length : 0;
}

/* A program that is asked for its libraries (ldd), or given others, must be the image's own. */
static int tells_the_loader(char **environment)
{
    for (; *environment; environment++)
        if ((*environment)[0] == 'L' && (*environment)[1] == 'D' && (*environment)[2] == '_')
            return 1;
    return 0;
}

/* One line, which is written at once and so is not mixed with those of others. */
static void record(const char *how, const char *name)
{
    char line[PATH_SIZE + 16];
    long file = call(OPENAT, AT_FDCWD, (long)RECORD, WRITE_APPEND, 0);
    if (file < 0)
        return;
    char *end = append(append(append(line, how), name), "\n");
    call(WRITE, file, (long)line, end - line, 0);
    call(CLOSE, file, 0, 0, 0);
}

__attribute__((noreturn, used)) void begin(long *stack)
{
    long count = stack[0];
    char **arguments = (char **)(stack + 1), **environment = arguments + count + 1;
    long *auxiliary = (long *)environment;
    char link[48], model[PATH_SIZE], program[PATH_SIZE + 32];
    char *started[count + 8], **next = started;
    long file = -1, secure = 0;

    if (count < 3)
        call(EXIT, CANNOT_START, 0, 0, 0);
    while (*auxiliary++)
        ;
    for (; auxiliary[0] != AT_NULL; auxiliary += 2)
        if (auxiliary[0] == AT_EXECFD)
            file = auxiliary[1];
        else if (auxiliary[0] == AT_SECURE)
            secure = auxiliary[1];

    char *name = append(program, KIT "/programs");
    *name = 0;
    if (file >= 0) {
        append_number(append(link, "/proc/self/fd/"), (unsigned long)file);
        read_link(link, name);
        call(CLOSE, file, 0, 0, 0);
    }
    /* One that got rights by its file (set-uid) is not started by a loader that obeys arguments. */
    if (*name == '/' && !secure && !tells_the_loader(environment)
        && call(FACCESSAT, AT_FDCWD, (long)program, X_OK, 0) == 0) {
        record("borrowed ", name);
        *next++ = KIT "/ld.so";
        *next++ = "--inhibit-cache";
        *next++ = "--library-path";
        *next++ = KIT "/lib";
        *next++ = "--argv0";
        *next++ = arguments[2];
        *next++ = program;
    } else {
        record("emulated ", *name ? name : arguments[1]);
        *next++ = KIT "/qemu";
        if (read_link(KIT "/cpu", model)) {
            *next++ = "-cpu";
            *next++ = model;
        }
        *next++ = "-0";
        *next++ = arguments[2];
        *next++ = arguments[1];
    }
    for (long i = 3; i <= count; i++)
        *next++ = arguments[i];
    call(EXECVE, (long)started[0], (long)started, (long)environment, 0);
    call(EXIT, CANNOT_START, 0, 0, 0);
    __builtin_unreachable();
}
