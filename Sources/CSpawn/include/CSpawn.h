#ifndef RUNLEDGER_CSPAWN_H
#define RUNLEDGER_CSPAWN_H

#include <stdbool.h>
#include <sys/types.h>

/// Starts a program that inherits its three standard streams and nothing else: no other descriptor, no blocked or ignored
/// signal. `input` below zero gives it an empty standard input; `output` receives standard output and standard error.
/// Returns 0 and the id, or the operating system's error number.
int cspawn(pid_t *pid, char *const *arguments, char *const *environment, const char *directory, int input, int output,
           bool new_session);

/// Opens a nameless file in memory, closed on exec; below zero with errno when that fails.
int cspawn_memory_file(void);

#endif
