#ifndef RUNLEDGER_CLIBPQ_SHIM_H
#define RUNLEDGER_CLIBPQ_SHIM_H

#include <libpq-fe.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

/* prctl takes a variable number of arguments, which Swift does not import. Linux keeps 15 bytes of the name. */
static inline void clibpq_name_this_thread(const char *name) {
    prctl(PR_SET_NAME, name, 0, 0, 0);
}

#endif
