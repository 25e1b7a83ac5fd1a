/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fault SOCKET FOLDER PROGRAM [ARG...] - run a program, and let one of its system calls fail.
 *
 * A seccomp filter stops every thread at the calls of calls.c, as the kernel sees them: those of stdio and of libraries
 * too. This program is its tracer (ptrace) and lets each go on, fail, move half of its bytes, or kills the process
 * before or after it, as plan.h is told through SOCKET. FAULT_ARM="K HOW KEY" in the environment is a plan
 * for the start. Needs no privilege. Ends as the program ends; SIGTERM, SIGINT and SIGHUP go to the program.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "plan.h"

enum {
	N_THREADS = 256
};

struct thread {
	pid_t tid, tgid; /* tid 0: free */
	int name_fd;     /* of its name, which it may change; -1: not open */
	enum plan_verb at_exit;
	int error;    /* with PLAN_FAIL at exit */
	uint64_t brk; /* what brk() was asked for, and must seem to have been; 0: nothing */
};

static struct thread threads[N_THREADS];
static pid_t main_pid;
static const char *under;

static void die(const char *what)
{
	fprintf(stderr, "fault: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* ---- the program ---- */

static void filter_calls(void)
{
	const int *numbers;
	unsigned n = call_numbers(&numbers), at = 0;
	static struct sock_filter code[256];
	code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	                                          offsetof(struct seccomp_data, nr));
	for (unsigned i = 0; i < n; i++) {
		code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		                                          (unsigned)numbers[i], 0, 1);
		code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	}
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { .len = (unsigned short)at, .filter = code };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
		die("seccomp");
}

static pid_t launch(char **argv)
{
	int ready[2];
	char byte;
	if (pipe(ready) != 0)
		die("pipe");
	pid_t pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		close(ready[1]);
		if (read(ready[0], &byte, 1) != 1)
			_exit(2);
		close(ready[0]);
		filter_calls();
		execv(argv[0], argv);
		die(argv[0]);
	}
	close(ready[0]);
	if (ptrace(PTRACE_SEIZE, pid, 0,
	           PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE |
	                   PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL) != 0)
		die("ptrace");
	if (write(ready[1], "", 1) != 1)
		die("pipe");
	close(ready[1]);
	return pid;
}

/* ---- registers ---- */

#if defined(__x86_64__)
static const unsigned argument_at[6] = {
	offsetof(struct user_regs_struct, rdi), offsetof(struct user_regs_struct, rsi),
	offsetof(struct user_regs_struct, rdx), offsetof(struct user_regs_struct, r10),
	offsetof(struct user_regs_struct, r8),  offsetof(struct user_regs_struct, r9)
};

static void set_argument(pid_t tid, int i, uint64_t to)
{
	(void)ptrace(PTRACE_POKEUSER, tid, argument_at[i], to);
}

static void set_result(pid_t tid, int error)
{
	(void)ptrace(PTRACE_POKEUSER, tid, offsetof(struct user_regs_struct, rax), (long)-error);
}

/* The program may look at its argument again. */
static void restore_argument(pid_t tid, int i, uint64_t to)
{
	set_argument(tid, i, to);
}

static void skip_call(pid_t tid, int error)
{
	(void)ptrace(PTRACE_POKEUSER, tid, offsetof(struct user_regs_struct, orig_rax), -1L);
	set_result(tid, error);
}
#elif defined(__aarch64__)
static void set_register(pid_t tid, int i, uint64_t to)
{
	struct user_regs_struct regs;
	struct iovec all = { &regs, sizeof regs };
	if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &all) != 0)
		return;
	regs.regs[i] = to;
	(void)ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &all);
}

static void set_argument(pid_t tid, int i, uint64_t to)
{
	set_register(tid, i, to);
}

static void set_result(pid_t tid, int error)
{
	set_register(tid, 0, (uint64_t)-error);
}

/* Where the argument was is the result. */
static void restore_argument(pid_t tid, int i, uint64_t to)
{
	(void)tid;
	(void)i;
	(void)to;
}

static void skip_call(pid_t tid, int error)
{
	int none = -1;
	struct iovec number = { &none, sizeof none };
	(void)ptrace(PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, &number);
	set_result(tid, error);
}
#else
#error "only x86-64 and aarch64"
#endif

/* ---- threads ---- */

static pid_t read_tgid(pid_t tid)
{
	char path[64], line[128];
	int tgid = tid;
	snprintf(path, sizeof path, "/proc/%d/status", (int)tid);
	FILE *f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		if (sscanf(line, "Tgid: %d", &tgid) == 1)
			break;
	}
	if (f != NULL)
		fclose(f);
	return tgid;
}

static struct thread *thread_of(pid_t tid)
{
	struct thread *free_one = NULL;
	for (unsigned i = 0; i < N_THREADS; i++) {
		if (threads[i].tid == tid)
			return &threads[i];
		if (threads[i].tid == 0)
			free_one = &threads[i];
	}
	if (free_one == NULL) {
		fprintf(stderr, "fault: more than %d threads\n", N_THREADS);
		exit(2);
	}
	*free_one = (struct thread){ .tid = tid, .tgid = read_tgid(tid), .name_fd = -1 };
	if (free_one->tgid != main_pid)
		plan_count_children(1);
	return free_one;
}

static void name_thread(struct thread *t, char ret[20])
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/comm", (int)t->tid);
	if (t->name_fd < 0)
		t->name_fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = t->name_fd < 0 ? 0 : pread(t->name_fd, ret, 16, 0);
	size_t n = got > 0 ? (size_t)got : 0;
	while (n > 0 && ret[n - 1] == '\n')
		n--;
	for (size_t i = 0; i < n; i++) {
		if (ret[i] == ' ')
			ret[i] = '_';
	}
	if (t->tgid != main_pid)
		ret[n++] = '*';
	ret[n] = 0;
}

/* ---- calls ---- */

static void on_call(struct thread *t)
{
	struct __ptrace_syscall_info info;
	struct call c;
	char name[20];
	int error = 0;
	enum plan_verb verb = PLAN_GO_ON;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof info, &info) > 0 &&
	    info.op == PTRACE_SYSCALL_INFO_SECCOMP &&
	    call_describe(t->tid, (int)info.seccomp.nr, (const uint64_t *)info.seccomp.args, under,
	                  &c)) {
		name_thread(t, name);
		verb = plan_judge(name, &c, &error);
	}
	if (verb == PLAN_KILL)
		kill(t->tgid, SIGKILL);
	if (verb == PLAN_SHORT && c.length_arg >= 0)
		set_argument(t->tid, c.length_arg, (info.seccomp.args[c.length_arg] + 1) / 2);
	/* The kernel's brk() fails by leaving the break where it is: a negative number would be believed. */
	bool is_brk = verb == PLAN_FAIL && info.seccomp.nr == SYS_brk;
	t->brk = is_brk ? info.seccomp.args[0] : 0;
	if (is_brk)
		set_argument(t->tid, 0, 0);
	else if (verb == PLAN_FAIL && !c.is_after)
		skip_call(t->tid, error);
	t->at_exit = verb == PLAN_KILL_AFTER || (verb == PLAN_FAIL && (c.is_after || is_brk))
	                     ? verb
	                     : PLAN_GO_ON;
	t->error = error;
	(void)ptrace(t->at_exit != PLAN_GO_ON ? PTRACE_SYSCALL : PTRACE_CONT, t->tid, 0, 0);
}

static void on_exit_of_call(struct thread *t)
{
	struct __ptrace_syscall_info info;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof info, &info) > 0 &&
	    info.op != PTRACE_SYSCALL_INFO_EXIT) {
		(void)ptrace(PTRACE_SYSCALL, t->tid, 0, 0);
		return;
	}
	if (t->at_exit == PLAN_KILL_AFTER)
		kill(t->tgid, SIGKILL);
	else if (t->at_exit == PLAN_FAIL && t->brk != 0)
		restore_argument(t->tid, 0, t->brk);
	else if (t->at_exit == PLAN_FAIL)
		set_result(t->tid, t->error);
	t->at_exit = PLAN_GO_ON;
	(void)ptrace(PTRACE_CONT, t->tid, 0, 0);
}

/* Whose code was it? Libraries that are without memory end programs; ours must not. */
static void tell_crash(const struct thread *t)
{
	struct __ptrace_syscall_info info;
	char path[64], line[512];
	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof info, &info) <= 0)
		return;
	snprintf(path, sizeof path, "/proc/%d/maps", t->tid);
	FILE *maps = fopen(path, "re");
	while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
		unsigned long long from, to;
		if (sscanf(line, "%llx-%llx", &from, &to) == 2 &&
		    info.instruction_pointer >= from && info.instruction_pointer < to)
			fprintf(stderr, "fault: SIGSEGV in %s: %s",
			        strstr(line, ".so") != NULL ? "a library" : "the program", line);
	}
	if (maps != NULL)
		fclose(maps);
}

static void on_stop(struct thread *t, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;
	if (event == 0 && signal == SIGSEGV)
		tell_crash(t);
	if (event == PTRACE_EVENT_SECCOMP)
		on_call(t);
	else if (signal == (SIGTRAP | 0x80))
		on_exit_of_call(t);
	else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP)
		(void)ptrace(PTRACE_LISTEN, t->tid, 0, 0);
	else
		(void)ptrace(t->at_exit != PLAN_GO_ON ? PTRACE_SYSCALL : PTRACE_CONT, t->tid, 0,
		             event != 0 ? 0 : signal);
}

static void pass_on(int signal)
{
	kill(main_pid, signal);
}

int main(int argc, char **argv)
{
	int status, last = 0;
	if (argc < 4) {
		fprintf(stderr, "fault SOCKET FOLDER PROGRAM [ARG...]\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGTERM); /* as the program ends with this one (EXITKILL) */
	under = argv[2];
	main_pid = launch(argv + 3);
	if (!plan_start(argv[1], main_pid, getenv("FAULT_ARM")))
		die(argv[1]);
	const struct sigaction action = { .sa_handler = pass_on, .sa_flags = SA_RESTART };
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	for (;;) {
		pid_t tid = waitpid(-1, &status, __WALL);
		if (tid < 0 && errno == EINTR)
			continue;
		if (tid < 0)
			break;
		struct thread *t = thread_of(tid);
		if (WIFSTOPPED(status)) {
			on_stop(t, status);
			continue;
		}
		t->tid = 0;
		if (t->name_fd >= 0)
			close(t->name_fd);
		if (t->tgid != main_pid)
			plan_count_children(-1);
		if (tid == main_pid)
			last = status;
	}
	if (WIFSIGNALED(last)) {
		const struct rlimit none = {
			0, 0
		}; /* the core that is of interest is the program's */
		setrlimit(RLIMIT_CORE, &none);
		signal(WTERMSIG(last), SIG_DFL);
		kill(getpid(), WTERMSIG(last));
	}
	return WIFEXITED(last) ? WEXITSTATUS(last) : 2;
}
